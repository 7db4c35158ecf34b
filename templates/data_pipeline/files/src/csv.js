/** The rows of a text with commas (RFC 4180), each an object by the names of the first line. */
export function parseCsv(text) {
  const rows = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === "") break;
    if (end !== ",") rows.push([]);
  }
  const [names = [], ...data] = rows.filter((row) => row.length > 1 || row[0] !== "");
  return data.map((row) => Object.fromEntries(names.map((name, at) => [name, row[at] ?? ""])));
}
