import type { ForeignPlan, PlanFormat, SourceFile } from "./foreign-plan.js";
import { startOf, storableText } from "../base/texts/stored-values.js";
import { grouped } from "../base/lists/groups.js";
import { readBacklogMd, TASK_PATH } from "./backlog-md.js";
import { readBeads } from "./beads.js";
import { readGithubIssues } from "./github-issues.js";
import { readMarkdown } from "./markdown.js";
import { isRunExport, readRunExports } from "./run-export.js";
import { readSpecKit } from "./spec-kit.js";
import { readTaskmaster } from "./taskmaster.js";

interface Format {
  readonly format: PlanFormat;
  /** Whether a file is of this format, by its name, its content and the files beside it. */
  readonly knows: (file: SourceFile, together: readonly SourceFile[]) => boolean;
  readonly read: (files: readonly SourceFile[]) => ForeignPlan[];
}

const isJson = ({ text }: SourceFile): boolean => /^\s*[[{]/.test(text.slice(0, SNIFFED_CHARS));
const says = ({ text }: SourceFile, words: RegExp): boolean => words.test(text.slice(0, SNIFFED_CHARS));
const SNIFFED_CHARS = 100_000;
/** The configuration of Backlog.md. */
const CONFIG = /(?:^|\/)(?:backlog\.)?config\.ya?ml$/;

/** The formats in the order in which they are asked: the first that knows a file reads it. */
const FORMATS: readonly Format[] = [
  {
    format: "baton",
    knows: ({ text }) => isRunExport(text.slice(0, SNIFFED_CHARS)),
    read: readRunExports,
  },
  {
    format: "taskmaster",
    knows: (file) =>
      isJson(file) && says(file, /"tasks"\s*:\s*\[/) && !says(file, /"(?:schemaVersion|specification)"\s*:/),
    read: readTaskmaster,
  },
  {
    format: "beads",
    knows: (file) => isJson(file) && (file.path.endsWith(".jsonl") || says(file, /"issue_type"\s*:/)),
    read: readBeads,
  },
  {
    format: "github-issues",
    knows: (file) => isJson(file) && says(file, /"number"\s*:\s*\d/) && says(file, /"title"\s*:/),
    read: readGithubIssues,
  },
  {
    format: "backlog-md",
    knows: ({ path, text }, together) =>
      CONFIG.test(path) ||
      (TASK_PATH.test(path) && (/^---\r?\n/.test(text) || together.some((file) => CONFIG.test(file.path)))),
    read: readBacklogMd,
  },
  {
    format: "spec-kit",
    knows: (file) => /\.md$/i.test(file.path) && says(file, /^\s*[-*+] \[.\] (?:\*\*)?T\d{3}/m),
    read: readSpecKit,
  },
  {
    format: "markdown",
    knows: (file) => !isJson(file),
    read: readMarkdown,
  },
];

/** Reads files that were found together, each by the format that knows it. Returns no plan where there is none in them. */
export function readPlans(files: readonly SourceFile[]): ForeignPlan[] {
  const byFormat = grouped(files, (file) => FORMATS.find(({ knows }) => knows(file, files)));
  return [...byFormat].flatMap(([format, own]) => format?.read(own) ?? []).map(withStorableNames);
}

const NAME_CHARS_MAX = 1_000;

/** A plan is found again by its source, and an export by its run: names that no database takes are written otherwise. */
function withStorableNames(plan: ForeignPlan): ForeignPlan {
  const storable = (name: string): string => storableText(startOf(name, NAME_CHARS_MAX));
  const { source, exportOf } = plan;
  return { ...plan, source: storable(source), exportOf: exportOf === undefined ? undefined : storable(exportOf) };
}

/** Whether a file is to be read as WfFormat: it says so, or it is a JSON document that no other format knows. */
export function isWfFormat(file: SourceFile): boolean {
  return file.text.trim() === "" || (isJson(file) && !FORMATS.some(({ knows }) => knows(file, [file])));
}
