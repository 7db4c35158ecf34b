import path from "node:path";
import type { HeldFile, Holdings } from "../engine/guard/guarded-files.js";
import { PATH_CHARS_MAX, realPlace } from "../runtime/files/confinement.js";
import type { FileUse } from "./git/file-use.js";
import type { HookVerdict } from "./hooks/hook-answer.js";
import type { HookCall } from "./hooks/hook-call.js";
import { editDenied, useDenied } from "./wording.js";

/** A line that writes more files than these declares none of them: it is a formatter or the removal of a directory, and no one's edit. */
const TAKEN_MAX = 100;

/** The answers of the engine that a guard needs. Files are absolute; a symbolic link is meant itself. */
export interface GuardHost {
  holdings(files: readonly string[]): Promise<Holdings>;
  /** Makes files the caller's own that no other holds; returns those of others. Records the call as a sign of its agent. */
  take(files: readonly string[]): Promise<readonly HeldFile[]>;
  /** Ends the locks that edits alone had made the origin's. */
  free(files: readonly string[]): Promise<void>;
  usesOf(command: string, cwd: string): Promise<readonly FileUse[]>;
  /** The facts for a session that starts, or whose context was compacted. */
  noteAtStart(): Promise<string | undefined>;
  /** Why an agent that stops has something left to do. */
  workLeft(): Promise<string | undefined>;
}

/** Decides about a call. Denies only what would touch work that another agent holds. */
export async function judge(call: HookCall, host: GuardHost): Promise<HookVerdict> {
  if (call.event === "edit") return judgeEdit(call.files, host);
  if (call.event === "shell" && call.command !== undefined) {
    for (const use of await host.usesOf(call.command, call.cwd)) {
      const reason = await judgeUse(use, host);
      if (reason !== undefined) return { kind: "deny", reason };
    }
    // An agent that runs commands for a long time is not silent.
    if ((await host.holdings([])).isDue) await host.take([]);
    return undefined;
  }
  if (call.event === "session-start") {
    const text = await host.noteAtStart();
    return text === undefined ? undefined : { kind: "tell", text };
  }
  if (call.event === "stop" && !call.again) {
    const reason = await host.workLeft();
    return reason === undefined ? undefined : { kind: "continue", reason };
  }
  return undefined;
}

async function judgeEdit(named: readonly string[], host: GuardHost): Promise<HookVerdict> {
  const files = editedAt(named);
  const { others, isDue } = await host.holdings(files);
  // Another may have come between the two.
  const held = others.length > 0 || !isDue ? others : await host.take(files);
  return held.length === 0 ? undefined : { kind: "deny", reason: editDenied(held) };
}

/** The files that an edit of these writes: those that symbolic links lead to. */
export function editedAt(files: readonly string[]): readonly string[] {
  return files.flatMap((file) => (file.length > PATH_CHARS_MAX ? [] : (realPlace(file) ?? [])));
}

/** Why a use of files is denied; undefined where it may go on. */
export async function judgeUse(
  { verb, top, paths, effect, narrowed }: FileUse,
  host: GuardHost,
): Promise<string | undefined> {
  const files = paths.map((file) => path.join(top, file));
  const { others, own, isDue } = await host.holdings(files);
  if (others.length === 0) {
    if (effect === "edits" && isDue && files.length <= TAKEN_MAX) await host.take(files);
    return undefined;
  }
  const mine = new Set(own);
  const kept = paths.filter((file) => mine.has(path.join(top, file)));
  return useDenied(verb, others, kept.length === 0 ? undefined : narrowed?.(kept));
}
