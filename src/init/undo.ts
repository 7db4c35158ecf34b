import { rmdirSync } from "node:fs";
import path from "node:path";
import { BatonError, hasCode, messageOf } from "../base/errors.js";
import { type Change, withTracking, written } from "./change.js";
import { bytesOf, type FileState, readState, requireWritable } from "./file-state.js";
import { digestOf, type Originals, type SavedFile } from "./originals.js";
import { withoutBaton } from "./editors/removal.js";
import type { Repository } from "./repository.js";

/** Works out how each file becomes what it was before init. One that was changed since loses Baton's entries alone. */
export function planUndo(repository: Repository, saved: ReadonlyMap<string, SavedFile>): Change[] {
  const { root, git } = repository;
  const directories = git === undefined ? [root] : [root, git.directory];
  const changes = [...saved].map(([file, before]): Change => {
    const shown = path.relative(root, file);
    try {
      const state = readState(file, directories);
      return { file: shown, ...undoneChange(state, before) };
    } catch (error) {
      if (!(error instanceof BatonError) || error.code !== "invalid_input") throw error;
      return { file: shown, kind: "refused", why: messageOf(error) };
    }
  });
  return withTracking(changes, repository);
}

function undoneChange(state: FileState, before: SavedFile): Omit<Change, "file"> {
  const original = before.original === null ? undefined : Buffer.from(before.original, "base64");
  if (state.bytes === undefined) return { kind: "unchanged", why: "it is gone already" };
  if (original?.equals(state.bytes) === true) return { kind: "unchanged", why: "it is as it was" };
  requireWritable(state);
  if (digestOf(state.bytes) === before.written) return restored(state, before, original);
  const rest = withoutBaton(state.file, state.text ?? "");
  if (rest === state.text) return { kind: "unchanged", why: "nothing of Baton's is in it" };
  const why = "it was changed after init: Baton's entries alone are taken out";
  if (rest === undefined && original === undefined) return { ...restored(state, before, undefined), why };
  const after = rest ?? "";
  return {
    kind: "update",
    why,
    target: { state, after, bytes: bytesOf(after, state), mode: state.mode ?? 0o644 },
  };
}

function restored(state: FileState, { mode }: SavedFile, original: Buffer | undefined): Omit<Change, "file"> {
  const target = { state, bytes: original, after: original?.toString() ?? "", mode: mode ?? 0o644 };
  return { kind: original === undefined ? "delete" : "update", target };
}

/** Writes the changes, and forgets the originals of the files that came out. */
export function applyUndo(changes: readonly Change[], originals: Originals): Change[] {
  const saved = originals.read();
  const files = [...saved];
  const done = changes.map((change) => written(change));
  for (const [at, { kind }] of done.entries()) {
    const [file, before] = files[at] ?? [];
    if (file === undefined || before === undefined || kind === "refused") continue;
    if (kind === "delete") removeEmpty(before.directories);
    saved.delete(file);
  }
  originals.save(saved);
  return done;
}

function removeEmpty(directories: readonly string[]): void {
  for (const directory of directories.toReversed()) {
    try {
      rmdirSync(directory);
    } catch (error) {
      if (!hasCode(error, "ENOENT", "ENOTEMPTY", "EEXIST", "EACCES", "EPERM")) throw error;
    }
  }
}
