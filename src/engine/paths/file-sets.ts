import type { LockMode } from "../../base/statuses.js";
import { createHash } from "node:crypto";
import { findScope, saveScopes, type ScopePaths } from "../../store/scheduling/file-sets.js";
import type { Tx } from "../../store/tx.js";
import { keptPattern, normalisePath, type PathPattern, type PathSpace } from "./paths.js";

/** The paths a task declares that it writes and reads; a path in both is written. */
export interface FileSet {
  readonly write: readonly PathPattern[];
  readonly read: readonly PathPattern[];
}

/** A pattern as it is to be locked. */
export interface ModedPattern {
  readonly pattern: PathPattern;
  readonly mode: LockMode;
}

/** Normalises the files of a step. Each side is sorted and free of repetition. Throws `invalid_input`. */
export function normaliseScope(
  space: PathSpace,
  files: { readonly write: readonly string[]; readonly read: readonly string[] },
): FileSet {
  const write = distinctPatterns(space, files.write);
  const written = new Set(write.map(({ key }) => key));
  return { write, read: distinctPatterns(space, files.read).filter(({ key }) => !written.has(key)) };
}

/** Normalises paths; those that mean the same count once, in the order of their keys. Throws `invalid_input`. */
export function distinctPatterns(space: PathSpace, paths: readonly string[]): PathPattern[] {
  const byKey = new Map<string, PathPattern>();
  for (const path of paths) {
    const pattern = normalisePath(space, path);
    if (!byKey.has(pattern.key)) byKey.set(pattern.key, pattern);
  }
  return [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Equal for equal scopes of a project, `""` for an empty one. */
export function scopeId(project: { readonly id: string }, scope: FileSet): string {
  if (scope.write.length === 0 && scope.read.length === 0) return "";
  const content = JSON.stringify([project.id, scope.write.map(({ key }) => key), scope.read.map(({ key }) => key)]);
  return `scope_${createHash("sha256").update(content).digest("hex").slice(0, 32)}`;
}

/** Saves sets of files by their ids. Those that are stored already stay as they are. */
export function* saveFileSets(project: { readonly id: string }, scopes: ReadonlyMap<string, FileSet>): Tx<void> {
  yield* saveScopes([...scopes].map(([id, scope]) => ({ id, project: project.id, paths: pathsOf(scope) })));
}

/** The patterns of a kept scope, writes exclusive and reads shared. */
export function* patternsOfScope(id: string): Tx<ModedPattern[]> {
  const scope = yield* findScope(id);
  if (!scope) throw new Error(`a task names the scope ${id}, which is not kept`);
  return modedPatterns(scope.paths, scope.caseInsensitive);
}

/** Kept paths as they are to be locked. */
export function modedPatterns(paths: ScopePaths, caseInsensitive: boolean): ModedPattern[] {
  const moded = (some: readonly string[], mode: LockMode) =>
    some.map((path) => ({ pattern: keptPattern({ caseInsensitive }, path), mode }));
  return [...moded(paths.write, "exclusive"), ...moded(paths.read, "shared")];
}

function pathsOf(scope: FileSet): ScopePaths {
  return { write: scope.write.map(({ path }) => path), read: scope.read.map(({ path }) => path) };
}
