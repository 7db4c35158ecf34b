import { grouped } from "../base/lists/groups.js";
import { isObject, type JsonObject } from "../base/json.js";
import { objectIn, sections, textOf, textsOf, titleAndText } from "./contents.js";
import { type JsonRecord, recordsOf } from "./json-records.js";
import type { ForeignPlan, ForeignTask, SourceFile, TaskState, Unmapped } from "./foreign-plan.js";

/** An issue of a line, which the plan keeps or leaves out. */
interface Issue {
  readonly id: string;
  readonly place: string;
  readonly fields: JsonObject;
  readonly edges: readonly Edge[];
}

interface Edge {
  readonly kind: string;
  readonly on: string;
}

const STATES: Readonly<Record<string, TaskState>> = {
  open: "open",
  // Its dependencies say why.
  blocked: "open",
  in_progress: "started",
  hooked: "started",
  closed: "done",
};
const PRIORITIES = ["critical", "high", "normal", "low", "low"] as const;

/** Kinds of issues that record what agents and the tool itself do; free kinds beside them are work. */
const NO_WORK = new Set(["message", "molecule", "gate", "event", "agent", "convoy", "role", "rig", "slot", "wisp"]);

/** Dependencies that keep an issue from being ready (`AffectsReadyWork` of beads), without `parent-child`. */
const BLOCKING = new Set(["blocks", "waits-for"]);

/** Tables of a backup of beads (`.beads/backup`), whose issues keep neither their dependencies nor their labels. */
const TABLE = /^(.*\/)?(?:dependencies|labels)\.jsonl$/;

/**
 * Reads issues of beads as `.beads/issues.jsonl` and `bd export` have them, one JSON object a line, as `bd list --json` does, or
 * as the backup of its database does, with the tables beside the issues.
 */
export function readBeads(files: readonly SourceFile[]): ForeignPlan[] {
  const tables = files.filter(({ path }) => TABLE.test(path));
  return files.flatMap((file) => {
    if (tables.includes(file)) return [];
    const folder = file.path.replace(/[^/]*$/, "");
    const plan = planOf(
      file,
      tables.filter(({ path }) => path.replace(/[^/]*$/, "") === folder),
    );
    return plan.tasks.length + plan.unmapped.length === 0 ? [] : [plan];
  });
}

function planOf(file: SourceFile, tables: readonly SourceFile[]): ForeignPlan {
  const unmapped: Unmapped[] = [];
  const issues = issuesOf(file, unmapped);
  for (const table of tables) addRows(table, { issues, unmapped });
  const leftOut = new Map<string, string>();
  for (const issue of issues.values()) {
    const why = whyNoTask(issue);
    if (why === undefined) continue;
    leftOut.set(issue.id, why);
  }
  unmapped.push(...listed(issues, leftOut));
  const tasks = [...issues.values()]
    .filter(({ id }) => !leftOut.has(id))
    .map((issue) => taskOf(issue, { issues, leftOut, unmapped }));
  return { format: "beads", source: file.path, title: "beads", tasks, unmapped };
}

/** Bad lines beyond which a file is of another format. */
const BAD_LINES_MAX = 1_000;

const LISTED_EACH_MAX = 3;

/** The issues that are left out: by name where a reason has few, else by their number. Most lines of a file can be traces. */
function listed(issues: ReadonlyMap<string, Issue>, leftOut: ReadonlyMap<string, string>): Unmapped[] {
  const known = [...issues.values()].filter(({ id }) => leftOut.has(id));
  const byReason = grouped(known, ({ id }) => leftOut.get(id) ?? "");
  return [...byReason].flatMap(([why, own]) => {
    const [first] = own;
    if (first === undefined || own.length <= LISTED_EACH_MAX)
      return own.map((issue) => ({ place: issue.place, what: nameOf(issue), why }));
    return [{ place: first.place, what: `${own.length} issues such as ${nameOf(first)}`, why }];
  });
}

/** The issues by id in their order. Of two lines with one id the later counts, as in an appended log. */
function issuesOf(file: SourceFile, unmapped: Unmapped[]): Map<string, Issue> {
  const issues = new Map<string, Issue>();
  for (const { place, fields } of recordsIn(file, unmapped)) {
    const id = textOf(fields["id"]);
    if (id === undefined) {
      unmapped.push({ place, what: (textOf(fields["title"]) ?? "an issue").slice(0, 60), why: "has no id" });
      continue;
    }
    const earlier = issues.get(id);
    if (earlier !== undefined)
      unmapped.push({ place: earlier.place, what: nameOf(earlier), why: `stands again at ${place}, which counts` });
    issues.set(id, { id, place, fields, edges: edgesOf(fields) });
  }
  return issues;
}

