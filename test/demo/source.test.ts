import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { listModules } from "../../demo/team/modules.js";
import { parseSource, readSource } from "../../demo/team/source.js";
import { ROOT } from "../house/source.js";

const SAMPLE = `
import { other } from "../store/other.js";
import fs from "node:fs";
/** A header without a declaration of its own. */

const hidden = 1;

/**
 * Adds {@link Figure}s.
 *  Indented.
 */
export async function add(a: Figure, b = "}"): Promise<Figure> {
  return a + b.length;
}
// Not a doc comment.
export const LIMIT = 5;
/** An arrow. */
export const twice = (n: number): number => n * 2;
export interface Figure { value: number }
/** Counts. */
export class Counter<T> extends Base {
  readonly size: number = 3;
  #secret = 1;
  /** One more. */
  next(): T { return this.#step(); }
  private inner() {}
  #step() {}
}
export { hidden as shown };
export { far } from "./far.js";
`;

describe("exports of a file", () => {
  const { exports, imports } = parseSource("src/area/sample.ts", SAMPLE);
  const named = (name: string) => exports.find((one) => one.name === name);

  it("has signatures without bodies, and the comments before them", () => {
    expect(named("add")).toEqual({
      name: "add",
      kind: "function",
      signature: 'async function add(a: Figure, b = "}"): Promise<Figure>',
      doc: "Adds Figures.\n Indented.",
      line: 12,
    });
    expect(named("twice")).toMatchObject({ kind: "function", signature: "const twice = (n: number): number => …" });
    expect(named("LIMIT")).toMatchObject({ kind: "constant", signature: "const LIMIT = 5;", doc: undefined });
  });

  it("shows of a class what its users can reach", () => {
    expect(named("Counter")?.signature).toBe(
      "class Counter<T> extends Base {\n  readonly size: number;\n  /** One more. */\n  next(): T;\n}",
    );
  });

  it("follows what is exported by name, and says where else something comes from", () => {
    expect(named("shown")).toMatchObject({ kind: "constant", signature: "const hidden = 1;" });
    expect(named("far")).toMatchObject({ kind: "re-export", signature: 'export { far } from "./far.js";' });
    expect(imports).toEqual(["src/area/far.ts", "src/store/other.ts"]);
  });
});

describe("this repository", () => {
  it("is read whole: every file belongs to one module, every export that a line begins with is found", () => {
    const files = listModules(ROOT).flatMap((module) => module.files);
    expect(new Set(files).size).toBe(files.length);
    const began = /^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm;
    for (const file of files) {
      const names = readSource(ROOT, file).exports.map(({ name }) => name);
      const expected = [...readFileSync(path.join(ROOT, file), "utf8").matchAll(began)].map(([, name]) => name);
      expect({ file, names }).toEqual({ file, names: expect.arrayContaining(expected) as unknown });
    }
  });
});
