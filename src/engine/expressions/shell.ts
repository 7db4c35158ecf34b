import { CLOSE, OPEN, templateParts } from "./interpolation.js";

// Follows a command line as far as a shell must be followed to know how it reads what stands at a place: as words, in quotes, as text of a
// document, or as something to compute.

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

const IN_QUOTES = "stands in single quotes, in which a shell reads no variable: use double quotes, or none";
const IN_QUOTED_DOCUMENT =
  "stands in a here-document whose word is quoted, in which a shell reads no variable: take the quotes off the word";
const ESCAPED = "stands behind a backslash: leave that out";
const TOO_DEEP = `stands more than ${DEPTH_MAX} quotes and brackets deep`;
// bash runs `$(…)` that is in the value of a variable it computes with, as in the index of an array.
const COMPUTED =
  "stands where a shell computes, and what a value holds could be run there: compute in the expression, as in ${{ inputs.n + 1 }}";
const COMPARED =
  "stands in [[ ]] beside a comparison of numbers, where bash computes and what a value holds could be run: use [ ], or compare in the expression";
const NAMED =
  "stands where bash takes the name of a variable, in which what a value holds could be run: write the name, and the value behind a =";

/**
 * Replaces each expression of a command line by a variable, in quotes where it stands in none: what the value holds is then one text
 * to the shell, and never read as a part of the line. Or says which cannot stand where it does. What the line itself does with that text
 * later is its author's: `eval`, `sh -c`, and in bash computing with a variable that was given it (`n=${{ x }}; echo $((n + 1))`).
 */
