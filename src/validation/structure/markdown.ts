import type { CheckResult, ValidationSubject, ValidationIssue } from "../issue.js";

const CHECK = "markdown";
/** Prose has no longer lines; a longer one is data. */
const LINE_CHARS_MAX = 5_000;
/** Lines that are looked at, and issues of each kind: checks run in the server, which others wait for. */
const LINES_MAX = 50_000;
const ISSUES_MAX = 100;

interface Line {
  readonly number: number;
  /** With code in it masked. */
  readonly text: string;
  readonly raw: string;
}

const CODE = /(`+)(?:(?!\1).)+?\1/g;

/** Finds headings out of order, fences that stay open, tables of unequal rows, and links that lead nowhere. */
export function checkMarkdown({ text, exists }: Pick<ValidationSubject, "text" | "exists">): CheckResult {
  const { prose, openFence, isCut } = proseOf(text);
  const kinds = {
    headings: headingIssues(prose),
    tables: tableIssues(prose),
    links: linkIssues(prose, isCut ? undefined : definitionsOf(prose), exists),
  };
  const issues = Object.entries(kinds).flatMap(([kind, some]) => firstOf(kind, some));
  if (isCut)
    issues.push({
      check: CHECK,
      severity: "info",
      line: LINES_MAX,
      message: `Only the first ${LINES_MAX} lines were looked at.`,
      suggestion: "Validate its parts.",
    });
  if (openFence !== undefined)
    issues.push({
      check: CHECK,
      severity: "major",
      line: openFence,
      message: "The code fence that begins here is never closed: all that follows is shown as code.",
      suggestion: "Close it with the same signs on a line of their own.",
    });
  return { issues: issues.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
}

/** The first issues of a kind, and how many there are where not all are told. */
function firstOf(kind: string, issues: readonly ValidationIssue[]): ValidationIssue[] {
  const first = issues.slice(0, ISSUES_MAX);
  if (issues.length === first.length) return first;
  return [
    ...first,
    {
      check: CHECK,
      severity: "info",
      line: first.at(-1)?.line ?? 1,
      message: `Only the first ${ISSUES_MAX} of ${issues.length} issues with ${kind} are told.`,
      suggestion: "Correct these, then validate again.",
    },
  ];
}

interface Prose {
  readonly prose: Line[];
  readonly openFence: number | undefined;
  readonly isCut: boolean;
}

/** The lines outside of code but the blank ones, and the line of a fence that is not closed. */
function proseOf(text: string): Prose {
  const prose: Line[] = [];
  let fence: { readonly sign: string; readonly line: number } | undefined;
  let inFrontMatter = text.startsWith("---\n");
  const lines = text.split(/\r?\n/, LINES_MAX + 1);
  const isCut = lines.length > LINES_MAX;
  for (const [at, whole] of lines.slice(0, LINES_MAX).entries()) {
    if (whole === "") continue;
    const line = whole.slice(0, LINE_CHARS_MAX);
    if (inFrontMatter) {
      if (at > 0 && line === "---") inFrontMatter = false;
      continue;
    }
    const mark = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line);
    if (fence === undefined) {
      if (mark?.[1] !== undefined && !(mark[1].startsWith("`") && mark[2]?.includes("`")))
        fence = { sign: mark[1], line: at + 1 };
      else prose.push({ number: at + 1, text: line.replaceAll(CODE, (code) => "x".repeat(code.length)), raw: line });
    } else if (mark?.[1]?.startsWith(fence.sign) === true && mark[2]?.trim() === "") fence = undefined;
  }
  return { prose, openFence: isCut ? undefined : fence?.line, isCut };
}

const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?[ \t]*#*[ \t]*$/;

function headingIssues(prose: readonly Line[]): ValidationIssue[] {
  const issues: ValidationIssue[] = [];
  const titles: number[] = [];
  let last = 0;
  for (const { number, text } of prose) {
    const [, signs, title] = HEADING.exec(text) ?? [];
    if (signs === undefined) {
      if (/^ {0,3}#{1,6}[^#\s!]/.test(text) && !/^ {0,3}#\d/.test(text))
        issues.push(
          heading(
            number,
            "A heading needs a blank after its #: this line is shown as text.",
            "Put a blank after the #.",
          ),
        );
      continue;
    }
    if ((title ?? "") === "") issues.push(heading(number, "The heading is empty.", "Name the section or remove it."));
    if (last > 0 && signs.length > last + 1)
      issues.push(
        heading(number, `The heading goes from level ${last} to ${signs.length}.`, `Make it level ${last + 1}.`),
      );
    if (signs.length === 1) titles.push(number);
    last = signs.length;
  }
  for (const number of titles.slice(1))
    issues.push(heading(number, "The document has a second title (a heading of level 1).", "Make it level 2."));
  return issues;
}

function heading(line: number, message: string, suggestion: string): ValidationIssue {
  return { check: CHECK, severity: "minor", line, message, suggestion };
}

/** Cells of a row, or undefined for a line that is none. */
function cellsOf(text: string): number | undefined {
  if (!/^\s*\|.*\|\s*$/.test(text)) return undefined;
  return text
    .trim()
    .slice(1, -1)
    .replaceAll(String.raw`\|`, "")
    .split("|").length;
}

function tableIssues(prose: readonly Line[]): ValidationIssue[] {
  const issues: ValidationIssue[] = [];
  let end = 0;
  for (const [at, { number, text }] of prose.entries()) {
    if (at < end || !/^\s*\|[\s:|-]+\|\s*$/.test(text) || !text.includes("-")) continue;
    const columns = prose[at - 1]?.number === number - 1 ? cellsOf(prose[at - 1]?.text ?? "") : undefined;
    if (columns === undefined) continue;
    // Rows of a table begin no other: each line is looked at once.
    for (end = at; end < prose.length; end++) {
      const line = prose[end];
      const cells = line && cellsOf(line.text);
      if (line === undefined || cells === undefined || line.number !== number + end - at) break;
      if (cells === columns) continue;
      const message = `The row has ${cells} cells, and its table ${columns} columns.`;
      issues.push({
        check: CHECK,
        severity: "minor",
        line: line.number,
        message,
        suggestion: String.raw`Add or join cells; a | within a cell is written \|.`,
      });
    }
  }
  return issues;
}

// Bounded: a line may be made of brackets alone.
const INLINE =
  /(?<!\\)(!?)\[((?:[^[\]\\]|\\.|\[[^[\]]{0,200}\]){0,500})\]\(\s{0,20}<?([^()<>\s]{0,2000})>?(?:\s{1,20}["'(][^)]{0,500})?\)/g;
const REFERENCE = /\[([^[\]]{1,300})\]\[([^[\]]{0,300})\]/g;
const DEFINITION = /^ {0,3}\[([^\]]+)\]:\s*\S/;

/** Headings and references that links within a text may lead to. */
interface Definitions {
  readonly anchors: ReadonlySet<string>;
  readonly references: ReadonlySet<string>;
}

function definitionsOf(prose: readonly Line[]): Definitions {
  const references = prose.flatMap(({ text }) => DEFINITION.exec(text)?.[1]?.toLowerCase() ?? []);
  return { anchors: anchorsOf(prose), references: new Set(references) };
}

/** Without definitions, which may stand where nothing was read, links within the text pass. */
function linkIssues(
  prose: readonly Line[],
  within: Definitions | undefined,
  exists: ValidationSubject["exists"],
): ValidationIssue[] {
  return prose.flatMap(({ number, text }) => {
    const targets = [...text.matchAll(INLINE)].map(([, , , target = ""]) =>
      wrongTarget(target, within?.anchors, exists),
    );
    const references = [...text.matchAll(REFERENCE)].map(([, shown = "", label]) =>
      (within?.references.has((label || shown).toLowerCase()) ?? true)
        ? undefined
        : `The link [${label || shown}] is defined nowhere.`,
    );
    return [...targets, ...references].flatMap((message): ValidationIssue[] =>
      message === undefined
        ? []
        : [
            {
              check: CHECK,
              severity: "major",
              line: number,
              message,
              suggestion: "Correct the target, or remove the link.",
            },
          ],
    );
  });
}

function wrongTarget(
  target: string,
  anchors: ReadonlySet<string> | undefined,
  exists: ValidationSubject["exists"],
): string | undefined {
  if (target === "") return "The link has no target.";
  if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(target)) return undefined;
  const [file = "", anchor] = decoded(target).split("#");
  if (file === "")
    return anchor === "" || (anchors?.has((anchor ?? "").toLowerCase()) ?? true)
      ? undefined
      : `No heading is called #${anchor}.`;
  return exists?.(file) === false ? `The file ${file} does not exist.` : undefined;
}

function decoded(target: string): string {
  try {
    return decodeURIComponent(target);
  } catch {
    return target;
  }
}

/** The anchors of headings as GitHub makes them, and those that HTML names. */
function anchorsOf(prose: readonly Line[]): ReadonlySet<string> {
  const anchors = new Set<string>();
  const counts = new Map<string, number>();
  for (const [at, { number, raw: text }] of prose.entries()) {
    for (const [, id = ""] of text.matchAll(/(?:id|name)=["']([^"']+)["']/g)) anchors.add(id.toLowerCase());
    const next = prose[at + 1];
    const underlined = next?.number === number + 1 && /^ {0,3}(?:=+|-+)\s*$/.test(next.text) ? text : undefined;
    const title = HEADING.exec(text)?.[2] ?? underlined;
    if (title === undefined) continue;
    const slug = slugOf(title);
    const before = counts.get(slug) ?? 0;
    counts.set(slug, before + 1);
    anchors.add(before === 0 ? slug : `${slug}-${before}`);
  }
  return anchors;
}

function slugOf(title: string): string {
  return title
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");
}
