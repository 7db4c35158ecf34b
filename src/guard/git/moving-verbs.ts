import path from "node:path";
import { hasFlag } from "./options.js";
import { changesWithin, patchIn } from "./patches.js";
import { differingFrom } from "./restoring-verbs.js";
import { isKnown } from "../shell/word-values.js";
import {
  pathsOf,
  pathspecsOf,
  tracked,
  trackedPaths,
  union,
  type UseDraft,
  type VerbCall,
  type VerbUses,
} from "./verb-call.js";

/** Paths that another commit brings since it parted from the one that is checked out. */
async function broughtBy({ tree }: VerbCall, targets: readonly string[]): Promise<readonly string[]> {
  const known = targets.filter(isKnown).slice(0, 10);
  return union(...(await Promise.all(known.map(async (target) => tree.differing(`HEAD...${target}`, "--")))));
}

async function aborted(call: VerbCall): Promise<readonly UseDraft[]> {
  return [{ paths: await trackedPaths(call), effect: "loses", narrowed: undefined }];
}

function moves(paths: readonly string[]): readonly UseDraft[] {
  return [{ paths, effect: "moves", narrowed: undefined }];
}

/** `git merge`: files change as the other side says. Git itself refuses where open changes lie in these. */
export const merging: VerbUses = async (call) => {
  if (hasFlag(call.options, "abort")) return aborted(call);
  if (hasFlag(call.options, "continue", "quit")) return [];
  const { words } = call.options;
  const all = hasFlag(call.options, "autostash") ? await trackedPaths(call) : [];
  return moves(union(all, await broughtBy(call, words.length === 0 ? ["@{upstream}"] : words)));
};

/** `git pull`: the files that the upstream is known to bring. */
export const pulling: VerbUses = async (call) => {
  const [, branch] = call.options.words;
  const target = branch === undefined ? "@{upstream}" : `${call.options.words[0] ?? ""}/${branch}`;
  const all = hasFlag(call.options, "autostash") ? await trackedPaths(call) : [];
  return moves(union(all, await broughtBy(call, [target])));
};

/** `git rebase`: another commit is checked out on the way. Git itself refuses with open changes, unless it stashes them. */
export const rebasing: VerbUses = async (call) => {
  const { options } = call;
  if (hasFlag(options, "abort", "skip")) return aborted(call);
  if (hasFlag(options, "continue", "quit", "edit-todo", "show-current-patch")) return [];
  const target = options.values.get("onto") ?? options.words[0] ?? "@{upstream}";
  const changes = await trackedPaths(call);
  return moves(union(changes, await differingFrom(call, hasFlag(options, "root") ? undefined : target)));
};

/** `git cherry-pick` and `git revert`: the files of the named commits. */
export const picking: VerbUses = async (call) => {
  const { options, tree } = call;
  if (hasFlag(options, "abort", "skip")) return aborted(call);
  const commits = options.words.filter(isKnown);
  if (hasFlag(options, "continue", "quit") || commits.length === 0) return [];
  const range = commits.some((commit) => commit.includes("..")) ? [] : ["--no-walk"];
  return moves(
    await tree.paths(["log", ...range, "-m", "--first-parent", "--name-only", "--format=", "-z", ...commits, "--"]),
  );
};

/** `git apply` and `git am`: the files that a patch names. */
export const patching: VerbUses = async (call) => {
  const { options, place, program, verb } = call;
  if (hasFlag(options, "abort", "skip")) return aborted(call);
  if (hasFlag(options, "check", "stat", "numstat", "summary", "continue", "resolved", "quit")) return [];
  const files = [...options.words, ...(program.inputFile === undefined ? [] : [program.inputFile])].filter(isKnown);
  const patches = [...files.map((file) => patchIn(path.resolve(place.cwd, file))), program.input ?? ""];
  const strip = Number(options.values.get("p") ?? 1);
  const paths = patches
    .flatMap((patch) => changesWithin(patch, strip))
    .map((file) => path.posix.join(call.prefix, file));
  return [{ paths: union(paths), effect: verb === "am" ? "moves" : "edits", narrowed: undefined }];
};

/** `git bisect`: one commit after another is checked out. */
export const bisecting: VerbUses = async (call) => {
  const isStep = ["start", "good", "bad", "new", "old", "skip", "reset", "run"].includes(call.args[0] ?? "");
  return isStep ? moves(await trackedPaths(call)) : [];
};

/** `git worktree remove --force`: the changes in that work tree are deleted with it. */
export const removingWorktree: VerbUses = async (call) => {
  const [action, target] = call.options.words;
  if (action !== "remove" || target === undefined || !isKnown(target) || !hasFlag(call.options, "f", "force"))
    return [];
  const other = call.tree.at(path.resolve(call.place.cwd, target));
  const root = await other.root();
  if (root === undefined) return [];
  return [{ paths: pathsOf(await other.changes()), effect: "loses", narrowed: undefined, top: root.top }];
};

/** `git read-tree` and `git checkout-index`: files or the index are overwritten. */
export const readingTree: VerbUses = async (call) => {
  const { options, tree, verb } = call;
  const changes = tracked(await tree.changes());
  if (verb === "checkout-index") {
    const words = pathspecsOf(call) ?? [];
    const named = new Set(words.map((word) => path.posix.join(call.prefix, word)));
    const isAll = hasFlag(options, "a", "all");
    const lost = changes.filter((change) => change.unstaged && (isAll || named.has(change.path)));
    return hasFlag(options, "f", "force") ? [{ paths: pathsOf(lost), effect: "loses", narrowed: undefined }] : [];
  }
  if (hasFlag(options, "n", "dry-run")) return [];
  const lost = changes.filter((change) => change.staged || hasFlag(options, "u", "reset"));
  const other = await differingFrom(call, options.words.at(-1));
  return [{ paths: union(pathsOf(lost), other), effect: "loses", narrowed: undefined }];
};
