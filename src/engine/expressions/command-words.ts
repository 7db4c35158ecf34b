import type { Part } from "./interpolation.js";

/** A word of a simple command. */
export interface Word {
  /** The word as it is written, expressions left out. */
  readonly raw: string;
  /** The text that the word is to the command, up to the first place that depends on a value. */
  readonly literal: string;
  /** False where a variable, a pattern, a command or an expression has a part in it. */
  readonly isPlain: boolean;
  /** Numbers of the expressions in it, from 0. */
  readonly values: readonly number[];
}

export type Place = "word" | "text" | "lost" | "nested" | "computed" | "condition" | "single quotes";

const BLANK = /[ \t]/;
const ENDS_WORD = /[ \t\n;&|<>()]/;
const REDIRECTION = /(?:&>>?|<<<|<>|>>|>\||[<>]&?)/y;
const DESCRIPTOR = /^(?:\d+|\{\w+\})$/;
/** Signs that mean nothing to a shell, in quotes or outside. */
const ORDINARY = /[\w./,:=+@%^-]+/y;
const EXPANDS = new Set("*?~{[");
/** In double quotes a backslash is one before these. */
const ESCAPED_IN_QUOTES = new Set('$`"\\');
/** Closing signs of what a shell computes, or may compute: `$(( ))`, `$[ ]` and `${ }`. */
const COMPUTES: ReadonlySet<string> = new Set(["))", "]", "}"]);
const DEPTH_MAX = 100;

interface OpenWord {
  raw: string;
  /** Whether the sign in front is a `$` that is not escaped: a quote behind it is of another kind. */
  isBehindDollar: boolean;
  literal: string;
  isPlain: boolean;
  values: number[];
}

/**
 * Splits a command line into its simple commands and their words, as far as a shell's top level goes: of what stands in brackets only
 * the end is found. Where a line is too hard to follow, every place behind is lost.
 */
export class CommandReader {
  readonly commands: Word[][] = [];
  /** The closing signs of what is open; of a comment its beginning. */
  readonly #open: string[] = [];
  #command: Word[] = [];
  #word: OpenWord | undefined;
  #isTarget = false;
  #isGroup = false;
  #inCondition = false;
  #isEscaped = false;
  #isLost = false;

