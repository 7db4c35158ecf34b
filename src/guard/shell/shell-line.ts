import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { gitRootAbove } from "../../runtime/files/git-root.js";
import { readShell, type ShellNode, type ShellWord, type SimpleCommand } from "./shell-reader.js";

/** Stands in a word for what only the shell will know. */
export const UNKNOWN = "\0";

/** A program as the shell would start it. */
export interface ProgramCall {
  readonly name: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Variables that the line itself gives to it. */
  readonly env: Readonly<Record<string, string>>;
  /** Files that its output is written to. */
  readonly writes: readonly string[];
  /** Its input, as far as the line says it. */
  readonly input: string | undefined;
  readonly inputFile: string | undefined;
  /** The program whose output is its input. */
  readonly source: ProgramCall | undefined;
}

const CALLS_MAX = 200;
const NESTING_MAX = 8;
const VALUES_MAX = 1_000;
const BRACES_MAX = 20;
/** Far beyond any path. */
const WORD_MAX = 10_000;
const KEYWORDS = new Set("if then elif else fi while until do done ! { } time".split(" "));
/** Programs that start the one behind them, with those of their options that take a value. */
const WRAPPERS: Readonly<Record<string, string>> = {
  sudo: "ugphCrtT",
  command: "",
  builtin: "",
  exec: "a",
  nohup: "",
  nice: "n",
  ionice: "cn",
  stdbuf: "ioe",
  timeout: "ks",
  env: "uSC",
  xargs: "EILnPsad",
};
const SHELLS = new Set(["bash", "sh", "zsh", "dash", "ksh"]);
const ASSIGNMENT = /^[A-Za-z_]\w*=/;

interface ShellState {
  /** Undefined where only the shell will know it. */
  cwd: string | undefined;
  before: string | undefined;
  readonly variables: Map<string, readonly string[]>;
  readonly exported: Record<string, string>;
}

/** The programs that a command line would start, in its order, as far as it can be known without running any. */
export function programsOf(line: string, cwd: string): readonly ProgramCall[] {
  const walk = new ShellWalk();
  walk.nodes(readShell(line), { cwd, before: undefined, variables: new Map(), exported: {} });
  return walk.calls;
}

class ShellWalk {
  readonly calls: ProgramCall[] = [];
  #depth = 0;

  nodes(nodes: readonly ShellNode[], state: ShellState): void {
    let last: ProgramCall | undefined;
    if (++this.#depth > NESTING_MAX) return;
    for (const node of nodes) {
      if (this.calls.length >= CALLS_MAX) break;
      if ("subshell" in node) this.nodes(node.subshell, inSubshell(state));
      else last = this.#command(node, state, last);
    }
    this.#depth -= 1;
  }

  #command(node: SimpleCommand, state: ShellState, before: ProgramCall | undefined): ProgramCall | undefined {
    for (const part of node.words.flat()) if ("script" in part) this.nodes(part.script, inSubshell(state));
    const values = node.words.map((word) => valuesOf(word, state));
    let words = values.flat();
    while (words[0] !== undefined && KEYWORDS.has(words[0])) words = words.slice(1);
    if (words[0] === "for" && words[2] === "in") {
      state.variables.set(words[1] ?? "", words.slice(3));
      return undefined;
    }
    const env: Record<string, string> = {};
    words = withoutWrappers(takeAssignments(words, env));
    const [name, ...args] = words;
    if (name === undefined) {
      for (const [key, value] of Object.entries(env)) state.variables.set(key, [value]);
      if (node.writes.length === 0) return undefined;
    }
    if (changesState(name, args, state)) return undefined;
    if (state.cwd === undefined) return undefined;
    const { cwd } = state;
    const call: ProgramCall = {
      name: path.basename(name ?? "").replace(/\.exe$/i, ""),
      args,
      cwd,
      env: { ...state.exported, ...takeEnvOf(values.slice(1)), ...env },
      writes: node.writes
        .flatMap((word) => valuesOf(word, state))
        .filter(isKnown)
        .map((file) => path.resolve(cwd, file)),
      input: node.input,
      inputFile: node.reads.flatMap((word) => valuesOf(word, state)).find(isKnown),
      source: node.isPiped ? before : undefined,
    };
    this.calls.push(call);
    this.#scriptOf(call, state);
    return call;
  }

  /** The line that a shell is started with is read as if it stood here. */
  #scriptOf({ name, args, input }: ProgramCall, state: ShellState): void {
    if (name === "eval") this.nodes(readShell(args.join(" ")), state);
    if (!SHELLS.has(name)) return;
    const option = args.findIndex((arg) => /^-\w*c$/.test(arg));
    const script = option < 0 ? (args.every((arg) => arg.startsWith("-")) ? input : undefined) : args[option + 1];
    if (script !== undefined) this.nodes(readShell(script), inSubshell(state));
  }
}

