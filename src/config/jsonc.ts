/**
 * Parses JSON as editors and MCP clients write it: with comments, commas before a closing bracket, and a byte order mark.
 * Throws `SyntaxError`.
 */
export function parseJsonc(text: string): unknown {
  const withoutMark = text.startsWith("\uFEFF") ? text.slice(1) : text;
  try {
    return JSON.parse(withoutMark);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const withoutComments = withoutMark.replace(COMMENT, (_, string?: string) => string ?? " ");
    return JSON.parse(withoutComments.replace(COMMA, (_, string?: string) => string ?? ""));
  }
}

// A string is matched first, and stays as it is.
const COMMENT = /("(?:[^"\\]|\\.)*")|\/\/[^\n\r]*|\/\*[^]*?\*\//g;
const COMMA = /("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g;
