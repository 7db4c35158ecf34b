import path from "node:path";
import { gitRootAbove } from "../files/git-root.js";
import { commonDirectory } from "../files/real-paths.js";
import { candidatesBelow, filteredAmong } from "./edited-files.js";
import { contentsOf, headOf } from "./git-reader.js";
import { changeOf, type PresentFile } from "./own-diff.js";
import { attributesOf, ScratchRepository } from "./scratch-repository.js";

/** Work trees that are merged with each other, and the root of the project that the paths are relative to. */
export interface MergeSearch {
  readonly root: string;
  /** Roots of work trees; those of another repository are left out. */
  readonly workTrees: readonly string[];
}

/** A work tree as it is merged: the commit that is checked out with the files that are not committed. */
export interface MergedTree {
  readonly workTree: string;
  readonly commit: string;
}

/** Two work trees whose merge conflicts. */
export interface FailingMerge {
  readonly trees: readonly [MergedTree, MergedTree];
  /** Files in which it does, relative to the project's root. */
  readonly files: readonly string[];
}

/** Merges that conflict, or why none was tried. */
export type FoundMerges =
  | { readonly merges: readonly FailingMerge[]; /** Why that may not be all. */ readonly why?: string }
  | { readonly why: string };

const TIME_MAX_MS = 5_000;
const TREES_MAX = 10;
const FILES_MAX = 200;
const BYTES_MAX = 8 * 1024 * 1024;

/**
 * Tries to merge each pair of work trees by git's own merge, in a repository that is thrown away: nothing is written to theirs. Files that
 * are not committed count.
 */
export async function failingMerges({ root, workTrees }: MergeSearch): Promise<FoundMerges> {
  const gitRoot = root === "" ? undefined : gitRootAbove(root);
  const places = workTrees.flatMap((tree) => {
    const common = commonDirectory(tree);
    return common === undefined ? [] : [{ tree, common }];
  });
  // Without a repository of the project it is that of the first work tree.
  const common = (gitRoot === undefined ? undefined : commonDirectory(gitRoot)) ?? places[0]?.common;
  const among = places.filter((one) => one.common === common).map(({ tree }) => tree);
  const [first] = among;
  if (first === undefined || common === undefined || among.length < 2) return { merges: [] };
  const signal = AbortSignal.timeout(TIME_MAX_MS);
  const states: TreeState[] = [];
  for (const workTree of among.slice(0, TREES_MAX)) {
    const state = await stateOf(workTree, signal);
    if (state) states.push(state);
  }
  const commit = states[0]?.commit;
  if (commit === undefined) return { why: `git cannot read the commits of ${first}` };
  const scratch = await ScratchRepository.of({ common, commit, attributes: await attributesOf(first, common) });
  try {
    const written = await scratch.ask(["fast-import", "--quiet"], { input: importOf(states), signal });
    if (written === undefined) return { why: `git cannot copy what is not committed below ${first}` };
    const prefix = path
      .relative(gitRoot ?? root, root)
      .split(path.sep)
      .join("/");
    const { merges, refused } = await mergedInPairs(scratch, { states, prefix, signal });
    const isWhole = !signal.aborted && states.length === among.length && states.every((state) => state.isWhole);
    const why = isWhole
      ? refused
        ? "git does not merge all of them: that takes git 2.38 or later, and a commit that both come from"
        : undefined
      : "there are more work trees, or files that are not committed, than are merged in 5 seconds";
    return { merges, ...(why !== undefined && { why }) };
  } finally {
    await scratch.remove();
  }
}

/** A file as it is to be committed; without content it is gone. */
interface UncommittedFile {
  readonly path: string;
  readonly after: PresentFile | undefined;
}

interface TreeState extends MergedTree {
  readonly files: readonly UncommittedFile[];
  /** Whether all that is not committed is among the files. */
  readonly isWhole: boolean;
}

async function stateOf(workTree: string, signal: AbortSignal): Promise<TreeState | undefined> {
  const commit = await headOf(workTree, { signal });
  if (commit === undefined || commit === null) return undefined;
  const { found, isWhole } = await uncommittedBelow(workTree, signal);
  const converted = found.filter(({ before, after }) => before !== undefined && after && hasOtherEnds(after.data));
  const contents = await contentsOf(workTree, [...new Set(converted.flatMap(({ before }) => before ?? []))], {
    signal,
  });
  const filtered = await filteredAmong(workTree, { files: found.map((file) => file.path), signal });
  const files = filtered ? found.filter((file) => !filtered.has(file.path)) : [];
  return {
    workTree,
    commit,
    files: files.map((file) => asKept(file, contents?.get(file.before ?? ""))),
    isWhole: isWhole && filtered !== undefined && contents !== undefined,
  };
}

