import type { FileUse } from "./file-use.js";
import { shownShellWord } from "../../base/texts/shell-word.js";
import { pathspecOf } from "./verb-call.js";
import { WorkTree } from "./work-tree.js";

const TIME_MAX_MS = 2_000;

/** The commit that git is about to make, by the index that it gives to its pre-commit hook. */
export async function commitInHook(cwd: string, env: Readonly<Record<string, string>>): Promise<FileUse | undefined> {
  const tree = treeAt(cwd, env);
  const [root, head, merged] = await Promise.all([tree.root(), tree.commit("HEAD"), tree.commit("MERGE_HEAD")]);
  if (root === undefined) return undefined;
  const against = head === undefined ? [] : merged === undefined ? ["HEAD"] : ["HEAD", "MERGE_HEAD"];
  const lists = await Promise.all(against.map(async (commit) => tree.differing("--cached", commit)));
  const [first = await tree.paths(["ls-files", "-z", "--full-name"]), second] = lists;
  const paths = second === undefined ? first : first.filter((file) => second.includes(file));
  return { verb: "git commit", top: root.top, paths, effect: "takes", narrowed: narrowedAt(root.prefix) };
}

/** The files of the commit that git has just made, without those that have changed again. */
export async function committedInHook(cwd: string): Promise<Pick<FileUse, "top" | "paths">> {
  const tree = treeAt(cwd, {});
  const [root, committed, changes] = await Promise.all([
    tree.root(),
    tree.paths(["diff-tree", "--no-commit-id", "--name-only", "-r", "--root", "-z", "HEAD"]),
    tree.changes(),
  ]);
  const changed = new Set(changes.map((change) => change.path));
  return { top: root?.top ?? cwd, paths: committed.filter((file) => !changed.has(file)) };
}

function treeAt(cwd: string, env: Readonly<Record<string, string>>): WorkTree {
  return new WorkTree({ cwd, globals: [], env }, AbortSignal.timeout(TIME_MAX_MS));
}

function narrowedAt(prefix: string): (own: readonly string[]) => string {
  return (own) => `git commit -- ${own.map((file) => shownShellWord(pathspecOf(prefix, file))).join(" ")}`;
}
