import { shownShellWord } from "../../base/texts/shell-word.js";
import path from "node:path";
import type { GitCall } from "./git-call.js";
import { hasFlag } from "./options.js";
import { regularText } from "../../runtime/files/regular-text.js";
import { isKnown, UNKNOWN } from "../shell/word-values.js";
import type { FileUse } from "./file-use.js";
import type { PathChange, WorkTree } from "./work-tree.js";

export interface VerbCall extends GitCall {
  readonly tree: WorkTree;
  /** The directory of the call, relative to the root, with a slash at its end; empty at the root. */
  readonly prefix: string;
}

export interface UseDraft extends Pick<FileUse, "paths" | "effect" | "narrowed"> {
  /** The root, where it is not that of the call. */
  readonly top?: string;
}

export type VerbUses = (call: VerbCall) => Promise<readonly UseDraft[]>;

const MESSAGE_MAX = 72;

/** The pathspecs of a call: undefined where it names none, and no list where only the shell will know them. */
export function pathspecsOf(call: VerbCall, words = call.options.words): readonly string[] | undefined {
  const { options, program, place } = call;
  const file = options.values.get("pathspec-from-file");
  const given = [
    ...words,
    ...(options.paths ?? []),
    ...(file === undefined ? [] : listIn(file === "-" ? program.input : regularText(path.resolve(place.cwd, file)))),
  ];
  const known = given.filter(isKnown);
  if (known.length > 0) return known;
  // The output of `git diff --name-only | xargs git add` are the changed paths.
  const { source } = program;
  if (source?.name === "git" && /^(?:diff|ls-files|status)$/.test(source.args[0] ?? "")) return ["."];
  return given.length > 0 || options.paths !== undefined || file !== undefined ? [] : undefined;
}

function listIn(text: string | undefined): readonly string[] {
  if (text === undefined) return [UNKNOWN];
  return text
    .split(/[\0\n]+/)
    .filter((line) => line !== "")
    .slice(0, 10_000);
}

/** The changes under the pathspecs of a call; those of the whole tree where it names none. */
export async function changesOf(
  call: VerbCall,
  pathspecs: readonly string[] | undefined,
): Promise<readonly PathChange[]> {
  if (pathspecs?.length === 0) return [];
  return call.tree.changes(pathspecs ?? []);
}

export function pathsOf(changes: readonly PathChange[]): readonly string[] {
  return changes.map((change) => change.path);
}

/** Writes a command for some paths alone, as it is typed in the directory of the call. */
export function narrowedTo(call: VerbCall, command: readonly string[]): (own: readonly string[]) => string {
  const { cwd } = call.place;
  const at = cwd === call.program.cwd ? [] : ["-C", cwd];
  const start = ["git", ...at, ...call.place.globals, ...command].map(shownShellWord);
  return (own) => [...start, "--", ...own.map((file) => shownShellWord(pathspecOf(call.prefix, file)))].join(" ");
}

/** The options of a call as they were written, but for some. */
export function optionsWithout(call: VerbCall, ...left: readonly string[]): readonly string[] {
  return call.options.written
    .filter(([name]) => !left.includes(name))
    .flatMap(([, ...words]) =>
      words.map((word) => (isKnown(word) && word.length <= MESSAGE_MAX && !word.includes("\n") ? word : "…")),
    );
}

/** A path of the root as a pathspec that is typed in a directory of it, and means this path alone. */
export function pathspecOf(prefix: string, file: string): string {
  const relative = path.posix.relative(prefix, file);
  return /[*?[\\]|^:/.test(relative) ? `:(literal)${relative}` : relative;
}

/** Whether a call only says what it would do. */
export function isDryRun(call: VerbCall): boolean {
  return hasFlag(call.options, "n", "dry-run");
}

export function union(...lists: readonly (readonly string[])[]): readonly string[] {
  return [...new Set(lists.flat())];
}

export function tracked(changes: readonly PathChange[]): readonly PathChange[] {
  return changes.filter((change) => !change.untracked);
}

/** Paths of the work tree with changes, of files that git knows. */
export async function trackedPaths({ tree }: VerbCall): Promise<readonly string[]> {
  return pathsOf(tracked(await tree.changes()));
}

/** Files under pathspecs that git ignores. */
export async function ignoredPaths({ tree }: VerbCall, pathspecs: readonly string[]): Promise<readonly string[]> {
  return tree.paths(["ls-files", "-oiz", "--exclude-standard", "--full-name", "--", ...pathspecs]);
}
