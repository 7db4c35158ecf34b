import { stripVTControlCharacters } from "node:util";
import { until } from "../until.js";
import type { Started } from "./command-line.js";

/** A person at a terminal: reads until a text stands there that they have not answered yet, then types. */
export function personAt({ child, stdout }: Started) {
  let read = 0;
  return async (prompt: string, answer: string): Promise<void> => {
    await until(`"${prompt}" is asked`, () => stripVTControlCharacters(stdout()).indexOf(prompt, read) >= 0);
    read = stripVTControlCharacters(stdout()).indexOf(prompt, read) + prompt.length;
    child.stdin!.write(`${answer}\r`);
  };
}
