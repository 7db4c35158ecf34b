import { createHash } from "node:crypto";
import { listHeld } from "../../store/context-windows/messages.js";
import { windowsOfRun } from "../../store/context-windows/windows.js";
import type { Tx } from "../../store/tx.js";

const WINDOWS_MAX = 100;

/** A context window as a snapshot names it: its messages stay where they are. */
export interface WindowMark {
  readonly window: string;
  readonly agent: string;
  readonly name: string;
  readonly messages: number;
  readonly tokens: number;
  /** SHA-256 over the numbers, contents and tokens of its messages. */
  readonly hash: string;
}

/** Marks the windows of the tasks of a run: whether one has changed is told by its hash. */
export function* markWindows(run: string): Tx<WindowMark[]> {
  const marks: WindowMark[] = [];
  for (const { id, agent, name, messages, tokens } of yield* windowsOfRun(run, WINDOWS_MAX)) {
    const hash = createHash("sha256");
    for (const message of yield* listHeld(id)) hash.update(`${message.number} ${message.hash} ${message.tokens}\n`);
    marks.push({ window: id, agent, name, messages, tokens, hash: hash.digest("hex") });
  }
  return marks;
}
