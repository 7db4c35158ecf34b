/** A line of a diff: as it was, as it is, or both. */
export interface DiffLine {
  readonly kind: "same" | "added" | "removed";
  readonly text: string;
  /** Its number in the file as it is; of a removed line, as it was. */
  readonly line: number;
}

interface Hunk {
  readonly head: string;
  readonly lines: readonly DiffLine[];
}

export interface FileDiff {
  readonly path: string;
  readonly added: number;
  readonly removed: number;
  readonly hunks: readonly Hunk[];
}

const KINDS = { " ": "same", "+": "added", "-": "removed" } as const;
const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

/** Reads a unified diff, as git makes it, by its files. */
export function readDiff(text: string): FileDiff[] {
  const files: { path: string; hunks: { head: string; lines: DiffLine[] }[] }[] = [];
  let [oldLine, newLine, oldLeft, newLeft] = [0, 0, 0, 0];
  for (const row of text.split("\n")) {
    const kind = KINDS[row.charAt(0) as keyof typeof KINDS];
    const lines = files.at(-1)?.hunks.at(-1)?.lines;
    if (lines && kind && (oldLeft > 0 || newLeft > 0)) {
      lines.push({ kind, text: row.slice(1), line: kind === "removed" ? oldLine : newLine });
      if (kind !== "added") [oldLine, oldLeft] = [oldLine + 1, oldLeft - 1];
      if (kind !== "removed") [newLine, newLeft] = [newLine + 1, newLeft - 1];
      continue;
    }
    const hunk = HUNK.exec(row);
    if (hunk) {
      [oldLine, oldLeft, newLine, newLeft] = [1, 2, 3, 4].map((at) => Number(hunk[at] ?? 1)) as [
        number,
        number,
        number,
        number,
      ];
      files.at(-1)?.hunks.push({ head: row, lines: [] });
    } else if (row.startsWith("--- ")) files.push({ path: pathIn(row), hunks: [] });
    else if (row.startsWith("+++ ")) renamed(files, pathIn(row));
  }
  return files.map(({ path, hunks }) => {
    const count = (kind: DiffLine["kind"]) =>
      hunks.flatMap(({ lines }) => lines).filter((line) => line.kind === kind).length;
    return { path, hunks, added: count("added"), removed: count("removed") };
  });
}

function renamed(files: { path: string }[], path: string): void {
  const last = files.at(-1);
  if (last !== undefined && path !== "/dev/null") last.path = path;
}

function pathIn(row: string): string {
  return row
    .slice(4)
    .replace(/\t.*$/, "")
    .replace(/^"?[ab]\//, "")
    .replace(/"$/, "");
}
