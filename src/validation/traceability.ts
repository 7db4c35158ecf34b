import { grouped } from "../base/lists/groups.js";

/** Words that requirements are numbered by, wherever they stand. */
const KNOWN =
  /(?<![A-Za-z0-9_-])(?:[A-Z][A-Z0-9]{0,9}[-_]){0,2}(?:REQ|FR|NFR|US|UC|AC|SR|BR)[-_]?\d{1,4}(?:\.\d{1,3}){0,2}(?![A-Za-z0-9_])/g;
/** An id of any form where an item, a row, a heading or a line begins with it. */
const DEFINED =
  /^[ \t]{0,8}(?:(?:[-*+]|#{1,6}|\||\d{1,3}[.)])[ \t]{1,4})?[*_]{0,2}\[?([A-Z][A-Z0-9]{0,9}(?:[-_][A-Z]{1,10}){0,2}[-_]\d{1,4}(?:\.\d{1,3}){0,2})\]?[*_]{0,2}[ \t]{0,4}(?::|\||[–—-][ \t]|\.[ \t]|\)[ \t])/gm;
/** Names of standards and parts that are written as ids are. */
const NO_ID =
  /^(?:UTF|ISO|IEC|SHA|RFC|HTTP|IEEE|AES|RSA|TLS|SSL|MD|ES|BASE|CVE|CWE|WCAG|PCI|ECMA|UUID|OAUTH|SOC|GPT|PHASE|STEP|SECTION)[-_]/;

/** The ids of the requirements of a document, in its own writing. */
export function requirementsOf(text: string): string[] {
  const defined = [...text.matchAll(DEFINED)].map(([, id = ""]) => id).filter((id) => !NO_ID.test(id));
  return [...new Set([...(text.match(KNOWN) ?? []), ...defined])];
}

/** No id has more parts between its dashes and dots, or more characters. */
const PARTS_MAX = 6;
const ID_CHARS_MAX = 48;
/** The end of a number, and so of any id. */
const END = /\d(?!\d|\.\d|-\d)/g;

/** The ids that tests name, also as part of a name: `test_req_003` names REQ-003. Costs O(tests + ids). */
export function testedIn(tests: readonly string[], ids: Iterable<string>): Set<string> {
  const byWriting = grouped([...new Set(ids)], (id) => withDashes(folded(id)));
  const written = folded(tests.join("\n"));
  const dashed = withDashes(written);
  const tested = new Set<string>();
  for (const { index } of written.matchAll(END))
    for (const from of startsBefore(written, index))
      for (const id of byWriting.get(dashed.slice(from, index + 1)) ?? [])
        if (isWritten(id, written.slice(from, index + 1))) tested.add(id);
  return tested;
}

/** Where an id may begin that ends with this sign: at the last parts before it, those of a letter. */
function* startsBefore(text: string, end: number): Generator<number> {
  let parts = 0;
  for (let at = end; at > end - ID_CHARS_MAX && parts < PARTS_MAX; at--) {
    if (isWordAt(text, at - 1)) continue;
    if (text.charCodeAt(at) >= LETTER_MIN) yield at;
    parts++;
    const sign = text[at - 1];
    if ((sign !== "-" && sign !== ".") || !isWordAt(text, at - 2)) return;
    at--;
  }
}

const LETTER_MIN = 65;

function isWordAt(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return (code >= 48 && code <= 57) || (code >= LETTER_MIN && code <= 90);
}

/** A dash may stand for a dot, and no dot for a dash. */
function isWritten(id: string, name: string): boolean {
  const own = folded(id);
  return [...name.matchAll(/\./g)].every(({ index }) => own[index] === ".");
}

function withDashes(text: string): string {
  return text.replaceAll(".", "-");
}

function folded(text: string): string {
  return text.toUpperCase().replaceAll("_", "-");
}
