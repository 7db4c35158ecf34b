import { unescaped } from "./escapes.js";

/** A piece of a word. `quoted` pieces are no pattern and are not split. */
export type WordPart =
  | { readonly text: string; readonly quoted: boolean }
  /** `otherwise` is what `${x:-text}` means without the variable. */
  | { readonly variable: string; readonly quoted: boolean; readonly otherwise?: string }
  | { readonly script: readonly ShellNode[]; readonly quoted: boolean }
  | { readonly unknown: true };

export type ShellWord = readonly WordPart[];

export interface SimpleCommand {
  readonly words: readonly ShellWord[];
  /** Targets of `>` and `>>`. */
  readonly writes: readonly ShellWord[];
  /** Sources of `<`. */
  readonly reads: readonly ShellWord[];
  /** The text of a here-document or a here-string. */
  readonly input: string | undefined;
  /** Whether its input is the output of the command before it. */
  readonly isPiped: boolean;
}

/** A command, or the commands of a subshell, whose directory and variables are its own. */
export type ShellNode = SimpleCommand | { readonly subshell: readonly ShellNode[] };

const LENGTH_MAX = 200_000;
const DEPTH_MAX = 30;
const ENDS_WORD = /[\s;&|<>()]/;
const ORDINARY = /[\w./,:=+@%^~*?[\]{}!#-]+/y;
const REDIRECTION = /(?:\d*|\{\w+\})(?:&>>?|<<<|<<-?|<>|>>|>\||[<>]&?)/y;

/** Splits a command line of a shell into its commands. A line that ends within quotes or brackets counts by its plain words. */
export function readShell(text: string): readonly ShellNode[] {
  const reader = new ShellReader(text.slice(0, LENGTH_MAX));
  const nodes = reader.script(undefined);
  return reader.isBroken ? plainCommands(text.slice(0, LENGTH_MAX)) : nodes;
}

function plainCommands(text: string): readonly ShellNode[] {
  return text.split(/[;&|\n()`]+/).map((line) => ({
    words: [...line.matchAll(/[^\s"']+/g)].map(([word]) => [{ text: word, quoted: true }]),
    writes: [],
    reads: [],
    input: undefined,
    isPiped: false,
  }));
}

interface OpenCommand {
  words: ShellWord[];
  writes: ShellWord[];
  reads: ShellWord[];
  input: string | undefined;
  isPiped: boolean;
}

interface HereDocument {
  readonly end: string;
  readonly isIndented: boolean;
  readonly command: OpenCommand;
}

class ShellReader {
  isBroken = false;
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #documents: HereDocument[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  /** Reads commands up to the closing sign, or to the end of the text. */
  script(closing: ")" | undefined): readonly ShellNode[] {
    const nodes: ShellNode[] = [];
    if (++this.#depth > DEPTH_MAX) this.#break();
    let command = newCommand(false);
    const endCommand = (isPiped: boolean): void => {
      if (command.words.length + command.writes.length > 0) nodes.push(command);
      command = newCommand(isPiped);
    };
    while (this.#at < this.#text.length) {
      const sign = this.#text.charAt(this.#at);
      if (sign === ")" && closing === ")") break;
      if (sign === "(") nodes.push(...this.#bracket(command));
      else if (/[\n;&|)]/.test(sign) && !this.#text.startsWith("&>", this.#at)) {
        // A bracket that closes nothing ends the pattern of a `case`.
        if (sign === ")") command = newCommand(false);
        endCommand(this.#separator());
      } else this.#wordOrRedirection(command);
    }
    endCommand(false);
    if (closing !== undefined && this.#at++ >= this.#text.length) this.isBroken = true;
    this.#depth -= 1;
    return nodes;
  }

  #break(): void {
    this.isBroken = true;
    this.#at = this.#text.length;
  }

  /** Steps over the signs between two commands. Returns whether they are a pipe. */
  #separator(): boolean {
    const sign = this.#text.charAt(this.#at++);
    if (sign === "\n") this.#readDocuments();
    const next = this.#text.charAt(this.#at);
    if (sign !== "|" && sign !== "&") return false;
    if (next !== "|" && next !== "&") return sign === "|";
    this.#at += 1;
    return sign === "|" && next === "&";
  }

  #bracket(command: OpenCommand): readonly ShellNode[] {
    const last = command.words.at(-1)?.at(-1);
    if (this.#text.startsWith("((", this.#at)) {
      this.#skipTo("))");
      return [];
    }
    this.#at += 1;
    if (last !== undefined) {
      // The brackets of a function's name, or of a list that a variable is given.
      this.#skipTo(")");
      command.words = [];
      return [];
    }
    return [{ subshell: this.script(")") }];
  }

  #skipTo(end: string): void {
    const at = this.#text.indexOf(end, this.#at);
    if (at < 0) this.#break();
    else this.#at = at + end.length;
  }

  #wordOrRedirection(command: OpenCommand): void {
    const sign = this.#text.charAt(this.#at);
    if (/\s/.test(sign)) {
      this.#at += 1;
      return;
    }
    if (sign === "#") {
      const end = this.#text.indexOf("\n", this.#at);
      this.#at = end < 0 ? this.#text.length : end;
      return;
    }
    if (this.#text.startsWith("\\\n", this.#at)) {
      this.#at += 2;
      return;
    }
    REDIRECTION.lastIndex = this.#at;
    const redirection = REDIRECTION.exec(this.#text)?.[0];
    if (redirection === undefined) command.words.push(this.#word());
    else this.#redirect(redirection, command);
  }

  #redirect(redirection: string, command: OpenCommand): void {
    if (/^[<>]\(/.test(this.#text.slice(this.#at, this.#at + 2))) {
      this.#at += 2;
      command.words.push([{ script: this.script(")"), quoted: true }, { unknown: true }]);
      return;
    }
    this.#at += redirection.length;
    while (/[ \t]/.test(this.#text.charAt(this.#at))) this.#at += 1;
    const target = this.#word();
    const kind = redirection.replace(/^(?:\d*|\{\w+\})/, "");
    if (kind === "<<" || kind === "<<-") {
      const end = target.map((part) => ("text" in part ? part.text : "")).join("");
      this.#documents.push({ end, isIndented: kind === "<<-", command });
    } else if (kind === "<<<") command.input = target.map((part) => ("text" in part ? part.text : "")).join("");
    else if (kind === "<") command.reads.push(target);
    else if (kind.startsWith(">") ? !isDescriptor(kind, target) : kind.startsWith("&>")) command.writes.push(target);
  }

  #readDocuments(): void {
    const documents = this.#documents;
    this.#documents = [];
    for (const { end, isIndented, command } of documents) {
      const lines: string[] = [];
      while (this.#at < this.#text.length) {
        const newline = this.#text.indexOf("\n", this.#at);
        const stop = newline < 0 ? this.#text.length : newline;
        const line = this.#text.slice(this.#at, stop);
        const isLast = (isIndented ? line.replace(/^\t+/, "") : line).trimEnd() === end;
        // `EOF)` on one line ends neither the text nor the brackets in a shell, but is often written.
        this.#at = Math.min(stop + 1, this.#text.length);
        if (isLast) break;
        lines.push(line);
      }
      command.input = lines.join("\n");
    }
  }

  #word(): ShellWord {
    const parts: WordPart[] = [];
    while (this.#at < this.#text.length && !ENDS_WORD.test(this.#text.charAt(this.#at))) this.#part(parts);
    return parts;
  }

  #part(parts: WordPart[]): void {
    const sign = this.#text.charAt(this.#at);
    ORDINARY.lastIndex = this.#at;
    const ordinary = ORDINARY.exec(this.#text)?.[0];
    if (ordinary !== undefined) {
      this.#at += ordinary.length;
      parts.push({ text: ordinary, quoted: false });
    } else if (sign === "\\") {
      if (this.#text[this.#at + 1] !== "\n") parts.push({ text: this.#text.charAt(this.#at + 1), quoted: true });
      this.#at += 2;
    } else if (sign === "'") parts.push({ text: this.#upTo("'"), quoted: true });
    else if (sign === '"') this.#doubleQuotes(parts);
    else if (sign === "$" || sign === "`") parts.push(this.#expansion(false));
    else {
      this.#at += 1;
      parts.push({ text: sign, quoted: false });
    }
  }

  /** The text between the quote at the current place and the next one. */
  #upTo(quote: string): string {
    const from = this.#at + 1;
    const end = this.#text.indexOf(quote, from);
    if (end < 0) {
      this.#break();
      return "";
    }
    this.#at = end + 1;
    return this.#text.slice(from, end);
  }

  #doubleQuotes(parts: WordPart[]): void {
    this.#at += 1;
    let text = "";
    for (;;) {
      const sign = this.#text.charAt(this.#at);
      if (sign === "") return this.#break();
      if (sign === '"') break;
      if (sign === "$" || sign === "`") {
        parts.push({ text, quoted: true }, this.#expansion(true));
        text = "";
        continue;
      }
      const next = this.#text.charAt(this.#at + 1);
      const isEscape = sign === "\\" && '$`"\\\n'.includes(next) && next !== "";
      text += isEscape ? (next === "\n" ? "" : next) : sign;
      this.#at += isEscape ? 2 : 1;
    }
    this.#at += 1;
    parts.push({ text, quoted: true });
  }

  /** A text in `$'…'`, in which a backslash writes the sign behind it, or by its code. */
  #escapedText(): WordPart {
    const text = /\$'((?:[^'\\]|\\[\s\S])*)'/y;
    text.lastIndex = this.#at;
    const found = text.exec(this.#text);
    if (found === null) {
      this.#break();
      return { unknown: true };
    }
    this.#at += found[0].length;
    const [, written = ""] = found;
    return { text: unescaped(written), quoted: true };
  }

  #expansion(quoted: boolean): WordPart {
    if (this.#text[this.#at] === "`") {
      const inner = this.#upTo("`");
      return { script: readShell(inner), quoted };
    }
    const rest = this.#text.slice(this.#at, this.#at + 200);
    const name = /^\$(?:\{(\w+)\}|(\w+))/.exec(rest);
    if (name !== null) {
      this.#at += name[0].length;
      return { variable: name[1] ?? name[2] ?? "", quoted };
    }
    const withDefault = /^\$\{(\w+):?[-=]([\w./-]*)\}/.exec(rest);
    if (withDefault !== null) {
      this.#at += withDefault[0].length;
      return { variable: withDefault[1] ?? "", quoted, otherwise: withDefault[2] ?? "" };
    }
    if (/^\$[@*]/.test(rest)) {
      this.#at += 2;
      return { variable: "@", quoted };
    }
    if (rest.startsWith("$((")) {
      this.#skipTo("))");
      return { unknown: true };
    }
    if (rest.startsWith("$(")) {
      this.#at += 2;
      return { script: this.script(")"), quoted };
    }
    if (rest.startsWith("${")) {
      this.#skipTo("}");
      return { unknown: true };
    }
    if (!quoted && rest.startsWith("$'")) return this.#escapedText();
    this.#at += 1;
    if (/^\$[#?!$-]/.test(rest)) {
      this.#at += 1;
      return { unknown: true };
    }
    return { text: "$", quoted: true };
  }
}

function newCommand(isPiped: boolean): OpenCommand {
  return { words: [], writes: [], reads: [], input: undefined, isPiped };
}

function isDescriptor(kind: string, target: ShellWord): boolean {
  const [first] = target;
  return kind === ">&" && first !== undefined && "text" in first && /^(?:\d+|-)$/.test(first.text);
}
