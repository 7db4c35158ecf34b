import { type FileEditor, unfit } from "./file-editor.js";

/** The marks of a block in files of the shell's comments, and in Markdown. */
export const SHELL_MARKS = { open: "# >>> baton (baton init --undo takes this out)", close: "# <<< baton" };
export const MARKDOWN_MARKS = {
  open: "<!-- baton: begin (baton init --undo takes this out) -->",
  close: "<!-- baton: end -->",
};

/** Lines of Baton's in a file that is otherwise others', between two lines that mark them. */
export interface MarkedBlock {
  readonly open: string;
  readonly close: string;
  readonly lines: readonly string[];
  /** Lines before the block in a file that init makes. */
  readonly head?: readonly string[];
  /** Where in the text the block begins; at the end by default. */
  readonly placeIn?: (text: string) => number;
}

export function markedBlock(block: MarkedBlock): FileEditor {
  const written = [block.open, ...block.lines, block.close];
  return {
    snippet: written.join("\n"),
    edit: (text) => {
      if (text === undefined || text.trim() === "") return `${[...(block.head ?? []), ...written].join("\n")}\n`;
      const eol = text.includes("\r\n") ? "\r\n" : "\n";
      const found = findBlock(text, block);
      if (found !== undefined) return text.slice(0, found.from) + written.join(eol) + text.slice(found.to);
      const at = block.placeIn?.(text) ?? text.length;
      const before = text.slice(0, at);
      const gap = before === "" || before.endsWith("\n") ? "" : eol;
      return before + gap + written.join(eol) + eol + text.slice(at);
    },
  };
}

/** Takes the block out. Returns undefined where nothing but the first line of a shell script is left. */
export function withoutBlock(text: string, block: Pick<MarkedBlock, "open" | "close">): string | undefined {
  const found = findBlock(text, block);
  if (found === undefined) return text;
  const end = found.to + (/^\r?\n/.exec(text.slice(found.to))?.[0].length ?? 0);
  const rest = text.slice(0, found.from) + text.slice(end);
  return /^(?:#!.*)?\s*$/.test(rest) ? undefined : rest;
}

/** The lines of a block that is there. */
export function blockLines(text: string, block: Pick<MarkedBlock, "open" | "close">): string[] {
  const found = findBlock(text, block);
  return found === undefined ? [] : text.slice(found.from, found.to).split(/\r?\n/).slice(1, -1);
}

function findBlock(
  text: string,
  { open, close }: Pick<MarkedBlock, "open" | "close">,
): { from: number; to: number } | undefined {
  const from = text.indexOf(open);
  const end = text.indexOf(close, from);
  if (from < 0 && !text.includes(close)) return undefined;
  if (from < 0 || end < 0 || text.includes(open, from + 1))
    throw unfit(`its lines "${open}" and "${close}" are not one pair: take out what is between them`);
  return { from, to: end + close.length };
}
