import type { WriteStream } from "node:tty";
import { stripVTControlCharacters } from "node:util";
import { shownText } from "../../base/texts/shown-text.js";

/** Where a command writes, and what that place can show. */
export interface Terminal {
  /** The way to it: all but Baton's own colours is neutralised, whatever its source. */
  print(text: string): void;
  /** Writes a document that has been neutralised where it was made, and whose line ends are its format's. */
  write(document: string): void;
  /** Moves the cursor or hides it, then prints, in one write. */
  control(sequence: string, text?: string): void;
  /** Lines can be drawn again in place. */
  readonly live: boolean;
  readonly style: Style;
  /** Columns and rows as they are now. */
  size(): { readonly columns: number; readonly rows: number };
  /** Calls the listener after each change of size; returns what stops it. */
  onResize(listener: () => void): () => void;
}

export interface Style {
  readonly color: boolean;
  /** Whether the place shows more than ASCII. */
  readonly unicode: boolean;
}

const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;

/** Honours NO_COLOR (no-color.org) and TERM=dumb. */
export function terminalOf(stream: WriteStream, env: Readonly<Record<string, string | undefined>>): Terminal {
  const dumb = env["TERM"] === "dumb";
  const tty = stream.isTTY;
  const style = { color: tty && !dumb && (env["NO_COLOR"] ?? "") === "", unicode: showsUnicode(env) };
  return {
    print: (text) => void stream.write(shownWithTones(text, style)),
    write: (document) => void stream.write(document),
    control: (sequence, text = "") => void stream.write(sequence + shownWithTones(text, style)),
    live: tty && !dumb,
    style,
    // A pseudo-terminal whose size was never set says 0.
    size: () => ({ columns: stream.columns || COLUMNS_DEFAULT, rows: stream.rows || ROWS_DEFAULT }),
    onResize: (listener) => {
      stream.on("resize", listener);
      return () => void stream.off("resize", listener);
    },
  };
}

/** The locale says so: LC_ALL before LC_CTYPE before LANG (POSIX). Where nothing is said, as in most containers, UTF-8. */
function showsUnicode(env: Readonly<Record<string, string | undefined>>): boolean {
  if (process.platform === "win32") return env["WT_SESSION"] !== undefined || env["TERM_PROGRAM"] !== undefined;
  const locale = [env["LC_ALL"], env["LC_CTYPE"], env["LANG"]].find((value) => value !== undefined && value !== "");
  return locale === undefined || /utf-?8|^C$|^POSIX$/i.test(locale);
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, cyan: 36 } as const;
export type Tone = keyof typeof CODES;

// The sequences that `paint` makes.
// oxlint-disable-next-line no-control-regex -- control characters are what it is about
const TONES = /(\u001B\[(?:0|1|2|31|32|33|34|36)m)/;

/** Foreign text has lost its own sequences before (`shownData`): the colours left are Baton's. */
function shownWithTones(text: string, { color }: Style): string {
  if (!color) return shownText(text);
  return text
    .split(TONES)
    .map((part, at) => (at % 2 === 1 ? part : shownText(part)))
    .join("");
}

export function paint(text: string, tone: Tone | undefined, { color }: Style): string {
  return color && tone !== undefined && text !== "" ? `\u001B[${CODES[tone]}m${text}\u001B[0m` : text;
}

/** Characters that take two columns in a terminal: East Asian wide letters and emoji (Unicode TR 11, TR 51). */
const WIDE =
  /^[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6]|^\p{Emoji_Presentation}/u;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

function columnsOf(grapheme: string): number {
  return WIDE.test(grapheme) ? 2 : 1;
}

/** Columns that a text without colours takes. */
export function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += columnsOf(segment);
  return width;
}

/** Cuts a text without colours to so many columns, with `…` where something is missing, and to one line. */
export function fit(text: string, columns: number): string {
  const line = text.replaceAll(/[\r\n\t\v\f]+/g, " ");
  if (columns <= 0) return "";
  if (widthOf(line) <= columns) return line;
  let kept = "";
  let width = 0;
  for (const { segment } of graphemes.segment(line)) {
    width += columnsOf(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** Breaks a line between words, colours or not, at so many columns; the lines after the first are indented as it is, and two more. */
export function wrap(line: string, columns: number): string[] {
  const indent = /^ */.exec(line)?.[0] ?? "";
  const lines: string[] = [];
  for (const word of line.trim().split(/(?<!^) +/)) {
    const last = lines.at(-1);
    if (last === undefined) lines.push(`${indent}${word}`);
    else if (shownWidth(last) + 1 + shownWidth(word) <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${indent}  ${word}`);
  }
  return lines;
}

/** Columns that a text takes, its colours aside. */
export function shownWidth(text: string): number {
  return widthOf(stripVTControlCharacters(text));
}

export function pad(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - widthOf(text)));
}