function inSubshell(state: ShellState): ShellState {
  return { ...state, variables: new Map(state.variables), exported: { ...state.exported } };
}

export function isKnown(text: string): boolean {
  return !text.includes(UNKNOWN);
}

function takeAssignments(words: readonly string[], env: Record<string, string>): string[] {
  let at = 0;
  for (; ASSIGNMENT.test(words[at] ?? ""); at++) {
    const [key = "", ...value] = (words[at] ?? "").split("=");
    env[key] = value.join("=");
  }
  return words.slice(at);
}

/** Variables that stand between a wrapper and its program, as in `env GIT_DIR=x git`. */
function takeEnvOf(words: readonly (readonly string[])[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [value = ""] of words) if (/^GIT_\w+=/.test(value)) takeAssignments([value], env);
  return env;
}

function withoutWrappers(words: string[]): string[] {
  const [name = ""] = words;
  const withValue = WRAPPERS[path.basename(name)];
  if (withValue === undefined) return words;
  let at = 1;
  for (; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") {
      at += 1;
      break;
    }
    if (ASSIGNMENT.test(word)) continue;
    if (!word.startsWith("-")) break;
    if (word.length === 2 && withValue.includes(word.charAt(1))) at += 1;
  }
  if (path.basename(name) === "timeout") at += 1;
  return withoutWrappers(words.slice(at));
}

/** Carries out what changes the shell itself. Returns whether the command was of that kind. */
function changesState(name: string | undefined, args: readonly string[], state: ShellState): boolean {
  if (name === "export" || name === "declare" || name === "local") {
    takeAssignments(
      args.filter((arg) => !arg.startsWith("-")),
      state.exported,
    );
    for (const [key, value] of Object.entries(state.exported)) state.variables.set(key, [value]);
    return true;
  }
  if (name !== "cd" && name !== "pushd" && name !== "popd" && name !== "Set-Location") return false;
  const target =
    args.find((arg) => !arg.startsWith("-") || arg === "-") ?? (name === "popd" ? "-" : process.env["HOME"]);
  const { cwd } = state;
  if (target === "-") state.cwd = state.before;
  else if (target === undefined || !isKnown(target)) state.cwd = undefined;
  else if (path.isAbsolute(target) || cwd !== undefined) state.cwd = path.resolve(cwd ?? "/", target);
  state.before = cwd;
  return true;
}

/** The values of a word: several of a pattern, of braces and of the variable of a `for`. */
function valuesOf(word: ShellWord, state: ShellState): readonly string[] {
  let values: readonly string[] = [""];
  let isPattern = false;
  let hasBraces = false;
  for (const part of word) {
    const added = partValues(part, state);
    if ("text" in part && !part.quoted) {
      isPattern ||= /[*?[]/.test(part.text);
      hasBraces ||= /\{.*,.*\}/.test(part.text);
    }
    values = joined(values, added);
  }
  const [first] = word;
  const isHome = first !== undefined && "text" in first && !first.quoted && /^~(?:\/|$)/.test(first.text);
  const home = process.env["HOME"];
  if (isHome && home !== undefined) values = values.map((value) => home + value.slice(1));
  if (hasBraces) values = values.flatMap((value) => inBraces(value));
  const { cwd } = state;
  return isPattern && cwd !== undefined ? values.flatMap((value) => filesLike(value, cwd)) : values;
}

/** Each of some beginnings with each of some ends, within the bounds. */
function joined(starts: readonly string[], ends: readonly string[]): readonly string[] {
  const each = Math.max(1, Math.floor(VALUES_MAX / starts.length));
  return starts.flatMap((start) => ends.slice(0, each).map((end) => `${start}${end}`.slice(0, WORD_MAX)));
}

function partValues(part: ShellWord[number], state: ShellState): readonly string[] {
  if ("text" in part) return [part.text];
  if ("variable" in part) {
    if (part.variable === "PWD") return [state.cwd ?? UNKNOWN];
    const value = process.env[part.variable];
    return state.variables.get(part.variable) ?? [value ?? UNKNOWN];
  }
  if ("script" in part && state.cwd !== undefined && asksForTop(part.script))
    return [gitRootAbove(state.cwd) ?? UNKNOWN];
  return [UNKNOWN];
}

/** Whether a script is `git rev-parse --show-toplevel`, which often stands behind `cd`. */
function asksForTop([node, ...others]: readonly ShellNode[]): boolean {
  if (node === undefined || "subshell" in node || others.length > 0) return false;
  const words = node.words.map((word) => word.map((part) => ("text" in part ? part.text : UNKNOWN)).join(""));
  return words.join(" ") === "git rev-parse --show-toplevel";
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
