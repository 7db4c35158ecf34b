import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { gitRootAbove } from "../../runtime/files/git-root.js";
import type { ShellNode, ShellWord } from "./shell-reader.js";

/** Stands in a word for what only the shell will know. */
export const UNKNOWN = "\0";

/** The shell in which a word is read. */
export interface WordScope {
  /** Undefined where only the shell will know it. */
  readonly cwd: string | undefined;
  readonly variables: ReadonlyMap<string, readonly string[]>;
  /** Stands for the output of a script. */
  readonly outputOf: (script: readonly ShellNode[], quoted: boolean) => string;
}

const VALUES_MAX = 1_000;
const BRACES_MAX = 20;
/** Far beyond any path. */
const WORD_MAX = 10_000;

export function isKnown(text: string): boolean {
  return !text.includes(UNKNOWN);
}

/** The values of a word: several of a pattern, of braces and of the variable of a `for`. */
export function valuesOf(word: ShellWord, scope: WordScope): readonly string[] {
  let values: readonly string[] = [""];
  let isPattern = false;
  let hasBraces = false;
  for (const part of word) {
    const added = partValues(part, scope);
    if ("text" in part && !part.quoted) {
      isPattern ||= /[*?[]/.test(part.text);
      hasBraces ||= part.text.includes("{") && part.text.includes(",");
    }
    values = joined(values, added);
  }
  const [first] = word;
  const isHome = first !== undefined && "text" in first && !first.quoted && /^~(?:\/|$)/.test(first.text);
  const home = process.env["HOME"];
  if (isHome && home !== undefined) values = values.map((value) => home + value.slice(1));
  if (hasBraces) values = values.flatMap((value) => inBraces(value));
  const { cwd } = scope;
  return isPattern && cwd !== undefined ? values.flatMap((value) => filesLike(value, cwd)) : values;
}

/** Each of some beginnings with each of some ends, within the bounds. */
function joined(starts: readonly string[], ends: readonly string[]): readonly string[] {
  const each = Math.max(1, Math.floor(VALUES_MAX / starts.length));
  return starts.flatMap((start) => ends.slice(0, each).map((end) => `${start}${end}`.slice(0, WORD_MAX)));
}

function partValues(part: ShellWord[number], { cwd, variables, outputOf }: WordScope): readonly string[] {
  if ("text" in part) return [part.text];
  if ("variable" in part) {
    if (part.variable === "PWD") return [cwd ?? UNKNOWN];
    const values = variables.get(part.variable) ?? [process.env[part.variable] ?? part.otherwise ?? UNKNOWN];
    // A shell splits what it finds in a variable without quotes.
    return part.quoted ? values : values.flatMap(wordsIn);
  }
  if (!("script" in part)) return [UNKNOWN];
  if (cwd !== undefined && scriptIs(part.script, "git rev-parse --show-toplevel"))
    return [gitRootAbove(cwd) ?? UNKNOWN];
  if (cwd !== undefined && scriptIs(part.script, "pwd")) return [cwd];
  return [outputOf(part.script, part.quoted)];
}

function wordsIn(value: string): readonly string[] {
  const words = value.split(/[ \t\n]+/).filter((word) => word !== "");
  return words.length === 0 ? [""] : words;
}

/** Whether a script is a command that often stands behind `cd`. */
function scriptIs([node, ...others]: readonly ShellNode[], command: string): boolean {
  if (node === undefined || "subshell" in node || others.length > 0) return false;
  return (
    node.words.map((word) => word.map((part) => ("text" in part ? part.text : UNKNOWN)).join("")).join(" ") === command
  );
}

/** The values of a word with braces, one pair after the other, so that many pairs cannot multiply beyond the bound. */
function inBraces(text: string): readonly string[] {
  let values: readonly string[] = [text];
  for (let pair = 0; pair < BRACES_MAX; pair++) {
    const next = values.flatMap((value) => withoutBraces(value)).slice(0, VALUES_MAX);
    if (next.length === values.length) break;
    values = next;
  }
  return values;
}

function withoutBraces(text: string): readonly string[] {
  const match = /\{([^{}]*,[^{}]*)\}/.exec(text);
  if (match === null) return [text];
  const [before, after] = [text.slice(0, match.index), text.slice(match.index + match[0].length)];
  return (match[1] ?? "").split(",").map((choice) => `${before}${choice}${after}`);
}

/** The files that a pattern of a shell stands for; without any, the pattern as it is written. */
function filesLike(pattern: string, cwd: string): readonly string[] {
  if (!isKnown(pattern)) return [pattern];
  let found = [pattern.startsWith("/") ? "/" : ""];
  for (const segment of pattern.split("/").filter((part) => part !== "")) {
    if (!/[*?[]/.test(segment)) {
      found = found.map((base) => path.posix.join(base, segment));
      continue;
    }
    const like = segmentPattern(segment);
    found = found.flatMap((base) =>
      namesIn(path.resolve(cwd, base))
        .filter((name) => like.test(name))
        .map((name) => path.posix.join(base, name)),
    );
    found = found.slice(0, VALUES_MAX);
  }
  const existing = found.filter((file) => existsSync(path.resolve(cwd, file)));
  return existing.length > 0 ? existing : [pattern];
}

function segmentPattern(segment: string): RegExp {
  const hidden = segment.startsWith(".") ? "" : "(?!\\.)";
  const body = segment.replaceAll(/\*+|\?|\[[^\]]+\]|[^*?[]+|\[/g, (piece) => {
    if (piece.startsWith("*")) return ".*";
    if (piece === "?") return ".";
    if (piece.startsWith("[") && piece.length > 1) return piece.replace(/^\[!/, "[^").replaceAll("\\", "\\\\");
    return piece.replaceAll(/[\\^$.|+()[\]{}]/g, String.raw`\$&`);
  });
  try {
    return new RegExp(`^${hidden}${body}$`, "s");
  } catch {
    return /^(?!)/;
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).slice(0, VALUES_MAX);
  } catch {
    return [];
  }
}
