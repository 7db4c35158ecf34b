import path from "node:path";
import { patchIn, changesWithin } from "./patches.js";
import type { FileUse } from "./file-use.js";
import { WRITER_NAMES } from "../shell/plain-line.js";
import { isKnown, type ProgramCall } from "../shell/shell-line.js";
import { gitRootAbove } from "../../runtime/files/git-root.js";
import { isDirectoryAt, PATH_CHARS_MAX, realPlace } from "../../runtime/files/confinement.js";
import { WorkTree } from "./work-tree.js";

/** Files that a program other than git writes, by the words of its call. */
type WrittenFiles = (args: readonly string[], program: ProgramCall) => readonly string[];

function wordsOf(args: readonly string[]): readonly string[] {
  return args.filter((arg) => !arg.startsWith("-"));
}

const WRITERS: Readonly<Record<(typeof WRITER_NAMES)[number], WrittenFiles>> = {
  tee: wordsOf,
  rm: wordsOf,
  unlink: wordsOf,
  truncate: (args) => wordsOf(args.filter((_, at) => !/^-[sr]$/.test(args[at - 1] ?? ""))),
  mv: (args, { cwd }) => [...wordsOf(args).slice(0, -1), ...targetsOf(args, cwd)],
  cp: (args, { cwd }) => targetsOf(args, cwd),
  ln: (args, { cwd }) => targetsOf(args, cwd),
  install: (args, { cwd }) => targetsOf(args, cwd),
  dd: (args) => args.flatMap((arg) => (arg.startsWith("of=") ? [arg.slice(3)] : [])),
  sed: (args) => editedInPlace(args, /^(?:-[nErsuz]*i|--in-place)/),
  perl: (args) => editedInPlace(args, /^-\w*i/),
  patch: (_, { cwd, input, inputFile }) =>
    changesWithin(inputFile === undefined ? (input ?? "") : patchIn(path.resolve(cwd, inputFile)), 1),
  "Remove-Item": wordsOf,
  "Set-Content": (args) => wordsOf(args).slice(0, 1),
  "Add-Content": (args) => wordsOf(args).slice(0, 1),
  "Out-File": (args) => wordsOf(args).slice(0, 1),
};

function writerOf(name: string): WrittenFiles | undefined {
  const writer = WRITER_NAMES.find((one) => one === name);
  return writer && WRITERS[writer];
}

/** The targets of `mv` and `cp`: within a directory the names of the sources. */
function targetsOf(args: readonly string[], cwd: string): readonly string[] {
  const words = wordsOf(args);
  const target = words.at(-1);
  if (target === undefined || words.length < 2) return [];
  if (!isDirectoryAt(path.resolve(cwd, target))) return [target];
  return words.slice(0, -1).map((source) => path.join(target, path.basename(source)));
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

/** The files that a program writes, and those its output is written to, by the work trees they lie in. */
export async function writtenBy(program: ProgramCall, limit: AbortSignal): Promise<readonly FileUse[]> {
  const { name, args, cwd, writes } = program;
  const words = writerOf(name)?.(args.filter(isKnown), program) ?? [];
  const files = [...writes, ...words.map((word) => path.resolve(cwd, word))].slice(0, FILES_MAX);
  const places = files.map((file) => placeOf(file)).filter((place) => place !== undefined);
  const uses: FileUse[] = [];
  for (const top of new Set(places.map((place) => place.top))) {
    const within = places.filter((place) => place.top === top && place.path !== "");
    const directories = within.filter((place) => place.isDirectory).map((place) => place.path);
    const listed = directories.length === 0 || name !== "rm" ? [] : await filesUnder(top, { directories, limit });
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

/** The work tree of a file, and its place there; undefined outside of any. */
function placeOf(
  file: string,
): { readonly top: string; readonly path: string; readonly isDirectory: boolean } | undefined {
  if (file.length > PATH_CHARS_MAX) return undefined;
  const directory = realPlace(path.dirname(file));
  if (directory === undefined) return undefined;
  const top = gitRootAbove(directory);
  if (top === undefined) return undefined;
  const real = path.join(directory, path.basename(file));
  return { top, path: path.relative(top, real).split(path.sep).join("/"), isDirectory: isDirectoryAt(real) };
}
