/** Words that requirements are numbered by, wherever they stand. */
const KNOWN =
  /(?<![A-Za-z0-9_-])(?:[A-Z]{1,6}[-_])?(?:REQ|FR|NFR|US|UC|AC|SR|BR)[-_]?\d{1,4}(?:\.\d{1,3}){0,2}(?![\w-])/g;
/** An id of any form where an item, a row, a heading or a line begins with it. */
const DEFINED =
  /^[ \t]{0,8}(?:(?:[-*+]|#{1,6}|\||\d{1,3}[.)])[ \t]{1,4})?[*_]{0,2}\[?([A-Z][A-Z0-9]{0,9}(?:[-_][A-Z]{1,10}){0,2}[-_]\d{1,4}(?:\.\d{1,3}){0,2})\]?[*_]{0,2}[ \t]{0,4}(?::|\||[–—-][ \t]|\.[ \t]|\)[ \t])/gm;
/** Names of standards and parts that are written as ids are. */
const NO_ID =
  /^(?:UTF|ISO|IEC|SHA|RFC|HTTP|IEEE|AES|RSA|TLS|SSL|MD|ES|BASE|CVE|CWE|WCAG|PCI|ECMA|UUID|OAUTH|SOC|GPT|PHASE|STEP|SECTION)[-_]/;

/** The ids of the requirements of a document, in its own writing. */
export function requirementsOf(text: string): string[] {
  const defined = [...text.matchAll(DEFINED)].map(([, id = ""]) => id);
  return [...new Set([...(text.match(KNOWN) ?? []), ...defined])].filter((id) => !NO_ID.test(id));
}

/** The ids that tests name, also as part of a name: `test_req_003` names REQ-003. */
export function testedIn(tests: readonly string[], ids: readonly string[]): Set<string> {
  const written = folded(tests.join("\n"));
  return new Set(
    ids.filter((id) => new RegExp(String.raw`(?<![A-Z0-9])${escaped(folded(id))}(?!\d|\.\d|-\d)`).test(written)),
  );
}

function folded(text: string): string {
  return text.toUpperCase().replaceAll("_", "-");
}

function escaped(id: string): string {
  return id.replaceAll(".", String.raw`[.-]`);
}
