import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import type { TestDatabase } from "./databases.js";

const WORKER = path.join(import.meta.dirname, "store-worker.mjs");

export interface StoreProcess {
  /** Sends a line; gives the next line it says. */
  ask(line: string): Promise<string>;
  /** The next line it says. Throws with its errors when it ends without one. */
  line(): Promise<string>;
}

/** A process of its own on the database, over the built store (see store-worker.mjs). Killed when the test has finished. */
export function startStoreProcess(database: TestDatabase, ...task: string[]): StoreProcess {
  const child = spawn(process.execPath, [WORKER, database.backend, database.location, ...task]);
  onTestFinished(() => void child.kill("SIGKILL"));
  let errors = "";
  child.stderr.on("data", (data: Buffer) => (errors += data.toString()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const next = await lines.next();
    if (next.done === true) throw new Error(`the process ended: ${errors}`);
    return next.value;
  };
  return {
    line,
    ask: (text) => {
      child.stdin.write(`${text}\n`);
      return line();
    },
  };
}
