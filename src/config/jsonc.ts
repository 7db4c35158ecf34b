/**
 * Parses JSON as editors and MCP clients write it: with comments, commas before a closing bracket, and a byte order mark.
 * Throws `SyntaxError` for the text as it was written: comments and commas give way to spaces.
 */
export function parseJsonc(text: string): unknown {
  const withoutMark = text.startsWith("\uFEFF") ? text.slice(1) : text;
  try {
    return JSON.parse(withoutMark);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const withoutComments = withoutMark.replace(
      COMMENT,
      (comment, string?: string) => string ?? comment.replaceAll(/[^\r\n]/g, " "),
    );
    return JSON.parse(withoutComments.replace(COMMA, (_, string?: string) => string ?? " "));
  }
}

/** The place that a parser's error names, as `:line:column`; empty where it names none. */
export function placeOfError(error: unknown, text: string): string {
  if (!(error instanceof SyntaxError)) return "";
  const [, position] = /position (\d+)/.exec(error.message) ?? [];
  if (position === undefined) return error.message.includes("end of JSON") ? " (it ends too early)" : "";
  const before = text
    .slice(text.startsWith("\uFEFF") ? 1 : 0)
    .slice(0, Number(position))
    .split("\n");
  return `:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

/** Says what a parser expected at that place, in words that quote nothing of the text: it may be a secret. Empty where it does not say. */
export function flawOfError(error: unknown): string {
  if (!(error instanceof SyntaxError)) return "";
  return FLAWS.find(([words]) => words.test(error.message))?.[1] ?? "";
}

const FLAWS: readonly (readonly [RegExp, string])[] = [
  [/^Expected ':'/, ": a colon is expected"],
  [/property name/, ": a key in double quotes is expected"],
  [/^Expected ','/, ": a comma or a closing bracket is expected"],
  [/^Unexpected token/, ": a text stands in double quotes"],
  [/Unterminated string|Bad control character/, ": a text is not closed by its double quote"],
  [/escape/, ": a backslash in a text is doubled"],
  [/^Unexpected non-whitespace/, ": nothing may follow the closing bracket"],
];

// A string is matched first, and stays as it is.
const COMMENT = /("(?:[^"\\]|\\.)*")|\/\/[^\n\r]*|\/\*[^]*?\*\//g;
const COMMA = /("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g;
