import { type Dirent, readdirSync } from "node:fs";
import path from "node:path";
import { patchIn, changesWithin } from "./patches.js";
import type { FileUse } from "./file-use.js";
import { WRITER_NAMES } from "../shell/plain-line.js";
import type { ProgramCall } from "../shell/program-call.js";
import { isKnown } from "../shell/word-values.js";
import { gitRootAbove } from "../../runtime/files/git-root.js";
import {
  isDirectoryAt,
  PATH_CHARS_MAX,
  placeOfLink,
  realPlace,
  unlessMissing,
} from "../../runtime/files/confinement.js";
import { filesOfPatch } from "../hooks/patch-files.js";
import { writtenByScript } from "./inline-scripts.js";
import { WorkTree } from "./work-tree.js";

/** Files that a program other than git writes, by the words of its call. */
type WrittenFiles = (args: readonly string[], program: ProgramCall) => readonly string[];

/** The words that are no options, nor values of some letters. */
function wordsOf(args: readonly string[], withValue = ""): readonly string[] {
  const end = args.indexOf("--");
  const before = end < 0 ? args : args.slice(0, end);
  const isValue = (at: number): boolean => {
    const option = before[at - 1] ?? "";
    return option.length === 2 && option.startsWith("-") && withValue.includes(option.charAt(1));
  };
  const words = before.filter((arg, at) => !(arg.startsWith("-") && arg.length > 1) && !isValue(at));
  return end < 0 ? words : [...words, ...args.slice(end + 1)];
}

/** The values of an option, behind it or in one word with it. */
function valuesOf(args: readonly string[], letter: string, name: string): readonly string[] {
  return args.flatMap((arg, at) => {
    if (arg === `-${letter}` || arg === `--${name}`) return args[at + 1] ?? [];
    if (arg.startsWith(`--${name}=`)) return arg.slice(name.length + 3);
    return new RegExp(`^-\\w*${letter}$`).test(arg) ? (args[at + 1] ?? []) : [];
  });
}

const WRITERS: Readonly<Record<(typeof WRITER_NAMES)[number], WrittenFiles>> = {
  tee: (args) => wordsOf(args),
  sponge: (args) => wordsOf(args),
  rm: (args) => wordsOf(args),
  unlink: (args) => wordsOf(args),
  shred: (args) => wordsOf(args, "ns"),
  truncate: (args) =>
    wordsOf(
      args.filter((_, at) => !/^--(?:size|reference)$/.test(args[at - 1] ?? "")),
      "sr",
    ),
  mv: (args, { cwd }) => [...movedBy(args), ...copyTargets(args, cwd)],
  cp: (args, { cwd }) => copyTargets(args, cwd),
  rsync: (args, { cwd }) => copyTargets(args, cwd),
  ln: (args, { cwd }) => copyTargets(args, cwd),
  install: (args, { cwd }) => copyTargets(args, cwd),
  dd: (args) => args.flatMap((arg) => (arg.startsWith("of=") ? [arg.slice(3)] : [])),
  sed: (args) => editedInPlace(args, /^(?:-[nErsuz]*i|--in-place)/),
  perl: (args) => editedInPlace(args, /^-\w*i/),
  awk: (args) => (args.includes("inplace") ? wordsOf(args, "ivFf").slice(1) : []),
  sort: (args) => valuesOf(args, "o", "output"),
  curl: (args) => valuesOf(args, "o", "output"),
  wget: (args) => valuesOf(args, "O", "output-document"),
  patch: patched,
  apply_patch: ([patch], { input }) => filesOfPatch(patch ?? input ?? ""),
  "Remove-Item": (args) => wordsOf(args),
  "Set-Content": (args) => wordsOf(args).slice(0, 1),
  "Add-Content": (args) => wordsOf(args).slice(0, 1),
  "Out-File": (args) => wordsOf(args).slice(0, 1),
};

function writerOf(name: string): WrittenFiles | undefined {
  const writer = WRITER_NAMES.find((one) => one === name);
  return writer && WRITERS[writer];
}

function patched(args: readonly string[], { cwd, input }: ProgramCall): readonly string[] {
  const [original, second] = wordsOf(args, "pidoDFBYzrVg");
  const file = valuesOf(args, "i", "input")[0] ?? second;
  const strip = Number(
    args
      .map((arg) => /^-\w*p(\d+)$|^--strip=(\d+)$/.exec(arg))
      .find((match) => match)
      ?.slice(1)
      .join("") ?? 0,
  );
  const written = valuesOf(args, "o", "output");
  if (written.length > 0) return written;
  if (original !== undefined) return [original];
  return changesWithin(file === undefined ? (input ?? "") : patchIn(path.resolve(cwd, file)), strip);
}

/** The files that `mv` takes away. */
function movedBy(args: readonly string[]): readonly string[] {
  const words = wordsOf(args, "St");
  return valuesOf(args, "t", "target-directory").length > 0 ? words : words.slice(0, -1);
}

