import path from "node:path";
import { jsonWithoutBaton } from "./json-file.js";
import { MARKDOWN_MARKS, SHELL_MARKS, withoutBlock } from "./marked-block.js";
import { tomlWithoutBaton } from "./toml-file.js";

/** Takes Baton's entries out of a file that init has written to, by its kind. Returns undefined where nothing else is left. */
export function withoutBaton(file: string, text: string): string | undefined {
  switch (path.extname(file)) {
    case ".json":
      return jsonWithoutBaton(text);
    case ".toml":
      return tomlWithoutBaton(text);
    case ".md":
      return withoutBlock(text, MARKDOWN_MARKS);
    default:
      return withoutBlock(text, SHELL_MARKS);
  }
}
