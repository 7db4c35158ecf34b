import path from "node:path";
import { BatonError, messageOf } from "../base/errors.js";
import { unfit } from "./editors/file-editor.js";
import { bytesOf, type FileState, missingDirectories, readState, replaceFile, requireWritable } from "./file-state.js";
import { digestOf, type Originals, type SavedFile } from "./originals.js";
import { withoutBaton } from "./editors/removal.js";
import type { Repository } from "./repository.js";

/** A file, and how it is to change. */
export interface Change {
  /** From the root of the repository. */
  readonly file: string;
  readonly kind: "create" | "update" | "delete" | "unchanged" | "refused" | "covered";
  /** Why it is left as it is, or what is particular about it. */
  readonly why?: string;
  /** Entries for a person to paste where the file was refused. */
  readonly snippet?: string;
  readonly isTracked?: boolean;
  /** Only where there is something to write. */
  readonly target?: ChangeTarget;
}

interface ChangeTarget {
  readonly state: FileState;
  /** Undefined: the file is removed. */
  readonly bytes: Buffer | undefined;
  readonly after: string;
  readonly mode: number;
}

interface Edit {
  /** Absolute. */
  readonly file: string;
  readonly shown: string;
  readonly edit: (text: string | undefined) => string;
  /** Permissions of a file that is made. */
  readonly mode: number;
}

const EXECUTABLE = 0o111;

/** Throws `unfit` where the file is to be left as it is. */
export function planChange({ file, shown, edit, mode }: Edit, { root, git }: Repository): Change {
  const state = readState(file, git === undefined ? [root] : [root, git.directory]);
  const after = edit(state.text);
  if (after === state.text) return { file: shown, kind: "unchanged" };
  requireWritable(state);
  if ((mode & EXECUTABLE) > 0 && state.mode !== undefined && (state.mode & EXECUTABLE) === 0)
    throw unfit("it is not executable, and git runs no such hook");
  const target = { state, bytes: bytesOf(after, state), after, mode: state.mode ?? mode };
  return { file: shown, kind: state.bytes === undefined ? "create" : "update", target };
}

/** Says of each file whether git tracks it. */
export function withTracking(changes: readonly Change[], { root, git }: Repository): Change[] {
  const tracked = git?.tracked(changes.map(({ file }) => path.join(root, file)));
  return changes.map((change) =>
    tracked?.has(path.join(root, change.file)) === true ? { ...change, isTracked: true } : change,
  );
}

/** Writes the changes, the originals first. Returns them as they came out: one that cannot be written is refused and the others go on. */
export function applyChanges(changes: readonly Change[], originals: Originals): Change[] {
  const saved = originals.read();
  for (const { target } of changes) {
    if (target?.bytes !== undefined)
      saved.set(target.state.file, originalOf(target.state, target.bytes, saved.get(target.state.file)));
  }
  originals.save(saved);
  return changes.map((change) => written(change));
}

/** Writes one change, if it has something to write. */
export function written(change: Change): Change {
  const { target } = change;
  if (target === undefined) return change;
  try {
    replaceFile(target.state, target.bytes, target.mode);
    return change;
  } catch (error) {
    if (!(error instanceof BatonError) && !(error instanceof Error && "errno" in error)) throw error;
    return { ...change, kind: "refused", why: messageOf(error) };
  }
}

function originalOf(state: FileState, bytes: Buffer, saved: SavedFile | undefined): SavedFile {
  const digest = digestOf(bytes);
  if (saved !== undefined && state.bytes !== undefined && digestOf(state.bytes) === saved.written)
    return { ...saved, written: digest };
  // Written to by others since: what they would have without Baton is the original.
  const rest = saved === undefined || state.text === undefined ? state.bytes : restOf(state);
  const directories = [...(saved?.directories ?? []), ...missingDirectories(state.file)];
  return { original: rest?.toString("base64") ?? null, mode: state.mode ?? null, written: digest, directories };
}

function restOf(state: FileState): Buffer | undefined {
  const rest = withoutBaton(state.file, state.text ?? "");
  return rest === undefined ? undefined : bytesOf(rest, state);
}
