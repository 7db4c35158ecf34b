import { fit, pad, paint, type Terminal, type Tone, widthOf } from "./terminal.js";

export interface Cell {
  readonly text: string;
  readonly tone?: Tone | undefined;
}

const GAP = "  ";

/**
 * Columns under their headings. On a terminal the widest text column gives way until a line fits; into a pipe nothing
 * is cut, so that `cut`, `grep` and the like see all of it.
 */
export function table(
  headings: readonly string[],
  rows: readonly (readonly (Cell | string)[])[],
  terminal: Terminal,
): string {
  const lines: readonly (readonly Cell[])[] = [
    headings.map((text) => ({ text: text.toUpperCase(), tone: "dim" })),
    ...rows.map((row) => row.map((cell) => (typeof cell === "string" ? { text: cell } : cell))),
  ];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column]?.text ?? ""))));
  if (terminal.live) narrow(widths, terminal.size().columns - 1 - GAP.length * (headings.length - 1));
  return lines.map((line) => lineOf(line, widths, terminal)).join("\n");
}

const COLUMN_MIN = 8;

function narrow(widths: number[], columns: number): void {
  let over = widths.reduce((sum, width) => sum + width, 0) - columns;
  while (over > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    const width = widths[widest] ?? 0;
    if (width <= COLUMN_MIN) return;
    widths[widest] = width - 1;
    over -= 1;
  }
}

function lineOf(cells: readonly Cell[], widths: readonly number[], { style }: Terminal): string {
  return cells
    .map(({ text, tone }, column) => {
      const width = widths[column] ?? 0;
      const shown = fit(text, width);
      return paint(column === cells.length - 1 ? shown : pad(shown, width), tone, style);
    })
    .join(GAP)
    .trimEnd();
}
