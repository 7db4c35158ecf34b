import { hasFlag, optionsOf, type VerbOptions } from "./options.js";
import {
  changesOf,
  ignoredPaths,
  narrowedTo,
  optionsWithout,
  pathsOf,
  pathspecsOf,
  union,
  type UseDraft,
  type VerbCall,
  type VerbUses,
} from "./verb-call.js";

/** A stash costs two processes. */
const STASHES_MAX = 20;
const READS = new Set(["list", "show", "create", "store"]);

/** `git stash`: changes leave the work tree, come back, or are thrown away. */
export const stashing: VerbUses = async (call) => {
  const [first = "push"] = call.args;
  if (READS.has(first)) return [];
  const rest = optionsOf("stash", call.args.slice(1));
  if (first === "pop" || first === "apply" || first === "branch" || first === "drop") {
    const name = rest.words.at(first === "branch" ? 1 : 0) ?? "0";
    return stashed(await call.tree.stashed(stashName(name)), first);
  }
  if (first === "clear") {
    const ids = (await call.tree.ask(["log", "-g", "--format=%H", `--max-count=${STASHES_MAX}`, "refs/stash"])) ?? "";
    const stashes = ids.split("\n").filter((id) => id !== "");
    return stashed(union(...(await Promise.all(stashes.map(async (id) => call.tree.stashed(id))))), first);
  }
  const isSave = first === "save";
  const isPush = first === "push" || isSave;
  if (!isPush && !first.startsWith("-")) return [];
  return pushed({ ...call, options: isPush ? rest : call.options }, isSave);
};

function stashName(name: string): string {
  return /^\d+$/.test(name) ? `stash@{${name}}` : name;
}

function stashed(paths: readonly string[], verb: string): readonly UseDraft[] {
  const isLoss = verb === "drop" || verb === "clear";
  return [{ paths, effect: isLoss ? "loses" : "edits", narrowed: undefined }];
}

async function pushed(call: VerbCall, isSave: boolean): Promise<readonly UseDraft[]> {
  const { options } = call;
  const pathspecs = isSave ? undefined : pathspecsOf(call);
  const [changes, ignored] = await Promise.all([
    changesOf(call, pathspecs),
    hasFlag(options, "a", "all") ? ignoredPaths(call, pathspecs ?? []) : [],
  ]);
  const paths = union(pathsOf(changes.filter((change) => isStashed(change, options))), ignored);
  const command = ["stash", "push", ...(isSave ? [] : optionsWithout(call, "pathspec-from-file", "a", "all"))];
  return [{ paths, effect: "loses", narrowed: narrowedTo(call, command) }];
}

function isStashed(change: { staged: boolean; untracked: boolean }, options: VerbOptions): boolean {
  if (change.untracked) return hasFlag(options, "u", "include-untracked", "a", "all");
  return change.staged || !hasFlag(options, "S", "staged");
}
