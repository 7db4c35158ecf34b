import { execFile } from "node:child_process";
import path from "node:path";
import { regularText } from "../../runtime/files/regular-text.js";
import type { ProgramCall } from "./program-call.js";
import { isKnown, UNKNOWN } from "./word-values.js";

/** How the output of a program becomes words: as one word, by its lines, or by blanks. */
export type Split = "whole" | "lines" | "words";

const TOKEN = new RegExp(String.raw`${UNKNOWN}(\d+)(whole|lines|words)${UNKNOWN}`);
const BYTES_MAX = 1024 * 1024;
const ITEMS_MAX = 10_000;
const PIPE_MAX = 6;

/** Stands in a word for what a program of the line would print. */
export function listingToken(index: number, split: Split): string {
  return `${UNKNOWN}${index}${split}${UNKNOWN}`;
}

export function hasListing(word: string): boolean {
  return TOKEN.test(word);
}

const ANY = (): boolean => true;
const GIT_READS = new Set(
  "ls-files diff grep status rev-parse ls-tree diff-tree diff-index diff-files show log format-patch".split(" "),
);
/** Verbs whose output may come from programs that git is set up with, unless they are told not to. */
const GIT_DIFFS = new Set(["diff", "show", "log", "stash", "format-patch"]);

/** Programs that change nothing with these words, and so may be asked for what the line passes on to another. */
const READERS: Readonly<Partial<Record<string, (args: readonly string[]) => boolean>>> = {
  echo: ANY,
  printf: ANY,
  cat: ANY,
  ls: ANY,
  pwd: ANY,
  head: ANY,
  tail: (args) => !args.some((arg) => /^-\w*[fF]|^--(?:follow|retry)/.test(arg)),
  tr: ANY,
  cut: ANY,
  grep: ANY,
  egrep: ANY,
  fgrep: ANY,
  basename: ANY,
  dirname: ANY,
  realpath: ANY,
  rg: (args) => !args.some((arg) => /^--(?:pre|hostname-bin)/.test(arg)),
  uniq: (args) => args.every((arg) => arg.startsWith("-")),
  sort: (args) => !args.some((arg) => /^-\w*[oTS]|^--(?:out|comp|temp|files0)/.test(arg)),
  find: (args) => !args.some((arg) => /^-(?:exec|ok|delete|fprint|fls)/.test(arg)),
  awk: ([program = "", ...others]) =>
    others.length === 0 && /^\s*\{\s*print(?:\s+\$(?:\d+|NF))?\s*;?\s*\}\s*$/.test(program),
  git: ([verb = "", ...args]) =>
    (GIT_READS.has(verb) || (verb === "stash" && args[0] === "show")) &&
    (verb !== "format-patch" || args.includes("--stdout")) &&
    !args.some((arg) => /^-[oO]|^--(?:out|open|ext|textconv)/.test(arg)),
};

/** Whether a program, and each whose output it reads, changes nothing. */
export function onlyReads(program: ProgramCall, depth = 0): boolean {
  const { name, args, writes, source } = program;
  if (depth === PIPE_MAX || writes.length > 0 || !args.every(isKnown)) return false;
  return (
    Object.hasOwn(READERS, name) &&
    READERS[name]?.(args) === true &&
    (source === undefined || onlyReads(source, depth + 1))
  );
}

/** A program with what others of its line would print for it, found by asking these. Where that fails its words stay unknown. */
export async function withListings(program: ProgramCall, limit: AbortSignal): Promise<ProgramCall> {
  const { args, writes } = program;
  if (readsText(program)) return { ...program, input: await fedTo(program, limit) };
  if (![...args, ...writes].some(hasListing)) return program;
  const filled = async (words: readonly string[]) =>
    (await Promise.all(words.map(async (word) => itemsOf(word, program, limit)))).flat().slice(0, ITEMS_MAX);
  const [newArgs, newWrites] = await Promise.all([filled(args), filled(writes)]);
  return { ...program, args: newArgs, writes: newWrites.filter(isKnown), source: undefined };
}

/** Whether a program reads a patch or a list of files from another one. */
function readsText({ name, args, input, inputFile, source }: ProgramCall): boolean {
  if (input !== undefined || (inputFile === undefined && (source === undefined || !onlyReads(source)))) return false;
  if (name === "patch") return true;
  return name === "git" && args.some((arg) => /^(?:apply|am|--stdin|--pathspec-from-file=-)$/.test(arg));
}

async function itemsOf(word: string, { listings }: ProgramCall, limit: AbortSignal): Promise<readonly string[]> {
  const [token, index, split] = TOKEN.exec(word) ?? [];
  const listing = token === undefined ? undefined : listings[Number(index)];
  if (token === undefined || listing === undefined) return [word];
  const output = await outputOf(listing, limit);
  if (output === undefined) return [UNKNOWN];
  return itemsIn(output, split as Split).map((item) => word.replaceAll(token, () => item));
}

function itemsIn(output: string, split: Split): readonly string[] {
  if (split === "whole") return [output.replace(/\n+$/, "")];
  const separator = output.includes("\0") ? /\0/ : split === "lines" ? /\n/ : /\s+/;
  return output.split(separator, ITEMS_MAX).filter((item) => item !== "" && isKnown(item));
}

const outputs = new WeakMap<ProgramCall, Promise<string | undefined>>();

async function outputOf(program: ProgramCall, limit: AbortSignal): Promise<string | undefined> {
  const known = outputs.get(program) ?? printedBy(program, limit);
  outputs.set(program, known);
  return known;
}

/** The input of a program, as far as it can be known. */
async function fedTo({ cwd, source, input, inputFile }: ProgramCall, limit: AbortSignal): Promise<string | undefined> {
  if (source !== undefined) return outputOf(source, limit);
  return input ?? (inputFile === undefined ? "" : regularText(path.resolve(cwd, inputFile)));
}

async function printedBy(program: ProgramCall, limit: AbortSignal): Promise<string | undefined> {
  const { name, args, cwd } = program;
  const fed = await fedTo(program, limit);
  if (fed === undefined || limit.aborted) return undefined;
  const options = {
    cwd,
    signal: limit,
    maxBuffer: BYTES_MAX,
    windowsHide: true,
    env: { ...process.env, GIT_OPTIONAL_LOCKS: "0" },
  };
  const words = name === "git" ? gitWords(args) : args;
  return new Promise((resolve) => {
    const child = execFile(name, words, options, (error, stdout) => {
      // Code 1 is that of a search that finds nothing.
      resolve(error === null || error.code === 1 ? stdout : undefined);
    });
    // A program may end before it has read all.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(fed);
  });
}

function gitWords([verb = "", ...args]: readonly string[]): string[] {
  const own = ["-c", "core.fsmonitor=false", "-c", "core.quotePath=false", verb];
  if (!GIT_DIFFS.has(verb)) return [...own, ...args];
  const [first = "", ...rest] = args;
  const plain = ["--no-ext-diff", "--no-textconv"];
  return verb === "stash" ? [...own, first, ...plain, ...rest] : [...own, ...plain, ...args];
}
