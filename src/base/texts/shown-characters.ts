/**
 * The one door of text that is shown, to a person or a model: what could move a cursor, turn the reading direction or hide
 * becomes a visible mark in the notation of JSON (`\u001b`), so that JSON passes the same door unchanged in what it says.
 * Nothing is neutralised where it is stored.
 */

/** Flags of regions, such as that of Wales, spell their code in tags (UTS 51, emoji tag sequences): not hidden text. */
const FLAG = /\u{1F3F4}[\u{E0030}-\u{E0039}\u{E0061}-\u{E007A}]{3,6}\u{E007F}/u;

/**
 * Control characters but newline and tab, what turns the direction, separates lines or is invisible, characters
 * without a meaning of their own (private use, noncharacters), and lone surrogates.
 * Joiners are left: words of several scripts, and emoji, are written with them.
 */
const UNSEEN =
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\u3164\uFEFF\uFFA0\uFFF0-\uFFFB]|[\u{1D173}-\u{1D17A}\u{E0000}-\u{E0FFF}]|\p{Noncharacter_Code_Point}|\p{Co}|\p{Surrogate}/u;

const MARKED = new RegExp(`(${FLAG.source})|${UNSEEN.source}`, "gu");
const SHORT: Readonly<Record<string, string>> = { "\b": String.raw`\b`, "\f": String.raw`\f`, "\r": String.raw`\r` };

/** A text of one or several lines as it is shown. */
export function shownText(text: string): string {
  // Most texts have nothing to mark: the search for the first is all they cost.
  if (!UNSEEN.test(text)) return text;
  return text.replace(MARKED, (found, flag: string | undefined) => flag ?? markOf(found));
}

function markOf(found: string): string {
  const short = SHORT[found];
  if (short !== undefined) return short;
  return Array.from({ length: found.length }, (_, at) => {
    return `\\u${found.charCodeAt(at).toString(16).padStart(4, "0")}`;
  }).join("");
}
