import { shownText } from "../../base/texts/shown-text.js";
import { clipped } from "../../prompts/quoting.js";

// Text written by agents, as it is shown to the person who decides: in a terminal, or as Markdown, whichever the client
// makes of it. It must not look like Baton's own words, hide any of itself, or do anything.

export const LABEL_CHARS_MAX = 100;
export const REMARK_CHARS_MAX = 300;

/** Letters and patterns that look like nothing: fillers of Hangul, the empty pattern of Braille. */
const BLANK = /[\u115f\u1160\u2800\u3164\uffa0]/gu;
/** Marks heaped upon a letter until they cover the lines around it. */
const HEAPED = /(\p{M}{3})\p{M}+/gu;
const LINE_END = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/;

function seen(text: string): string {
  return shownText(text.replace(BLANK, " ")).replace(HEAPED, "$1");
}

/** A name or a label within Baton's own words: one line, without what Markdown makes links, images, code or HTML of. */
export function inline(text: string, charsMax: number): string {
  const line = seen(text.replace(new RegExp(LINE_END, "g"), " "))
    .replace(/\s+/g, " ")
    .trim();
  return clipped(line.replaceAll("](", "] (").replaceAll("<", "‹").replaceAll("`", "'"), charsMax);
}

export interface Block {
  readonly text: string;
  /** Characters that are not shown. */
  readonly left: number;
}

const COLUMNS = 96;
const LINES_MAX = 40;
const CHARS_MAX = 2_000;
/** Markdown shows what is indented so as it stands, whatever it holds (CommonMark, indented code blocks); a terminal shows it apart. */
const INDENT = "    ";

/** A text of several lines, set apart from Baton's own words, as far as it can be read in a form. */
export function block(text: string): Block {
  const lines = text.split(LINE_END).map((line) => seen(line.replaceAll("\t", "  ")).trimEnd());
  // Many empty ones would push what follows out of sight.
  const written = lines.filter((line, at) => line !== "" || (lines[at - 1] ?? "") !== "");
  const shown: string[] = [];
  let room = CHARS_MAX;
  let left = 0;
  for (const piece of written.flatMap(wrapped)) {
    if (shown.length >= LINES_MAX || piece.length > room) left += piece.length;
    else shown.push(piece);
    // Everything after the first piece that does not fit is left out too.
    room = left > 0 ? -1 : room - piece.length;
  }
  return { text: shown.map((line) => `${INDENT}${line}`.trimEnd()).join("\n"), left };
}

/** Between words where that is possible. */
function wrapped(line: string): string[] {
  const pieces: string[] = [];
  let rest = line;
  while (rest.length > COLUMNS) {
    const space = rest.lastIndexOf(" ", COLUMNS);
    const half = /[\uD800-\uDBFF]/.test(rest[COLUMNS - 1] ?? "") ? 1 : 0;
    const at = space > COLUMNS / 2 ? space : COLUMNS - half;
    pieces.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  return [...pieces, rest];
}