interface Uncommitted {
  readonly found: readonly (UncommittedFile & { readonly before: string | undefined })[];
  readonly isWhole: boolean;
}

/** The files of a work tree that are not committed, with the blobs that they were, as far as the limits go. */
async function uncommittedBelow(workTree: string, signal: AbortSignal): Promise<Uncommitted> {
  const listed = await candidatesBelow(workTree, signal);
  const candidates = listed?.files ?? [];
  const found: Uncommitted["found"][number][] = [];
  let bytes = 0;
  let isWhole = listed?.isWhole === true && candidates.length <= FILES_MAX;
  for (const { path: file, before } of candidates.slice(0, FILES_MAX)) {
    const change = bytes > BYTES_MAX || signal.aborted ? undefined : await changeOf(workTree, file, before);
    isWhole &&= bytes <= BYTES_MAX && !signal.aborted && typeof change?.after !== "string";
    if (change === undefined || typeof change.after === "string") continue;
    bytes += change.after?.data.length ?? 0;
    found.push({ path: file, before: before?.object, after: change.after });
  }
  return { found, isWhole };
}

function hasOtherEnds(data: Buffer): boolean {
  return data.includes("\r\n") && !data.includes(0);
}

/** A file with the ends of lines that git keeps: a checkout may have written others. */
function asKept({ path: file, after }: UncommittedFile, before: Buffer | undefined): UncommittedFile {
  if (after === undefined || before === undefined || before.includes("\r\n") || !hasOtherEnds(after.data))
    return { path: file, after };
  const data = Buffer.from(after.data.toString("latin1").replaceAll("\r\n", "\n"), "latin1");
  return { path: file, after: { ...after, data } };
}

/** Commits of what is not committed, as `git fast-import` reads them: one for each work tree, on top of its own. */
function importOf(states: readonly TreeState[]): Buffer {
  return Buffer.concat(
    states.flatMap(({ commit, files }, at) => {
      const ref = refOf(at);
      if (files.length === 0) return [Buffer.from(`reset ${ref}\nfrom ${commit}\n\n`)];
      const head = `commit ${ref}\ncommitter baton <baton> 0 +0000\ndata 0\nfrom ${commit}\n`;
      const gone = files.filter(({ after }) => after === undefined);
      const there = files.flatMap(({ path: file, after }) => (after ? [{ file, ...after }] : []));
      return [
        Buffer.from(head + gone.map((file) => `D ${quoted(file.path)}\n`).join("")),
        ...there.flatMap(({ file, mode, data }) => [
          Buffer.from(`M ${mode} inline ${quoted(file)}\ndata ${data.length}\n`),
          data,
          Buffer.from("\n"),
        ]),
        Buffer.from("\n"),
      ];
    }),
  );
}

function refOf(at: number): string {
  return `refs/heads/tree${at}`;
}

/** A path in quotation marks, as fast-import reads it. */
function quoted(file: string): string {
  return `"${file.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

interface MergeRound {
  readonly states: readonly TreeState[];
  /** Where the project lies in the work tree. */
  readonly prefix: string;
  readonly signal: AbortSignal;
}

async function mergedInPairs(
  scratch: ScratchRepository,
  { states, prefix, signal }: MergeRound,
): Promise<{ merges: FailingMerge[]; refused: boolean }> {
  const merges: FailingMerge[] = [];
  let refused = false;
  for (const [at, one] of states.entries()) {
    for (const [by, other] of states.slice(at + 1).entries()) {
      if (one.commit === other.commit && (one.files.length === 0 || other.files.length === 0)) continue;
      const refs = [refOf(at), refOf(at + 1 + by)];
      const options = ["--write-tree", "-z", "--name-only", "--no-messages"];
      const text = await scratch.ask(["merge-tree", ...options, ...refs], { signal, codes: [0, 1] });
      refused ||= text === undefined;
      // The first is the name of the merged tree.
      const [, ...files] = text?.toString("utf8").split("\0") ?? [];
      const shown = [...new Set(files.filter((file) => file !== ""))].map((file) => path.posix.relative(prefix, file));
      if (shown.length > 0) merges.push({ trees: [one, other], files: shown });
    }
  }
  return { merges, refused };
}