/** Adds rows of a table to the issues that they name; rows of no issue say nothing. */
function addRows(table: SourceFile, { issues, unmapped }: { issues: Map<string, Issue>; unmapped: Unmapped[] }): void {
  for (const { fields } of recordsIn(table, unmapped)) {
    const issue = issues.get(textOf(fields["issue_id"]) ?? "");
    if (issue === undefined) continue;
    const labels = [...textsOf(issue.fields["labels"]), ...textsOf(fields["label"])];
    const edges = [...issue.edges, ...edgesOf({ dependencies: [fields] })];
    issues.set(issue.id, { ...issue, edges, fields: { ...issue.fields, labels } });
  }
}

function recordsIn(file: SourceFile, unmapped: Unmapped[]): JsonRecord[] {
  const { text } = file;
  if (text.trimStart().startsWith("[")) {
    const read = recordsOf(file, []);
    unmapped.push(...read.unmapped);
    return read.records;
  }
  const records: JsonRecord[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const place = `${file.path}:${index + 1}`;
    const fields = objectIn(line);
    if (fields !== undefined) records.push({ place, fields });
    else unmapped.push({ place, what: line.trim().slice(0, 60), why: "is no JSON object, as each line must be" });
    if (unmapped.length === BAD_LINES_MAX) break;
  }
  return records;
}

function edgesOf({ dependencies }: JsonObject): Edge[] {
  if (!Array.isArray(dependencies)) return [];
  return dependencies.flatMap((edge: unknown) => {
    const on = isObject(edge) ? textOf(edge["depends_on_id"]) : undefined;
    return !isObject(edge) || on === undefined ? [] : [{ on, kind: textOf(edge["type"]) ?? "blocks" }];
  });
}

function whyNoTask({ fields, edges }: Issue): string | undefined {
  const status = textOf(fields["status"]) ?? "open";
  const kind = textOf(fields["issue_type"]) ?? "task";
  if (status === "tombstone") return "is deleted";
  if (isSet(fields["ephemeral"])) return "is ephemeral: a trace of an agent's work";
  if (isSet(fields["is_template"])) return "is a template";
  if (NO_WORK.has(kind)) return `is of kind "${kind}", which is no work`;
  if (status === "pinned") return "is pinned: kept as context, never done";
  if (status === "deferred") return "is deferred: set it to open there and import again";
  const condition = edges.find((edge) => edge.kind === "conditional-blocks");
  if (condition !== undefined && STATES[status] !== "done")
    return `runs only if ${condition.on} fails: add it by hand with trigger_rule one_failed`;
  return undefined;
}

/** A flag: the backup writes 1 where the export writes true. */
function isSet(value: unknown): boolean {
  return value === true || value === 1;
}

interface Surroundings {
  readonly issues: ReadonlyMap<string, Issue>;
  readonly leftOut: ReadonlyMap<string, string>;
  readonly unmapped: Unmapped[];
}

function taskOf(issue: Issue, around: Surroundings): ForeignTask {
  const { fields, edges, place } = issue;
  const kind = textOf(fields["issue_type"]);
  const priority = fields["priority"];
  const { title, text } = titleAndText(textOf(fields["title"]) ?? issue.id, textOf(fields["description"]));
  const parent = textOf(fields["parent"]) ?? edges.find((edge) => edge.kind === "parent-child")?.on;
  return {
    ref: issue.id,
    title,
    text: sections(text, {
      Design: textOf(fields["design"]),
      "Acceptance criteria": textOf(fields["acceptance_criteria"]),
      Notes: textOf(fields["notes"]),
      Specification: textOf(fields["spec_id"]),
      "External reference": textOf(fields["external_ref"]),
    }),
    state: stateOf(issue, around.unmapped),
    needs: needsOf(issue, around),
    parent: parent !== undefined && around.leftOut.has(parent) ? undefined : parent,
    priority: typeof priority === "number" ? PRIORITIES[priority] : undefined,
    labels: [...(kind === undefined || kind === "task" ? [] : [kind]), ...textsOf(fields["labels"])],
    assignee: textOf(fields["assignee"]),
    place,
  };
}

function stateOf({ fields, place }: Issue, unmapped: Unmapped[]): TaskState {
  const status = textOf(fields["status"]) ?? "open";
  const state = Object.hasOwn(STATES, status) ? STATES[status] : undefined;
  if (state === undefined)
    unmapped.push({ place, what: `status "${status}"`, why: "is none of beads: the task counts as open" });
  return state ?? "open";
}

/** The issues that an issue waits for. An open issue that is left out blocks in beads and cannot here: it is listed. */
function needsOf(issue: Issue, { issues, leftOut, unmapped }: Surroundings): string[] {
  const needs = new Set<string>();
  for (const { kind, on } of issue.edges) {
    if (!BLOCKING.has(kind) || on === issue.id) continue;
    const why = leftOut.get(on);
    if (why === undefined) needs.add(on);
    else if (textOf(issues.get(on)?.fields["status"]) !== "closed")
      unmapped.push({ place: issue.place, what: `${issue.id} waits for ${on}`, why: `${on} ${why}` });
  }
  return [...needs];
}

function nameOf({ id, fields }: Issue): string {
  const title = textOf(fields["title"]);
  return title === undefined ? id : `${id} ${title.slice(0, 60)}`;
}
