import path from "node:path";
import { isDirectoryAt } from "../../runtime/files/confinement.js";
import { hasFlag } from "./options.js";
import {
  changesOf,
  ignoredPaths,
  isDryRun,
  narrowedTo,
  optionsWithout,
  pathsOf,
  pathspecsOf,
  union,
  type VerbCall,
  type VerbUses,
} from "./verb-call.js";

/** `git add`: changed and new files come into the index. */
export const adding: VerbUses = async (call) => {
  const { options } = call;
  if (isDryRun(call) || hasFlag(options, "refresh")) return [];
  const isUpdate = hasFlag(options, "u", "update");
  const pathspecs = pathspecsOf(call);
  if (pathspecs === undefined && !isUpdate && !hasFlag(options, "A", "all", "p", "patch")) return [];
  const changes = await changesOf(call, pathspecs);
  const taken = changes.filter((change) => change.unstaged || (change.untracked && !isUpdate));
  const ignored = hasFlag(options, "f", "force") ? await ignoredPaths(call, pathspecs ?? []) : [];
  return [{ paths: union(pathsOf(taken), ignored), effect: "takes", narrowed: narrowedTo(call, ["add"]) }];
};

/** `git commit`: all that is in the index, or all that is changed, comes into the commit. */
export const committing: VerbUses = async (call) => {
  const { options, tree } = call;
  if (hasFlag(options, "dry-run", "short", "porcelain")) return [];
  const pathspecs = pathspecsOf(call);
  const isAll = hasFlag(options, "a", "all", "p", "patch", "interactive");
  const hasIndex = pathspecs === undefined || hasFlag(options, "i", "include");
  const [changes, named, merged] = await Promise.all([
    hasIndex ? tree.changes() : [],
    pathspecs === undefined ? [] : changesOf(call, pathspecs),
    mergedPaths(call),
  ]);
  const taken = new Set(
    [
      ...changes.filter((change) => change.staged || (isAll && change.unstaged)),
      ...named.filter((change) => !change.untracked),
    ].map((change) => change.path),
  );
  const command = ["commit", ...optionsWithout(call, "a", "all", "i", "include", "o", "only", "pathspec-from-file")];
  if (merged === undefined) return [{ paths: [...taken], effect: "takes", narrowed: narrowedTo(call, command) }];
  // A commit that concludes a merge cannot be narrowed, and what came with the merge is part of it.
  return [{ paths: [...taken].filter((file) => merged.has(file)), effect: "takes", narrowed: undefined }];
};

/** Paths that the index has from neither side of a merge under way; undefined without a merge. */
async function mergedPaths({ tree }: VerbCall): Promise<ReadonlySet<string> | undefined> {
  if ((await tree.commit("MERGE_HEAD")) === undefined) return undefined;
  return new Set(await tree.differing("--cached", "MERGE_HEAD"));
}

/** `git rm`: files are deleted, and taken out of the index. */
export const removing: VerbUses = async (call) => {
  const pathspecs = pathspecsOf(call);
  if (isDryRun(call) || pathspecs === undefined || pathspecs.length === 0) return [];
  const paths = await call.tree.paths(["ls-files", "-z", "--full-name", "--", ...pathspecs]);
  return [{ paths, effect: "loses", narrowed: narrowedTo(call, ["rm", ...optionsWithout(call)]) }];
};

/** `git mv`: files go, and come under another name. */
export const renaming: VerbUses = async (call) => {
  const pathspecs = pathspecsOf(call) ?? [];
  const target = pathspecs.at(-1);
  if (isDryRun(call) || target === undefined || pathspecs.length < 2) return [];
  const named = pathspecs.slice(0, -1);
  const sources = await call.tree.paths(["ls-files", "-coz", "--exclude-standard", "--full-name", "--", ...named]);
  const isInto = isDirectoryAt(path.resolve(call.place.cwd, target));
  const targets = named.flatMap((name) => {
    const place = path.posix.join(call.prefix, target, isInto ? path.posix.basename(name) : "").replace(/\/$/, "");
    const from = path.posix.join(call.prefix, name).replace(/\/$/, "");
    const within = sources.filter((file) => file.startsWith(`${from}/`));
    return within.length === 0 ? [place] : within.map((file) => place + file.slice(from.length));
  });
  return [{ paths: union(sources, targets), effect: "edits", narrowed: undefined }];
};

/** `git update-index`: the named files come into the index. */
export const updatingIndex: VerbUses = async (call) => {
  const pathspecs = pathspecsOf(call) ?? [];
  if (pathspecs.length === 0) return [];
  const changes = await changesOf(call, pathspecs);
  return [
    { paths: pathsOf(changes), effect: "takes", narrowed: narrowedTo(call, ["update-index", ...optionsWithout(call)]) },
  ];
};
