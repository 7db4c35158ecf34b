export interface ProseLine {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

const FENCE = /^\s{0,3}(?:[-*+>]\s+|\d+[.)]\s+){0,10}(`{3,}|~{3,})(.*)$/;

/** The lines of a Markdown text without front matter, code in fences and comments. */
export function proseOf(text: string): ProseLine[] {
  const lines = text.split(/\r\n|[\n\r]/);
  const prose: ProseLine[] = [];
  let fence: string | undefined;
  let comment = false;
  for (let at = frontMatterLines(lines); at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    const [, marks, info = ""] = comment ? [] : (FENCE.exec(line) ?? []);
    if (fence !== undefined) {
      if (marks?.startsWith(fence) === true && info.trim() === "") fence = undefined;
      continue;
    }
    if (marks !== undefined && !(marks.startsWith("`") && info.includes("`"))) {
      fence = marks;
      continue;
    }
    const { rest, open } = withoutComments(line, comment);
    // A line of which nothing is left but was no empty one ends no paragraph: it is left out.
    if (rest.trim() !== "" || line.trim() === "") prose.push({ number: at + 1, text: rest });
    comment = open;
  }
  return prose;
}

function frontMatterLines(lines: readonly string[]): number {
  if (lines[0]?.trimEnd() !== "---") return 0;
  const end = lines.findIndex((line, at) => at > 0 && line.trimEnd() === "---");
  // Between two rules stands content.
  const isContent = lines.slice(1, Math.max(end, 1)).some((line) => /^#{1,6}\s/.test(line));
  return end < 0 || isContent ? 0 : end + 1;
}

function withoutComments(line: string, inside: boolean): { rest: string; open: boolean } {
  let [rest, left, open] = ["", line, inside];
  for (;;) {
    const mark = left.indexOf(open ? "-->" : "<!--");
    if (mark < 0) return { rest: open ? rest : rest + left, open };
    if (!open) rest += left.slice(0, mark);
    left = left.slice(mark + (open ? 3 : 4));
    open = !open;
  }
}

const HEADING_CHARS_MAX = 500;

/** Level and words of a heading. */
export function headingOf(line: string): { level: number; title: string } | undefined {
  const marks = /^ {0,3}(#{1,6})\s/.exec(line)?.[1];
  if (marks === undefined) return undefined;
  const title = line.trim().slice(marks.length, HEADING_CHARS_MAX).trim();
  return { level: marks.length, title: title.replace(/\s+#+$/, "") };
}