export function shellTemplate(run: string): ShellTemplate | Misplaced {
  const parts = templateParts(run);
  if ("unclosedAt" in parts) return { run, variables: {} };
  const variables: Record<string, string> = {};
  const places: number[] = [];
  const reader = new LineReader();
  let line = "";
  for (const part of parts) {
    if (typeof part === "string") {
      reader.read(part);
      line += part;
      continue;
    }
    const place = reader.place();
    if (typeof place === "object") return { ...place, at: part.at };
    places.push(part.at);
    const name = `${VARIABLE}${places.length}`;
    variables[name] = `${OPEN} ${part.source} ${CLOSE}`;
    line += place === "words" ? `"\${${name}}"` : `\${${name}}`;
  }
  const evaluated = evaluatedVariable(line);
  if (evaluated === undefined) return { run: line, variables };
  return { misplaced: evaluated.why, at: places[evaluated.number - 1] ?? 1 };
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

type Context =
  /** Commands: the whole line, or what stands in `$( )` or backticks. */
  | { readonly kind: "line"; readonly until: "" | ")" | "`"; depth: number }
  | { readonly kind: "double" | "single" | "ansi" | "comment" }
  /** `${name…}` and what has been read of it. */
  | { readonly kind: "brace"; readonly quoted: boolean; text: string }
  | { readonly kind: "computed"; readonly until: ")" | "]"; depth: number }
  /** A here-document, and what has been read of its present line. */
  | { readonly kind: "document"; readonly word: string; readonly quoted: boolean; line: string };

type Document = Extract<Context, { kind: "document" }>;

const HERE = /^<<-?[ \t]*((?:[^\s;&|<>()]|\\.)+)/;

class LineReader {
  readonly #stack: Context[] = [{ kind: "line", until: "", depth: 0 }];
  /** Here-documents that the present line has begun: their text comes behind it. */
  readonly #documents: Document[] = [];
  /** Where in the stack backticks have been opened; 0 for none. */
  #backtick = 0;
  #before = "\n";
  #escaping = false;

  read(text: string): void {
    let at = this.#escaping ? 1 : 0;
    while (at < text.length) {
      at += this.#take(text, at);
      this.#before = text[at - 1] ?? "";
    }
    this.#escaping = at > text.length;
  }

  /** How a shell reads a variable that stands here. */
  place(): "words" | "text" | { misplaced: string } {
    const top = this.#top;
    this.#before = VARIABLE;
    if (top.kind === "comment") return "text";
    if (top.kind === "single" || top.kind === "ansi") return { misplaced: IN_QUOTES };
    if (this.#escaping) return { misplaced: ESCAPED };
    if (this.#stack.length > DEPTH_MAX) return { misplaced: TOO_DEEP };
    if (this.#stack.some(computes)) return { misplaced: COMPUTED };
    if (top.kind === "document") {
      if (top.quoted) return { misplaced: IN_QUOTED_DOCUMENT };
      top.line += VARIABLE;
    }
    if (top.kind === "brace") top.text += VARIABLE;
    return top.kind === "line" || (top.kind === "brace" && !top.quoted) ? "words" : "text";
  }

  get #top(): Context {
    return this.#stack.at(-1) ?? { kind: "line", until: "", depth: 0 };
  }

  /** Reads on from a place. Gives how many characters that were. */
  #take(text: string, at: number): number {
    const top = this.#top;
    const sign = text[at];
    switch (top.kind) {
      case "single":
        if (sign === "'") this.#stack.pop();
        return 1;
      case "ansi":
        if (sign === "'") this.#stack.pop();
        return sign === "\\" ? 2 : 1;
      case "comment":
        if (sign !== "\n") return 1;
        this.#stack.pop();
        return this.#take(text, at);
      case "document":
        return this.#takeOfDocument(top, text, at);
      default:
        return this.#takeCode(top, text, at);
    }
  }

  #takeOfDocument(top: Document, text: string, at: number): number {
    const sign = text[at] ?? "";
    if (sign === "\n") {
      if (top.line === top.word) this.#stack.pop();
      top.line = "";
      return 1;
    }
    // Tabs before the word are left out where it was begun with `<<-`; none begins with one otherwise.
    if (sign !== "\t" || top.line !== "") top.line += sign;
    if (top.quoted) return 1;
    if (sign === "\\") return 2;
    return sign === "$" || sign === "`" ? this.#takeExpansion(text, at) : 1;
  }

  #takeCode(top: Exclude<Context, Document>, text: string, at: number): number {
    const sign = text[at];
    if (sign === "\\") return 2;
    if (sign === "$" || sign === "`") return this.#takeExpansion(text, at);
    if (sign === '"') {
      if (top.kind === "double") this.#stack.pop();
      else this.#stack.push({ kind: "double" });
      return 1;
    }
    if (sign === "'" && !this.#inDouble) {
      this.#stack.push({ kind: "single" });
      return 1;
    }
    if (top.kind === "line") return this.#takeOfLine(top, text, at);
    if (top.kind === "brace") {
      if (sign === "}") this.#stack.pop();
      top.text += sign;
    }
    return top.kind === "computed" ? this.#takeComputed(top, text, at) : 1;
  }

  /** Whether single quotes are only characters. */
  get #inDouble(): boolean {
    const top = this.#top;
    return top.kind === "double" || top.kind === "document" || (top.kind === "brace" && top.quoted);
  }

  #takeComputed(top: { readonly until: ")" | "]"; depth: number }, text: string, at: number): number {
    if (text[at] === (top.until === ")" ? "(" : "[")) top.depth += 1;
    if (text[at] !== top.until) return 1;
    if (top.depth > 0) {
      top.depth -= 1;
      return 1;
    }
    this.#stack.pop();
    return top.until === ")" && text[at + 1] === ")" ? 2 : 1;
  }

  #takeExpansion(text: string, at: number): number {
    const quoted = this.#inDouble;
    if (text[at] === "`") {
      if (this.#backtick > 0) this.#stack.length = this.#backtick;
      this.#backtick = this.#backtick > 0 ? 0 : this.#stack.push({ kind: "line", until: "`", depth: 0 }) - 1;
      return 1;
    }
    if (text.startsWith("$((", at)) {
      this.#stack.push({ kind: "computed", until: ")", depth: 0 });
      return 3;
    }
    const next = text[at + 1];
    if (next === "(") this.#stack.push({ kind: "line", until: ")", depth: 0 });
    else if (next === "[") this.#stack.push({ kind: "computed", until: "]", depth: 0 });
    else if (next === "{") this.#stack.push({ kind: "brace", quoted, text: "" });
    else if (next === "'" && !quoted) this.#stack.push({ kind: "ansi" });
    else return 1;
    return 2;
  }

  #takeOfLine(top: Extract<Context, { kind: "line" }>, text: string, at: number): number {
    const sign = text[at];
    if (sign === "#" && /[\s;&|()`]/.test(this.#before)) this.#stack.push({ kind: "comment" });
    if (sign === "\n") this.#stack.push(...this.#documents.splice(0).reverse());
    if (sign === "<") return this.#takeHere(text, at);
    if (sign === ")" && top.depth === 0 && top.until === ")") this.#stack.pop();
    else if (sign === ")") top.depth = Math.max(0, top.depth - 1);
    if (sign !== "(") return 1;
    if (text[at + 1] === "(") {
      this.#stack.push({ kind: "computed", until: ")", depth: 0 });
      return 2;
    }
    top.depth += 1;
    return 1;
  }

  #takeHere(text: string, at: number): number {
    if (text.startsWith("<<<", at)) return 3;
    const [found, written] = HERE.exec(text.slice(at)) ?? [];
    if (found === undefined || written === undefined) return 1;
    const word = written.replace(/["'\\]/g, "");
    this.#documents.push({ kind: "document", word, quoted: word !== written, line: "" });
    return found.length;
  }
}

/** Whether a shell computes with what stands there: in `$(( ))`, in the index of an array, and behind `${name:`. */
function computes(context: Context): boolean {
  if (context.kind === "computed") return true;
  if (context.kind !== "brace") return false;
  const { text } = context;
  const [name = ""] = /^[!#]?\w*/.exec(text) ?? [];
  const rest = text.slice(name.length);
  if (rest.startsWith("[")) return !rest.includes("]") || /^[^\]]*\]:(?![-=?+])/.test(rest);
  return /^:(?![-=?+])/.test(rest);
}
