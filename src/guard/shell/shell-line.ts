import path from "node:path";
import { PATH_CHARS_MAX } from "../../runtime/files/confinement.js";
import { findActions } from "./find-actions.js";
import type { ProgramCall } from "./program-call.js";
import { hasListing, listingToken, onlyReads, type Split } from "./listings.js";
import { readShell, type ShellNode, type SimpleCommand } from "./shell-reader.js";
import { isKnown, UNKNOWN, valuesOf, type WordScope } from "./word-values.js";
import { type ListPassing, withoutWrappers } from "./wrappers.js";

const CALLS_MAX = 200;
const NESTING_MAX = 8;
const KEYWORDS = new Set("if then elif else fi while until do done ! { } time".split(" "));
const SHELLS = new Set(["bash", "sh", "zsh", "dash", "ksh", "ash"]);
const ASSIGNMENT = /^[A-Za-z_]\w*=/;
const VARIABLE = /^[A-Za-z_]\w*$/;

interface ShellState {
  /** Undefined where only the shell will know it. */
  cwd: string | undefined;
  before: string | undefined;
  readonly variables: Map<string, readonly string[]>;
  readonly exported: Record<string, string>;
}

/** The surroundings of a program in its line. */
interface Surroundings {
  readonly state: ShellState;
  readonly node: SimpleCommand;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly before: ProgramCall | undefined;
}

/** The programs that a command line would start, in its order, as far as it can be known without running any. `words` are its own `$@`. */
export function programsOf(line: string, cwd: string, words: readonly string[] = []): readonly ProgramCall[] {
  const walk = new ShellWalk();
  const state = { cwd, before: undefined, variables: new Map(), exported: {} };
  if (words.length > 0) setPositional(state, ["", ...words]);
  walk.nodes(readShell(line), state);
  return walk.calls;
}

class ShellWalk {
  readonly calls: ProgramCall[] = [];
  readonly #listings: ProgramCall[] = [];
  #depth = 0;

  /** Returns the last of the programs, whose output is that of them all for the most part. */
  nodes(nodes: readonly ShellNode[], state: ShellState): ProgramCall | undefined {
    let last: ProgramCall | undefined;
    if (++this.#depth > NESTING_MAX) return undefined;
    for (const node of nodes) {
      if (this.calls.length >= CALLS_MAX) break;
      if ("subshell" in node) last = this.nodes(node.subshell, inSubshell(state));
      else last = this.#command(node, state, last);
    }
    this.#depth -= 1;
    return last;
  }

  #command(node: SimpleCommand, state: ShellState, before: ProgramCall | undefined): ProgramCall | undefined {
    const scripts = new Map<readonly ShellNode[], ProgramCall | undefined>();
    for (const part of node.words.flat())
      if ("script" in part) scripts.set(part.script, this.nodes(part.script, inSubshell(state)));
    const scope: WordScope = {
      cwd: state.cwd,
      variables: state.variables,
      outputOf: (script, quoted) => this.#tokenOf(scripts.get(script), quoted ? "whole" : "words"),
    };
    const values = node.words.map((word) => valuesOf(word, scope));
    let words = values.flat();
    const start = words.findIndex((word) => !KEYWORDS.has(word));
    words = start < 0 ? [] : words.slice(start);
    if (words[0] === "function") words = words.slice(words[2] === "{" ? 3 : 2);
    if (words[0] === "for" && words[2] === "in") {
      state.variables.set(words[1] ?? "", words.slice(3));
      return undefined;
    }
    const env: Record<string, string> = {};
    words = takeAssignments(words, env);
    if (words.length === 0) {
      for (const [key, value] of Object.entries(env)) state.variables.set(key, [value]);
      if (node.writes.length === 0) return undefined;
    }
    const piped = node.isPiped ? before : undefined;
    const [name, ...args] = words;
    if (name === "read" && piped !== undefined) {
      const line = this.#tokenOf(piped, "lines");
      for (const variable of args.filter((arg) => VARIABLE.test(arg))) state.variables.set(variable, [line]);
      return piped;
    }
    if (changesState(name, args, state) || state.cwd === undefined) return undefined;
    const own = { ...state.exported, ...takeEnvOf(values.slice(1)), ...env };
    return this.#start(words, { state, node, cwd: state.cwd, env: own, before: piped });
  }

