import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { unlessCode } from "../../base/errors.js";
import { RUN_ID } from "../../base/names.js";

/** So many directories are asked about at once. */
const AT_ONCE = 200;

export interface OldOutput {
  /** Holds a directory per run. It need not be there. */
  readonly directory: string;
  /** Milliseconds since the epoch: what was written to later stays. */
  readonly before: number;
  /** Of these runs, those that are gone from the database. */
  readonly gone: (runs: readonly string[]) => Promise<readonly string[]>;
}

/**
 * Removes the output of runs that the retention has removed; gives how many. Several databases may keep theirs in one
 * directory, each without knowing the other's runs: hence only what is as old as that anyway.
 */
export async function removeOldOutput({ directory, before, gone }: OldOutput): Promise<number> {
  const runs = ((await unlessCode(readdir(directory), "ENOENT")) ?? []).filter((name) => RUN_ID.test(name));
  const old: string[] = [];
  for (const run of runs) {
    const facts = await stat(path.join(directory, run));
    if (facts.isDirectory() && facts.mtimeMs < before) old.push(run);
  }
  let removed = 0;
  for (let at = 0; at < old.length; at += AT_ONCE) {
    for (const run of await gone(old.slice(at, at + AT_ONCE))) {
      await rm(path.join(directory, run), { recursive: true, force: true });
      removed += 1;
    }
  }
  return removed;
}