  read(text: string): void {
    let at = 0;
    if (this.#isEscaped) at = this.#takeEscaped(`\\${text}`, 0) - 1;
    this.#isEscaped = false;
    while (at < text.length && !this.#isLost) {
      at += this.#take(text, at);
      this.#isLost ||= this.#open.length > DEPTH_MAX;
    }
  }

  /** Takes an expression with `next` behind it. Returns the place at which it stands. */
  place(value: number, next: Part): Place {
    const place = this.#placeBefore(next);
    this.#isEscaped = false;
    const word = this.#startWord();
    word.values.push(value);
    word.isPlain = false;
    return place;
  }

  end(): readonly (readonly Word[])[] {
    this.#endCommand();
    return this.commands;
  }

  #placeBefore(next: Part): Place {
    const top = this.#open.at(-1);
    if (this.#isLost) return "lost";
    if (this.#open.some((closing) => COMPUTES.has(closing))) return "computed";
    if (top === "'" || top === "$'") return "single quotes";
    if (this.#inCondition) return "condition";
    if (this.#isEscaped || this.#word?.isBehindDollar === true || this.#open.length > 1) return "nested";
    if (top === '"') return "text";
    const isWord = typeof next === "string" && (next === "" || ENDS_WORD.test(next.charAt(0)));
    return top === undefined && this.#word === undefined && isWord ? "word" : "nested";
  }

  /** Reads on from an offset. Returns how many characters that were. */
  #take(text: string, at: number): number {
    const top = this.#open.at(-1);
    const sign = text.charAt(at);
    if (top === undefined || top === '"' || top === "'") {
      ORDINARY.lastIndex = at;
      const ordinary = ORDINARY.exec(text)?.[0];
      if (ordinary !== undefined) return this.#add(ordinary);
    }
    if (top === "#") return sign === "\n" ? this.#endComment() : 1;
    if (top === "'" || (top === "$'" && sign !== "\\")) return sign === "'" ? this.#close(1) : this.#add(sign);
    if (sign === "\\") return this.#takeEscaped(text, at);
    if (sign === "$" || sign === "`") return this.#takeExpansion(text, at);
    if (top === '"') return sign === '"' ? this.#close(1) : this.#add(sign);
    if (top === undefined) return this.#takeOfLine(text, at);
    return this.#takeNested(text, at, top);
  }

  /** A backslash and the sign behind it; at the end of a line both are left out by the shell. */
  #takeEscaped(text: string, at: number): number {
    const next = text.charAt(at + 1);
    this.#isEscaped = next === "";
    if (next === "\n" || next === "") return 2;
    const isKept = this.#open.at(-1) === '"' && !ESCAPED_IN_QUOTES.has(next);
    const word = this.#startWord();
    word.raw += `\\${next}`;
    word.isBehindDollar = false;
    this.#addLiteral(isKept ? `\\${next}` : next);
    return 2;
  }

  #takeExpansion(text: string, at: number): number {
    const word = this.#startWord();
    const isVariable = text[at] === "`" || /[\w$({[@*#?!-]/.test(text.charAt(at + 1)) || this.#open.length === 0;
    if (isVariable) word.isPlain = false;
    if (this.#open.length === 0) this.#isGroup = false;
    word.raw += text.charAt(at);
    word.isBehindDollar = text[at] === "$";
    if (text.startsWith("$((", at)) return this.#push("))", 3);
    if (text.startsWith("$(", at)) return this.#push(")", 2);
    if (text.startsWith("$[", at)) return this.#push("]", 2);
    if (text.startsWith("${", at)) return this.#push("}", 2);
    if (text[at] === "$") {
      this.#addLiteral("$");
      return 1;
    }
    if (!this.#open.includes("`")) return this.#push("`", 1);
    this.#open.length = this.#open.indexOf("`");
    return 1;
  }

  #takeOfLine(text: string, at: number): number {
    const sign = text.charAt(at);
    if (BLANK.test(sign)) return this.#endWord(1);
    REDIRECTION.lastIndex = at;
    const redirection = REDIRECTION.exec(text)?.[0];
    if (redirection !== undefined) return this.#redirect(redirection, text, at);
    if (sign === "(") return this.#takeBracket(text, at);
    if (/[\n;&|)]/.test(sign)) return this.#endCommand();
    if (sign === "#" && this.#word === undefined) return this.#push("#", 1);
    const isDollarQuote = this.#word?.isBehindDollar === true;
    if (sign === '"') this.#isLost ||= isDollarQuote;
    if (sign === '"' || sign === "'") return this.#pushInWord(sign === "'" && isDollarQuote ? "$'" : sign, 1);
    if (EXPANDS.has(sign)) this.#startWord().isPlain = false;
    return this.#add(sign);
  }

  #takeBracket(text: string, at: number): number {
    if (this.#inCondition) return this.#push(")", 1);
    const word = this.#word;
    if (word?.raw.endsWith("=") === true) return this.#pushInWord(")", 1);
    // Only the bracket of a function stands behind a word; a pattern such as @(a|b) is not followed.
    if (word !== undefined && !/^[ \t]*\)/.test(text.slice(at + 1, at + 10))) this.#isLost = true;
    this.#endCommand();
    this.#isGroup = true;
    return text.startsWith("((", at) ? this.#push("))", 2) : this.#push(")", 1);
  }

  #takeNested(text: string, at: number, top: string): number {
    const sign = text.charAt(at);
    // In `${ }` a quote is a sign like others where the braces stand in double quotes.
    this.#isLost ||= top === "}" && (sign === '"' || sign === "'");
    if (top === "))" && text.startsWith("))", at)) return this.#close(2);
    if (sign === top) return this.#close(1);
    if (sign === '"') return this.#push('"', 1);
    if (sign === "'") return this.#push(text[at - 1] === "$" ? "$'" : "'", 1);
    if (sign === "[" && top === "]") return this.#push("]", 1);
    if (text.startsWith("<<<", at)) return 3;
    if (text.startsWith("((", at)) return this.#push("))", 2);
    if (sign === "(") return this.#push(")", 1);
    this.#isLost ||= (text.startsWith("<<", at) && top !== "))") || beginsHardWord(text, at);
    return 1;
  }

  #startWord(): OpenWord {
    return (this.#word ??= { raw: "", isBehindDollar: false, literal: "", isPlain: true, values: [] });
  }

  #add(signs: string): number {
    const word = this.#startWord();
    word.raw += signs;
    word.isBehindDollar = false;
    this.#addLiteral(signs);
    return signs.length;
  }

  #addLiteral(signs: string): void {
    const word = this.#startWord();
    if (word.isPlain || EXPANDS.has(signs)) word.literal += signs;
  }

  #redirect(sign: string, text: string, at: number): number {
    if (/^[<>]\(/.test(text.slice(at, at + 2))) return this.#pushInWord(")", 2);
    this.#isLost ||= sign !== "<<<" && text.startsWith("<<", at);
    if (this.#word !== undefined && DESCRIPTOR.test(this.#word.raw)) this.#word = undefined;
    this.#endWord(0);
    this.#isTarget = true;
    return sign.length;
  }

  #endWord(taken: number): number {
    const word = this.#word;
    this.#word = undefined;
    if (word === undefined) return taken;
    if (this.#isTarget) {
      this.#isTarget = false;
      return taken;
    }
    if (word.raw === "]]") this.#inCondition = false;
    else if (word.raw === "[[") this.#inCondition ||= this.#command.every(standsBeforeName);
    // A shell reads such a name up to its last bracket, over spaces.
    this.#isLost ||= /^\w+\[[^\]]*$/.test(word.raw) && this.#command.every(standsBeforeName);
    this.#command.push(word);
    return taken;
  }

  #endCommand(): number {
    this.#endWord(0);
    this.#isTarget = false;
    // The names that are given hold from the next line on.
    this.#isLost ||= this.#command.some(({ raw }) => raw === "alias");
    if (this.#command.length > 0) this.commands.push(this.#command);
    this.#command = [];
    return 1;
  }

  #endComment(): number {
    this.#close(1);
    return this.#endCommand();
  }

  #pushInWord(closing: string, taken: number): number {
    const word = this.#startWord();
    word.raw += closing.at(-1) ?? "";
    word.isBehindDollar = false;
    if (closing !== '"' && closing !== "'") word.isPlain = false;
    this.#isGroup = false;
    return this.#push(closing, taken);
  }

  #push(closing: string, taken: number): number {
    this.#open.push(closing);
    return taken;
  }

  #close(taken: number): number {
    const closed = this.#open.pop();
    if (this.#open.length > 0) return taken;
    if (this.#isGroup && closed?.startsWith(")") === true) this.#endCommand();
    else if (closed !== "#") this.#startWord().raw += closed?.at(-1) ?? "";
    return taken;
  }
}

/** Whether a comment or a `case` begins here, both of which may hold brackets that close nothing. */
function beginsHardWord(text: string, at: number): boolean {
  const startsWord = at === 0 || ENDS_WORD.test(text.charAt(at - 1));
  return startsWord && /^(?:#|case\s)/.test(text.slice(at, at + 5));
}

const KEYWORDS = new Set("if then elif else fi while until do done ! { } time esac".split(" "));

/** Whether a word at the beginning of a command is not yet its name: a keyword, or a variable that is given a value. */
export function standsBeforeName(word: Word): boolean {
  return KEYWORDS.has(word.raw) || givesValue(word);
}

export function givesValue({ raw }: Word): boolean {
  return /^[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=/.test(raw);
}
