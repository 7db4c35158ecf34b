import { hasFlag } from "./options.js";
import { isKnown } from "../shell/word-values.js";
import {
  changesOf,
  isDryRun,
  narrowedTo,
  optionsWithout,
  pathsOf,
  pathspecsOf,
  tracked,
  union,
  type UseDraft,
  type VerbCall,
  type VerbUses,
} from "./verb-call.js";

/** `git checkout`: either paths are overwritten, or another commit is checked out. */
export const checkingOut: VerbUses = async (call) => {
  const { options } = call;
  const [first] = options.words;
  const makesBranch = hasFlag(options, "b", "B", "orphan");
  if (makesBranch || hasFlag(options, "detach", "d", "t", "track")) return switched(call, first);
  if (first === undefined && options.paths === undefined && options.flags.size === 0) return [];
  if (first !== undefined && !isKnown(first)) return [];
  const commit = first === undefined ? undefined : await call.tree.commit(revision(first));
  const words = commit === undefined ? options.words : options.words.slice(1);
  const pathspecs = pathspecsOf(call, words);
  if (pathspecs === undefined) return switched(call, first);
  const isBranchToCome = commit === undefined && pathspecs.length === 1 && options.paths === undefined;
  if (isBranchToCome && (await isRemoteBranch(call, first ?? ""))) return switched(call, first);
  return restored(call, {
    pathspecs,
    source: commit,
    index: commit !== undefined,
    command: ["checkout", ...(commit === undefined ? [] : [first ?? ""])],
  });
};

/** `git switch`: another commit is checked out. */
export const switching: VerbUses = async (call) => switched(call, call.options.words[0]);

async function isRemoteBranch({ tree }: VerbCall, name: string): Promise<boolean> {
  const found = await tree.ask(["for-each-ref", "--count=1", "--format=x", `refs/remotes/*/${name}`]);
  return found !== undefined && found !== "";
}

function revision(name: string): string {
  return name === "-" ? "@{-1}" : name;
}

/** Checks out another commit beneath all who work there: paths that differ in it, and those with changes. Without care, changes are overwritten. */
async function switched(call: VerbCall, target: string | undefined): Promise<readonly UseDraft[]> {
  const isForced = hasFlag(call.options, "f", "force", "discard-changes");
  const changes = tracked(await call.tree.changes());
  return [
    ...(isForced ? [{ paths: pathsOf(changes), effect: "loses", narrowed: undefined } as const] : []),
    { paths: union(pathsOf(changes), await differingFrom(call, target)), effect: "moves", narrowed: undefined },
  ];
}

/** Paths that differ between the commit that is checked out and another one. */
export async function differingFrom({ tree }: VerbCall, target: string | undefined): Promise<readonly string[]> {
  if (target === undefined || !isKnown(target)) return [];
  return tree.differing("HEAD", revision(target), "--");
}

interface Restoration {
  readonly pathspecs: readonly string[];
  /** The commit from which the paths come; the index without one. */
  readonly source: string | undefined;
  readonly index: boolean;
  readonly command: readonly string[];
}

async function restored(
  call: VerbCall,
  { pathspecs, source, index, command }: Restoration,
): Promise<readonly UseDraft[]> {
  if (pathspecs.length === 0) return [];
  const changes = await changesOf(call, pathspecs);
  const lost = changes.filter((change) => change.unstaged || (index && change.staged));
  const written = source === undefined ? [] : await call.tree.differing(source, "--", ...pathspecs);
  return [{ paths: union(pathsOf(lost), written), effect: "loses", narrowed: narrowedTo(call, command) }];
}

/** `git restore`: files are overwritten from the index or a commit, or taken out of the index. */
export const restoring: VerbUses = async (call) => {
  const { options } = call;
  const pathspecs = pathspecsOf(call) ?? (hasFlag(options, "p", "patch") ? [":/"] : []);
  const source = options.values.get("source") ?? options.values.get("s");
  const known = source !== undefined && isKnown(source) ? source : undefined;
  const index = hasFlag(options, "S", "staged");
  const command = ["restore", ...optionsWithout(call, "pathspec-from-file")];
  if (index && !hasFlag(options, "W", "worktree")) return unstaged(call, { pathspecs, source: known, index, command });
  return restored(call, {
    pathspecs,
    source: known,
    index,
    command,
  });
};

/** Paths leave the index, and their files stay as they are. */
async function unstaged(call: VerbCall, { pathspecs, source, command }: Restoration): Promise<readonly UseDraft[]> {
  if (pathspecs.length === 0) return [];
  const changes = await changesOf(call, pathspecs);
  const staged = changes.filter((change) => change.staged);
  const written = source === undefined ? [] : await call.tree.differing("--cached", source, "--", ...pathspecs);
  return [{ paths: union(pathsOf(staged), written), effect: "loses", narrowed: narrowedTo(call, command) }];
}

/** `git reset`: the index, the files or the branch go back to a commit. */
export const resetting: VerbUses = async (call) => {
  const { options, tree } = call;
  const [first] = options.words;
  if (first !== undefined && !isKnown(first)) return [];
  const commit = first === undefined ? undefined : await tree.commit(revision(first));
  const pathspecs = pathspecsOf(call, commit === undefined ? options.words : options.words.slice(1));
  if (pathspecs !== undefined) {
    const command = ["reset", ...(commit === undefined ? [] : [first ?? ""])];
    return unstaged(call, { pathspecs, source: commit, index: true, command });
  }
  const moved = commit === undefined || commit === (await tree.commit("HEAD")) ? [] : await differingFrom(call, first);
  const changes = tracked(await tree.changes());
  const uses: UseDraft[] = [];
  if (hasFlag(options, "hard")) {
    uses.push({
      paths: pathsOf(changes),
      effect: "loses",
      narrowed: moved.length > 0 ? undefined : narrowedTo(call, ["restore", "--staged", "--worktree"]),
    });
  } else if (!hasFlag(options, "soft")) {
    const staged = changes.filter((change) => change.staged);
    uses.push({
      paths: pathsOf(staged),
      effect: "loses",
      narrowed: moved.length > 0 ? undefined : narrowedTo(call, ["reset"]),
    });
  }
  return moved.length === 0 ? uses : [...uses, { paths: moved, effect: "moves", narrowed: undefined }];
};

/** `git clean`: files that git does not know are deleted. */
export const cleaning: VerbUses = async (call) => {
  const { options, tree } = call;
  const pathspecs = pathspecsOf(call);
  if (isDryRun(call) || pathspecs?.length === 0) return [];
  const which = hasFlag(options, "x")
    ? []
    : hasFlag(options, "X")
      ? ["-i", "--exclude-standard"]
      : ["--exclude-standard"];
  const excluded = ["e", "exclude"].flatMap((name) =>
    options.values.has(name) ? [`--exclude=${options.values.get(name) ?? ""}`] : [],
  );
  const whole = hasFlag(options, "d") || pathspecs !== undefined ? [] : ["--directory"];
  const found = await tree.paths([
    "ls-files",
    "-o",
    "-z",
    "--full-name",
    ...which,
    ...excluded,
    ...whole,
    "--",
    ...(pathspecs ?? []),
  ]);
  const paths = found.filter((file) => !file.endsWith("/"));
  return [{ paths, effect: "loses", narrowed: narrowedTo(call, ["clean", ...optionsWithout(call, "d")]) }];
};
