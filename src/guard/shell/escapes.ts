const ESCAPES: Readonly<Partial<Record<string, string>>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  a: "\u0007",
  b: "\b",
  e: "\u001B",
  f: "\f",
  v: "\v",
};
const PIECE = /\\([0-7]{1,3})|\\x([0-9a-fA-F]{1,2})|\\u([0-9a-fA-F]{1,4})|\\([^])|[^\\]+/g;

/** A text with escapes, as `$'…'` of a shell and the quoted names of git have it: octal and hexadecimal ones are bytes of UTF-8. */
export function unescaped(written: string): string {
  const bytes = [...written.matchAll(PIECE)].map(([text, octal, hex, point, sign]) => {
    if (octal !== undefined) return Buffer.from([Number.parseInt(octal, 8) % 256]);
    if (hex !== undefined) return Buffer.from([Number.parseInt(hex, 16)]);
    if (point !== undefined) return Buffer.from(String.fromCodePoint(Number.parseInt(point, 16)));
    return Buffer.from(sign === undefined ? text : (ESCAPES[sign] ?? sign));
  });
  return Buffer.concat(bytes).toString();
}
