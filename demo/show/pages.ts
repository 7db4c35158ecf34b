import { z } from "zod";
import type { Module } from "../team/modules.js";
import type { Exported, SourceFile } from "../team/source.js";

/** The result that the writer of a page reports to Baton; the index is made from these alone. */
export const pageResult = z.object({
  page: z.string(),
  files: z.number(),
  exports: z.number(),
  documented: z.number(),
  /** Modules that this one imports from. */
  uses: z.array(z.string()),
});
export type PageResult = z.output<typeof pageResult>;

export interface PageContext {
  readonly module: Module;
  readonly sources: readonly SourceFile[];
  /** All modules of the plan: what may be linked to. */
  readonly modules: readonly Module[];
}

/** Where the pages lie. */
export const PAGES = "docs/api";
/** From there to the top of the repository. */
const TOP = "../..";
/** A page is written in at most so many edits, and in two at least: one can be half written. */
const PARTS = 3;

/** The reference page of a module in the parts that it is written in, and its figures. */
export function pageParts({ module, sources, modules }: PageContext): { parts: string[]; result: PageResult } {
  const exports = sources.flatMap((source) => source.exports);
  const uses = usesOf(module, sources, modules);
  const result: PageResult = {
    page: `${module.name}.md`,
    files: sources.length,
    exports: exports.length,
    documented: exports.filter(({ doc }) => doc !== undefined).length,
    uses,
  };
  const anchors = new Anchors();
  anchors.next(module.name);
  const sections = sources.filter((source) => source.exports.length > 0).map((source) => section(source, anchors));
  const silent = sources.filter((source) => source.exports.length === 0).map(({ file }) => sourceLink(file));
  const [first, ...rest] = chunksOf(
    sections.map(({ text }) => text),
    PARTS - 1,
  );
  const head = [
    `# ${module.name}`,
    `${count(result.files, "file")}, ${count(result.exports, "export")}, ${result.documented} of them documented.` +
      (uses.length === 0 ? "" : ` Uses ${uses.map((name) => `[${name}](${name}.md)`).join(", ")}.`),
    ["| export | | in short |", "| --- | --- | --- |", ...sections.flatMap(({ rows }) => rows)].join("\n"),
    ...(first ?? []),
  ];
  const foot = [
    ...(silent.length === 0 ? [] : [`Files that export nothing: ${silent.join(", ")}.`]),
    `[All modules](README.md) · end of ${module.name}`,
  ];
  const parts = [head, ...rest, foot].map((blocks) => `${blocks.join("\n\n")}\n\n`);
  return { parts, result };
}

/** At most `max` rows of neighbours, nearly of one length. */
function chunksOf<T>(items: readonly T[], max: number): T[][] {
  const length = Math.ceil(items.length / max);
  return Array.from({ length: length === 0 ? 0 : Math.ceil(items.length / length) }, (_, index) =>
    items.slice(index * length, (index + 1) * length),
  );
}

function usesOf(module: Module, sources: readonly SourceFile[], modules: readonly Module[]): string[] {
  const owners = new Map(modules.flatMap(({ name, files }) => files.map((file) => [file, name] as const)));
  const imported = sources.flatMap(({ imports }) => imports.flatMap((file) => owners.get(file) ?? []));
  return [...new Set(imported)].filter((name) => name !== module.name).sort();
}

function section({ file, exports }: SourceFile, anchors: Anchors): { text: string; rows: string[] } {
  const name = file.split("/").slice(2).join("/") || file;
  anchors.next(name);
  const rows: string[] = [];
  const texts = exports.map((one) => {
    rows.push(`| [\`${one.name}\`](#${anchors.next(one.name)}) | ${one.kind} | ${inShort(one)} |`);
    const place = sourceLink(`${file}#L${one.line}`, `line ${one.line}`);
    return [
      `### ${escape(one.name)}`,
      ...(one.doc === undefined ? [] : [escape(one.doc)]),
      `\`\`\`ts\n${one.signature}\n\`\`\``,
      `${one.kind}, ${place}`,
    ].join("\n\n");
  });
  return { text: [`## ${name}`, sourceLink(file), ...texts].join("\n\n"), rows };
}

function sourceLink(file: string, label = file): string {
  return `[${label}](${TOP}/${file})`;
}

/** The first sentence of the doc comment, in one table cell. */
function inShort({ doc = "" }: Exported): string {
  const line = doc.replace(/\s+/g, " ");
  const [sentence = ""] = /^.*?[.:;](?=\s|$)/.exec(line) ?? [line];
  return escape(sentence.replace(/[:;]$/, ".")).replaceAll("|", "\\|");
}

/** Outside of code spans, what Markdown would take for HTML or a link stays text. */
function escape(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll("<", "&lt;").replaceAll(/[[\]*]/g, "\\$&")))
    .join("");
}

/** The page that joins all others. */
export function writeIndex(pages: readonly PageResult[]): string {
  const sorted = pages.toSorted((a, b) => (a.page < b.page ? -1 : 1));
  const total = (figure: (page: PageResult) => number) => sorted.reduce((sum, page) => sum + figure(page), 0);
  const rows = sorted.map((page) => {
    const name = nameOf(page);
    const users = sorted.filter(({ uses }) => uses.includes(name)).map(nameOf);
    return `| [${name}](${page.page}) | ${page.files} | ${page.exports} | ${listed(page.uses)} | ${listed(users)} |`;
  });
  return [
    "# API of Baton, module by module",
    `${sorted.length} modules with ${total(({ files }) => files)} files and ${total(({ exports }) => exports)} exports. ` +
      "How well they are documented stands in [COVERAGE.md](COVERAGE.md).",
    ["| module | files | exports | uses | used by |", "| --- | ---: | ---: | --- | --- |", ...rows].join("\n"),
  ]
    .join("\n\n")
    .concat("\n");
}

function nameOf({ page }: PageResult): string {
  return page.replace(/\.md$/, "");
}

function listed(names: readonly string[]): string {
  return names.map((name) => `[${name}](${name}.md)`).join(", ");
}

const COVERAGE_HEAD = "# Documented exports\n\n| module | documented | of |\n| --- | ---: | ---: |\n";

/** Puts a module's row into the page that all writers share; a row of an earlier attempt is replaced. */
export function addCoverage(text: string, page: PageResult): { text: string; row: string } {
  const name = nameOf(page);
  const rows = coverageRows(text).filter((one) => !one.startsWith(`| [${name}](`));
  const row = `| [${name}](${page.page}) | ${page.documented} | ${page.exports} |`;
  return { text: `${COVERAGE_HEAD}${[...rows, row].sort().join("\n")}\n`, row };
}

/** The rows of the shared page, one for each module that has been written. */
export function coverageRows(text: string): string[] {
  return text.split("\n").filter((line) => line.startsWith("| ["));
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Anchors of headings as GitHub makes them: the second `run` of a page is `run-1`. */
class Anchors {
  readonly #seen = new Map<string, number>();

  next(heading: string): string {
    const slug = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, "")
      .replaceAll(" ", "-");
    const times = this.#seen.get(slug) ?? 0;
    this.#seen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  }
}