/** The files that `mv` and `cp` put in place: within a directory those of the names of the sources, and of a directory all in it. */
function copyTargets(args: readonly string[], cwd: string): readonly string[] {
  const words = wordsOf(args, "Stmogb");
  const [directory] = valuesOf(args, "t", "target-directory");
  const target = directory ?? words.at(-1);
  const sources = directory === undefined ? words.slice(0, -1) : words;
  if (target === undefined) return [];
  const isInto = isDirectoryAt(path.resolve(cwd, target)) && !args.includes("-T");
  return sources.flatMap((source) => {
    const whole = path.resolve(cwd, source);
    const place = isInto && !/(?:^|\/)\.?$/.test(source) ? path.join(target, path.basename(source)) : target;
    return isDirectoryAt(whole) ? filesBelow(whole).map((file) => path.join(place, file)) : [place];
  });
}

/** The files below a directory, relative to it. */
function filesBelow(directory: string): readonly string[] {
  const found: string[] = [];
  const open = [""];
  for (let next = open.shift(); next !== undefined && found.length < FILES_MAX; next = open.shift()) {
    for (const entry of entriesOf(path.join(directory, next))) {
      const file = path.join(next, entry.name);
      if (!entry.isDirectory()) found.push(file);
      else if (entry.name !== ".git") open.push(file);
    }
  }
  return found;
}

function entriesOf(directory: string): readonly Dirent[] {
  return unlessMissing(() => readdirSync(directory, { withFileTypes: true })) ?? [];
}

/** The files of `sed -i` and `perl -i`: without a script of its own as an option, the first word is the script. */
function editedInPlace(args: readonly string[], inPlace: RegExp): readonly string[] {
  if (!args.some((arg) => inPlace.test(arg))) return [];
  const isScript = (arg: string): boolean => /^(?:-\w*[ef]|--expression|--file)$/.test(arg);
  const words = args.filter((arg, at) => !arg.startsWith("-") && !isScript(args[at - 1] ?? ""));
  const hasScript = args.some((arg) => isScript(arg) || /^--(?:expression|file)=/.test(arg));
  return hasScript ? words : words.slice(1);
}

const FILES_MAX = 1_000;
const TAKES_DIRECTORIES = new Set(["rm", "mv"]);
/** Programs that remove or replace a symbolic link itself; all others, and `>`, write to the file that it leads to. */
const TAKES_LINKS = new Set(["rm", "unlink", "mv", "ln", "rsync", "install", "sed", "perl", "awk", "Remove-Item"]);
const FOLLOWS = "--follow-symlinks";

/** The files that a program writes, and those its output is written to, by the work trees they lie in. */
export async function writtenBy(program: ProgramCall, limit: AbortSignal): Promise<readonly FileUse[]> {
  const { name, args, cwd, writes } = program;
  const words = writerOf(name)?.(args.filter(isKnown), program) ?? writtenByScript(program);
  const takesLinks = TAKES_LINKS.has(name) && !args.includes(FOLLOWS);
  const files = [
    ...writes.map((word) => placeOf(path.resolve(cwd, word), "target")),
    ...words.slice(0, FILES_MAX).map((word) => placeOf(path.resolve(cwd, word), takesLinks ? "link" : "target")),
  ];
  const places = files.filter((place) => place !== undefined);
  const uses: FileUse[] = [];
  for (const top of new Set(places.map((place) => place.top))) {
    const within = places.filter((place) => place.top === top);
    const directories = within.filter((place) => place.isDirectory).map((place) => place.path || ".");
    const listed =
      directories.length === 0 || !TAKES_DIRECTORIES.has(name) ? [] : await filesUnder(top, { directories, limit });
    const paths = [...new Set([...within.filter((place) => !place.isDirectory).map((place) => place.path), ...listed])];
    uses.push({ verb: name === "" ? ">" : name, top, paths, effect: "edits", narrowed: undefined });
  }
  return uses;
}

interface Listing {
  readonly directories: readonly string[];
  readonly limit: AbortSignal;
}

async function filesUnder(top: string, { directories, limit }: Listing): Promise<readonly string[]> {
  const tree = new WorkTree({ cwd: top, globals: ["--literal-pathspecs"], env: {} }, limit);
  return tree.paths(["ls-files", "-co", "--exclude-standard", "-z", "--", ...directories]);
}

interface Place {
  readonly top: string;
  readonly path: string;
  readonly isDirectory: boolean;
}

/** The work tree of a file, and its place there; undefined outside of any. A symbolic link is meant itself, or its target. */
function placeOf(file: string, meant: "link" | "target"): Place | undefined {
  if (file.length > PATH_CHARS_MAX) return undefined;
  const real = meant === "link" ? placeOfLink(file) : realPlace(file);
  const top = real && gitRootAbove(path.dirname(real));
  if (real === undefined || top === undefined) return undefined;
  const isDirectory = isDirectoryAt(real) && realPlace(real) === real;
  return { top, path: path.relative(top, real).split(path.sep).join("/"), isDirectory };
}
