import { shellWord } from "../../base/texts/shell-word.js";
import path from "node:path";
import { optionsOf, type VerbOptions } from "./options.js";
import type { ProgramCall } from "../shell/program-call.js";
import { programsOf } from "../shell/shell-line.js";
import { isKnown } from "../shell/word-values.js";
import { type GitPlace, WorkTree } from "./work-tree.js";

/** A call of git: its verb, and where it is asked. */
export interface GitCall {
  readonly verb: string;
  readonly options: VerbOptions;
  readonly args: readonly string[];
  /** The verb with its short options, as a person would name it. */
  readonly written: string;
  readonly place: GitPlace;
  readonly program: ProgramCall;
}

/** The line that an alias stands for. */
interface ShellAlias {
  readonly line: string;
  /** The words that it is given. */
  readonly words: readonly string[];
  readonly cwd: string;
}

/** Options of git itself that take the next word as their value. */
const WITH_VALUE = new Set(["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--super-prefix", "--config-env"]);
/**
 * Settings and variables of a line that git's questions are asked with: those that choose files. The others may name a program, which a hook would
 * start before the client has asked its person.
 */
const HARMLESS =
  /^(?:alias\.[\w-]+|core\.(?:worktree|excludesfile|ignorecase|precomposeunicode)|(?:rebase|merge)\.autostash|clean\.requireforce)=/i;
const PLACES = new Set(
  (
    "GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_COMMON_DIR GIT_NAMESPACE GIT_CEILING_DIRECTORIES GIT_OBJECT_DIRECTORY GIT_PREFIX " +
    "GIT_LITERAL_PATHSPECS GIT_GLOB_PATHSPECS GIT_NOGLOB_PATHSPECS GIT_ICASE_PATHSPECS"
  ).split(" "),
);
const ALIAS_DEPTH_MAX = 5;
/** Verbs of git that change no file of a work tree, so that no alias is looked for. */
const READING = new Set(
  (
    "status log diff show blame branch tag remote fetch push ls-files ls-tree ls-remote rev-parse rev-list config grep describe shortlog reflog " +
    "cat-file diff-tree diff-index diff-files merge-base for-each-ref show-ref name-rev help version init clone gc fsck check-ignore " +
    "check-attr count-objects hash-object write-tree commit-tree mktree var archive bundle format-patch notes range-diff whatchanged " +
    "symbolic-ref update-ref pack-objects prune repack maintenance interpret-trailers stripspace difftool cherry rerere verify-commit"
  ).split(" "),
);

/** The call of git that a program is; the line of a shell where its verb is an alias for one; undefined where it is none of `verbs`. */
export async function gitCallOf(
  program: ProgramCall,
  { limit, verbs }: { readonly limit: AbortSignal; readonly verbs: ReadonlySet<string> },
): Promise<GitCall | ShellAlias | undefined> {
  let found = placeOf(program);
  if (found === undefined) return undefined;
  let [verb, ...args] = found.args;
  for (let depth = 0; verb !== undefined && !verbs.has(verb); depth++) {
    if (READING.has(verb) || depth === ALIAS_DEPTH_MAX || !/^[\w-]+$/.test(verb)) return undefined;
    const { place } = found;
    const alias = (await new WorkTree(place, limit).ask(["config", "--get", `alias.${verb}`]))?.trim() ?? "";
    if (alias === "") return undefined;
    if (alias.startsWith("!"))
      return { line: [alias.slice(1), ...args.map(shellWord)].join(" "), words: args, cwd: place.cwd };
    const [words] = programsOf(`git ${alias}`, place.cwd);
    const next = placeOf({ ...program, cwd: place.cwd, args: [...place.globals, ...(words?.args ?? []), ...args] });
    if (next === undefined) return undefined;
    found = next;
    [verb, ...args] = found.args;
  }
  if (verb === undefined) return undefined;
  const { place } = found;
  return { verb, args, options: optionsOf(verb, args), written: nameOf(verb, args), place, program };
}

/** Reads the options of git itself. */
function placeOf(program: ProgramCall): { readonly place: GitPlace; readonly args: readonly string[] } | undefined {
  const globals: string[] = [];
  let { cwd } = program;
  let at = 0;
  for (; program.args[at]?.startsWith("-") === true; at++) {
    const option = program.args[at] ?? "";
    const value = WITH_VALUE.has(option) ? program.args[++at] : undefined;
    if (!isKnown(option) || (value !== undefined && !isKnown(value))) return undefined;
    if (option === "-C") cwd = path.resolve(cwd, value ?? "");
    else if (option === "-c" && !HARMLESS.test(value ?? "")) continue;
    else if (value !== undefined) globals.push(option, value);
    else if (/^--(?:git-dir|work-tree|\w+-pathspecs)/.test(option)) globals.push(option);
  }
  const env = Object.fromEntries(Object.entries(program.env).filter(([name]) => PLACES.has(name)));
  return { place: { cwd, globals, env }, args: program.args.slice(at) };
}

/** The verb with its options and the words that fit on a line. */
function nameOf(verb: string, args: readonly string[]): string {
  const shown: string[] = [];
  for (const arg of args) {
    const isMessage = /^-\w*m$/.test(arg);
    const option = isMessage ? arg.slice(0, -1) : arg;
    if (isKnown(option) && option.length > 1 && option.length <= 40 && !/\s/.test(option)) shown.push(option);
    else if (option === ".") shown.push(option);
    if (isMessage || shown.length === 3) break;
  }
  return ["git", verb, ...shown].join(" ");
}
