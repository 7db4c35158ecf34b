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
  if (position === undefined) return error.message.includes("end of JSON") ? ` (it ends too early)` : "";
  const before = text
    .slice(text.startsWith("\uFEFF") ? 1 : 0)
    .slice(0, Number(position))
    .split("\n");
  return `:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

// A string is matched first, and stays as it is.
const COMMENT = /("(?:[^"\\]|\\.)*")|\/\/[^\n\r]*|\/\*[^]*?\*\//g;
const COMMA = /("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g;
