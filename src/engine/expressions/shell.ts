import { CLOSE, OPEN, type Part, templateParts } from "./interpolation.js";

/** A command line without its expressions: their values reach the command as these variables. */
export interface ShellTemplate {
  readonly run: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** Why an expression cannot stand where it does, and where that is, counted from 1. */
export interface Misplaced {
  readonly misplaced: string;
  readonly at: number;
}

const VARIABLE = "BATON_VALUE_";
const DEPTH_MAX = 100;

const MISPLACED =
  'must be a word of its own or stand in double quotes, outside of $( ), backticks, ( ), here-documents and comments: put it into env:, as env: { VALUE: "${{ … }}" }, and write "$VALUE"';
const IN_QUOTES = "stands in single quotes, in which a shell reads no variable: use double quotes, or none";
// bash runs `$(…)` that is in the value of a variable it computes with, as in the index of an array.
const COMPUTED =
  "stands where a shell computes, and what a value holds could be run there: compute in the expression, as in ${{ inputs.n + 1 }}, and hand the result over in env:";
const COMPARED =
  "stands in [[ ]] beside a comparison of numbers, where bash computes and what a value holds could be run: use [ ], or compare in the expression";
const NAMED =
  "stands where bash takes the name of a variable, in which what a value holds could be run: write the name, and the value behind a =";

/**
 * Replaces each expression of a command line by a variable, so that its value is one text to the shell and never read as a part of the
 * line. An expression may be a word of its own, which gets quotes, or stand in double quotes at the top of the line; any other is
 * misplaced. The author of the line answers for what it does with that text later: `eval`, `sh -c`, and in bash computing with a variable
 * that was given it (`n="${{ x }}"; echo $((n + 1))`).
 */
export function shellTemplate(run: string): ShellTemplate | Misplaced {
  const parts = templateParts(run);
  if ("unclosedAt" in parts) return { run, variables: {} };
  const variables: Record<string, string> = {};
  const offsets: number[] = [];
  const reader = new LineReader();
  let misplaced: Misplaced | undefined;
  let line = "";
  for (const [index, part] of parts.entries()) {
    if (typeof part === "string") {
      reader.read(part);
      line += part;
      continue;
    }
    offsets.push(part.at);
    const name = `${VARIABLE}${offsets.length}`;
    variables[name] = `${OPEN} ${part.source} ${CLOSE}`;
    const position = reader.positionBefore(parts[index + 1] ?? "");
    if (typeof position === "object") misplaced ??= { ...position, at: part.at };
    line += position === "word" ? `"\${${name}}"` : `\${${name}}`;
  }
  const evaluated = evaluatedVariable(line);
  if (evaluated !== undefined) return { misplaced: evaluated.why, at: offsets[evaluated.number - 1] ?? 1 };
  return misplaced ?? { run: line, variables };
}

/** The command line as the shell is given it, and as a pattern is held against it. */
export function shellLine(run: string): string {
  const shell = shellTemplate(run);
  return "misplaced" in shell ? run : shell.run;
}

const VALUE = /\$\{BATON_VALUE_(\d+)\}/;
/** Words that may stand before the name of a command. */
const BEFORE = /^\s*(?:(?:if|then|else|elif|while|until|do|time|command|builtin|!|\{)\s+|\w+=[^\s"']*\s+)*/;
const COMMAND = /^[\\"']?([a-z[]+)["']?(?=\s)/;
const INDEX = /(?:^|[\s;&|(])\w*\["?[^\]\s"]*"?\$\{BATON_VALUE_(\d+)\}[^\]\s]*\]\+?=/;
/** Behind `read`: where it reads from, and options that take a value. */
const READ_FROM = /<{1,3}\s*(?:"[^"]*"|\S+)|\s-[a-z]*[dinNptu]\s+(?:"[^"]*"|\S+)/g;

/** Commands of bash that evaluate one of their words, whatever quotes it has: where that word is, of what stands behind them. */
const EVALUATING: Readonly<Record<string, { why: string; in: (rest: string) => string }>> = {
  let: { why: COMPUTED, in: (rest) => rest },
  unset: { why: NAMED, in: (rest) => rest },
  read: { why: NAMED, in: (rest) => rest.replace(READ_FROM, "") },
  printf: { why: NAMED, in: (rest) => /^\s+-v\s*\S+/.exec(rest)?.[0] ?? "" },
  test: { why: NAMED, in: askedFor },
  "[": { why: NAMED, in: askedFor },
  "[[": { why: NAMED, in: askedFor },
  declare: { why: NAMED, in: declared },
  typeset: { why: NAMED, in: declared },
  local: { why: NAMED, in: declared },
};

function askedFor(rest: string): string {
  return [...rest.matchAll(/\s-v\s+\S+/g)].map(([found]) => found).join(" ");
}

/** The name; all of it for a variable that is a number, or another's name. */
function declared(rest: string): string {
  return /^(?:\s+-\w+)*\s+-\w*[in]/.test(rest) ? rest : (rest.split("=", 1)[0] ?? "");
}

/** The first variable that bash would evaluate, by its number, and why. */
function evaluatedVariable(line: string): { why: string; number: number } | undefined {
  const compared = comparedVariable(line);
  if (compared !== undefined) return { why: COMPARED, number: compared };
  const [, index] = INDEX.exec(line) ?? [];
  if (index !== undefined) return { why: COMPUTED, number: Number(index) };
  for (const text of commandsOf(line)) {
    if (!text.includes(VARIABLE)) continue;
    const command = text.replace(BEFORE, "");
    const [found, name = ""] = COMMAND.exec(command) ?? [];
    const evaluating = Object.hasOwn(EVALUATING, name) ? EVALUATING[name] : undefined;
    const [, number] = VALUE.exec(evaluating?.in(command.slice(found?.length)) ?? "") ?? [];
    if (evaluating && number !== undefined) return { why: evaluating.why, number: Number(number) };
  }
  return undefined;
}

/** The simple commands of a line, those in quotes too, and a second time with their quotes whole. */
function commandsOf(line: string): string[] {
  const blind = line.split(/[;&|\n()`]+/);
  const quotesKept = line.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^;&|\n()`"'\\])+/gs) ?? [];
  return [...blind, ...quotesKept];
}

const COMPARES = /\s-(?:eq|ne|lt|le|gt|ge)\s/;

/** The number of the first variable that `[[ ]]` could compute with. */
function comparedVariable(line: string): number | undefined {
  const [, ...conditions] = line.split(/\[\[(?=[\s(])/);
  for (const behind of conditions) {
    const [condition = ""] = behind.split("]]", 1);
    const [, number] = VALUE.exec(condition) ?? [];
    if (number !== undefined && COMPARES.test(condition)) return Number(number);
  }
  return undefined;
}

const ENDS_WORD = /[\s;&|<>()]/;

/**
 * Follows a command line as far as needed to know which quotes and brackets are open. Where a line is too hard to follow, every position
 * behind is refused.
 */
class LineReader {
  /** The closing signs of what is open; of a comment its beginning. */
  readonly #open: string[] = [];
  #before = "\n";
  #isEscaped = false;
  #isLost = false;

  read(text: string): void {
    let at = this.#isEscaped ? 1 : 0;
    while (at < text.length && !this.#isLost) {
      const taken = this.#take(text, at);
      this.#before = text[at] === "\\" && taken === 2 ? "\\" : (text[at + taken - 1] ?? "");
      at += taken;
      this.#isLost ||= this.#open.length > DEPTH_MAX;
    }
    this.#isEscaped = at > text.length;
  }

  /** Returns how a shell reads a variable at this position, with `next` behind it. */
  positionBefore(next: Part): "word" | "text" | { misplaced: string } {
    const before = this.#isEscaped ? "\\" : this.#before;
    [this.#before, this.#isEscaped] = [VARIABLE, false];
    const top = this.#open.at(-1);
    if (!this.#isLost && this.#open.some((closing) => COMPUTES.has(closing))) return { misplaced: COMPUTED };
    if (!this.#isLost && (top === "'" || top === "$'")) return { misplaced: IN_QUOTES };
    if (this.#isLost || before === "\\" || before === "$" || this.#open.length > 1) return { misplaced: MISPLACED };
    if (top === '"') return "text";
    const isWord =
      ENDS_WORD.test(before) && typeof next === "string" && (next === "" || ENDS_WORD.test(next.charAt(0)));
    return top === undefined && isWord ? "word" : { misplaced: MISPLACED };
  }

  /** Reads on from an offset. Returns how many characters that were. */
  #take(text: string, at: number): number {
    const top = this.#open.at(-1);
    const sign = text.charAt(at);
    if (top === "#") return sign === "\n" ? this.#close(1) : 1;
    if (top === "'" || (top === "$'" && sign !== "\\")) return sign === "'" ? this.#close(1) : 1;
    if (sign === "\\") return 2;
    if (sign === "$" || sign === "`") return this.#takeExpansion(text, at);
    if (top === '"') return sign === '"' ? this.#close(1) : 1;
    // In `${ }` a quote is a sign like others where the braces stand in double quotes.
    this.#isLost ||= top === "}" && (sign === '"' || sign === "'");
    if (top === "))" && text.startsWith("))", at)) return this.#close(2);
    if (sign === top) return this.#close(1);
    return this.#takeOfCommand(text, at, top);
  }

  #takeExpansion(text: string, at: number): number {
    if (text.startsWith("$((", at)) return this.#push("))", 3);
    if (text.startsWith("$(", at)) return this.#push(")", 2);
    if (text.startsWith("$[", at)) return this.#push("]", 2);
    if (text.startsWith("${", at)) return this.#push("}", 2);
    if (text[at] === "$") return 1;
    if (!this.#open.includes("`")) return this.#push("`", 1);
    this.#open.length = this.#open.indexOf("`");
    return 1;
  }

  #takeOfCommand(text: string, at: number, top: string | undefined): number {
    const sign = text[at];
    const startsWord = ENDS_WORD.test(this.#before);
    if (sign === '"') return this.#push('"', 1);
    if (sign === "'") return this.#push(this.#before === "$" ? "$'" : "'", 1);
    if (sign === "[" && top === "]") return this.#push("]", 1);
    if (text.startsWith("<<<", at)) return 3;
    if (text.startsWith("((", at)) return this.#push("))", 2);
    if (sign === "(") return this.#push(")", 1);
    if (sign === "#" && startsWord && this.#open.length === 0) return this.#push("#", 1);
    const isHard =
      (text.startsWith("<<", at) && top !== "))") ||
      (startsWord && this.#open.length > 0 && /^(?:#|case\s)/.test(text.slice(at, at + 5)));
    this.#isLost ||= isHard;
    return 1;
  }

  #push(closing: string, taken: number): number {
    this.#open.push(closing);
    return taken;
  }

  #close(taken: number): number {
    this.#open.pop();
    return taken;
  }
}

/** Closing signs of what a shell computes, or may compute: `$(( ))`, `$[ ]` and `${ }`. */
const COMPUTES: ReadonlySet<string> = new Set(["))", "]", "}"]);
