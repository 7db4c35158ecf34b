import { shownText } from "./shown-text.js";

/** A text as one word of a POSIX shell, in quotes where a sign of it would mean something else. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * The same in a command that is shown to a model or a person: signs that are not shown as they are become bytes in `$'…'`, which bash, zsh
 * and ksh read, so that the word still means the same.
 */
export function shownShellWord(text: string): string {
  if (shownText(text) === text && !/[\n\t]/.test(text)) return shellWord(text);
  const signs = Array.from(text, (sign) => {
    if (sign === "'" || sign === "\\") return `\\${sign}`;
    if (shownText(sign) === sign && !/[\n\t]/.test(sign)) return sign;
    return [...Buffer.from(sign)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  });
  return `$'${signs.join("")}'`;
}