  #start(all: readonly string[], { state, node, cwd, env, before }: Surroundings): ProgramCall {
    const { words, directory, passing } = withoutWrappers(all);
    const [name = "", ...args] = takeAssignments(words, {});
    const scope: WordScope = { cwd, variables: state.variables, outputOf: () => UNKNOWN };
    const place = directory === undefined ? cwd : path.resolve(cwd, directory);
    const call: ProgramCall = {
      name: path.basename(name).replace(/\.exe$/i, ""),
      args,
      cwd: place,
      env,
      writes: node.writes.flatMap((word) => valuesOf(word, scope)).filter((file) => isKnown(file) || hasListing(file)),
      input: node.input,
      inputFile: node.reads.flatMap((word) => valuesOf(word, scope)).find(isKnown),
      source: before,
      listings: this.#listings,
    };
    const whole = passing === undefined ? call : { ...call, args: this.#passed(call, passing) };
    if (this.calls.length < CALLS_MAX) this.calls.push(whole);
    if (whole.name === "find") this.#findActions(whole, { state, node, cwd, env, before: undefined });
    this.#scriptOf(whole, state);
    return whole;
  }

  /** The words behind `xargs`, with a list that is read from its input or a file. */
  #passed(call: ProgramCall, { placeholder, split, file }: ListPassing): readonly string[] {
    const { args, source, input, inputFile } = call;
    const reader = { ...call, name: "cat", source: undefined, writes: [] };
    const from = file ?? inputFile;
    const listing =
      from !== undefined ? { ...reader, args: [from] } : input !== undefined ? { ...reader, args: [], input } : source;
    const token = this.#tokenOf(listing, split);
    if (placeholder === undefined || placeholder === "") return [...args, token];
    return args.map((arg) => arg.replaceAll(placeholder, () => token));
  }

  /** The programs that `find` starts with the files that it finds. */
  #findActions(call: ProgramCall, around: Surroundings): void {
    const { listed, commands } = findActions(call.args);
    if (commands.length === 0) return;
    const token = this.#tokenOf({ ...call, args: listed, writes: [], source: undefined }, "lines");
    const node = { ...around.node, writes: [], reads: [], input: undefined };
    for (const command of commands)
      this.#start(
        command.map((word) => word.replaceAll("{}", () => token)),
        { ...around, node },
      );
  }

  /** A word for the output of a program that can be asked for it. */
  #tokenOf(program: ProgramCall | undefined, split: Split): string {
    if (program === undefined || !onlyReads(program)) return UNKNOWN;
    return listingToken(this.#listings.push(program) - 1, split);
  }

  /** The line that a shell is started with is read as if it stood here. */
  #scriptOf({ name, args, input, source }: ProgramCall, state: ShellState): void {
    if (name === "eval") this.nodes(readShell(args.join(" ")), state);
    if (!SHELLS.has(name)) return;
    const option = args.findIndex((arg) => /^-\w*c$/.test(arg));
    const isFromInput = option < 0 && args.every((arg) => arg.startsWith("-"));
    const script = isFromInput ? (input ?? (source === undefined ? undefined : printed(source))) : args[option + 1];
    if (script === undefined || (option < 0 && !isFromInput)) return;
    const inner = inSubshell(state);
    setPositional(inner, isFromInput ? [] : args.slice(option + 2));
    this.nodes(readShell(script), inner);
  }
}

/** Returns the text that a program prints, where its words say it. */
function printed({ name, args, input }: ProgramCall): string | undefined {
  if (name === "cat") return input;
  if (name === "printf") return args[0]?.replaceAll(String.raw`\n`, "\n");
  return name === "echo" ? args.filter((arg) => !/^-[neE]+$/.test(arg)).join(" ") : undefined;
}

function setPositional({ variables }: ShellState, [own = "", ...words]: readonly string[]): void {
  variables.set("0", [own]);
  variables.set("@", words);
  for (const [at, word] of words.slice(0, 9).entries()) variables.set(String(at + 1), [word]);
}

function inSubshell(state: ShellState): ShellState {
  return { ...state, variables: new Map(state.variables), exported: { ...state.exported } };
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
  if ((state.cwd?.length ?? 0) > PATH_CHARS_MAX) state.cwd = undefined;
  state.before = cwd;
  return true;
}
