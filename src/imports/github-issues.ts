import { grouped } from "../base/lists/groups.js";
import { isObject, type JsonObject } from "../base/json.js";
import { textOf, textsOf, titleAndText } from "./contents.js";
import type { ForeignPlan, ForeignTask, SourceFile, TaskState, Unmapped } from "./foreign-plan.js";
import { recordsOf } from "./json-records.js";
import { proseOf } from "./markdown-prose.js";

/** An issue as `gh --json` and the REST interface give it. */
interface Issue {
  readonly number: number;
  /** `owner/name`, undefined where the export holds no address. */
  readonly repository: string | undefined;
  readonly place: string;
  readonly fields: JsonObject;
}

/** The issues of one repository, with what relates them: numbers by number. */
interface Repository {
  readonly issues: ReadonlyMap<number, Issue>;
  readonly needs: Map<number, Set<number>>;
  readonly parents: Map<number, number>;
  /** Closed issues that an issue of the export names: they block no more. */
  readonly closed: Set<number>;
  readonly unmapped: Unmapped[];
}

const WEB_ADDRESS = /^https?:\/\/[^/]+\/(?:api\/v3\/)?(?:repos\/)?([\w.-]+\/[\w.-]+)\/(issues|pull|pulls)\/\d+/;

/** Reads issues as `gh issue list --json …`, `gh api repos/O/R/issues` (also paginated) or a search gives them. */
export function readGithubIssues(files: readonly SourceFile[]): ForeignPlan[] {
  return files.flatMap((file) => {
    const { records, unmapped } = recordsOf(file, ["issues", "items", "nodes", "data", "repository"]);
    const issues: Issue[] = [];
    for (const { place, fields } of records) {
      const issue = issueOf(fields, place);
      if (typeof issue === "string") unmapped.push({ place, what: labelOf(fields), why: issue });
      else issues.push(issue);
    }
    const byRepository = grouped(issues, ({ repository }) => repository);
    const plans = [...byRepository].map(([repository, own]) => planOf(own, { repository, path: file.path }));
    const [first, ...others] = plans;
    if (first !== undefined) return [{ ...first, unmapped: [...unmapped, ...first.unmapped] }, ...others];
    if (unmapped.length === 0) return [];
    return [{ format: "github-issues", source: file.path, title: "GitHub issues", tasks: [], unmapped }];
  });
}

/** The reason where it is no issue. */
function issueOf(fields: JsonObject, place: string): Issue | string {
  const number = fields["number"];
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 1) return "has no number of an issue";
  const [, repository, kind] = WEB_ADDRESS.exec(textOf(fields["html_url"]) ?? textOf(fields["url"]) ?? "") ?? [];
  if (isObject(fields["pull_request"]) || fields["isPullRequest"] === true || kind?.startsWith("pull") === true)
    return "is a pull request";
  if (textOf(fields["title"]) === undefined) return "has no title: export it with --json number,title,body,state,…";
  return { number, repository, place, fields };
}

function planOf(all: readonly Issue[], from: { repository: string | undefined; path: string }): ForeignPlan {
  const unmapped: Unmapped[] = [];
  const issues = new Map<number, Issue>();
  for (const issue of all) {
    if (issues.has(issue.number))
      unmapped.push({ place: issue.place, what: labelOf(issue.fields), why: "stands twice: the first counts" });
    else issues.set(issue.number, issue);
  }
  const repository: Repository = { issues, needs: new Map(), parents: new Map(), closed: new Set(), unmapped };
  for (const issue of issues.values()) {
    relateByFields(issue, repository);
    relateByBody(issue, repository);
  }
  const tasks = [...issues.values()].sort((a, b) => a.number - b.number).map((issue) => taskOf(issue, repository));
  return {
    format: "github-issues",
    source: from.repository === undefined ? from.path : `github/${from.repository}`,
    title: from.repository === undefined ? "GitHub issues" : from.repository,
    tasks,
    unmapped,
  };
}

/** The relations that GitHub keeps: `blockedBy`, `blocking`, `parent` and `subIssues`. */
function relateByFields({ number, fields, place }: Issue, repository: Repository): void {
  for (const other of relatedOf(fields["blockedBy"], repository)) need(number, other, repository);
  for (const other of relatedOf(fields["blocking"], repository)) need(other, number, repository);
  for (const child of relatedOf(fields["subIssues"], repository)) repository.parents.set(child, number);
  for (const parent of relatedOf([fields["parent"]], repository)) repository.parents.set(number, parent);
  const { blocked_by: count } = isObject(fields["issue_dependencies_summary"])
    ? fields["issue_dependencies_summary"]
    : {};
  if (typeof count !== "number" || count === 0) return;
  const why = "REST says how many, not which: use gh issue list --json number,title,body,state,labels,url,blockedBy";
  repository.unmapped.push({ place, what: `${count} issues that block #${number}`, why });
}

function relatedOf(value: unknown, { closed }: Repository): number[] {
  const nodes = isObject(value) ? value["nodes"] : value;
  if (!Array.isArray(nodes)) return [];
  return nodes.flatMap((node: unknown) => {
    const number = isObject(node) ? node["number"] : node;
    if (typeof number !== "number" || !Number.isSafeInteger(number)) return [];
    if (isObject(node) && textOf(node["state"])?.toUpperCase() === "CLOSED") closed.add(number);
    return [number];
  });
}

const LISTED = String.raw`(?:[\w.-]+\/[\w.-]+)?#\d+|https?:\/\/\S+?\/issues\/\d+`;
const WORDS = String.raw`(?:blocked (?:by|on)|depends (?:up)?on|waiting (?:for|on))`;
const BLOCKED_BY = new RegExp(
  String.raw`\b${WORDS}\b:?\**:?\s*((?:${LISTED})(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*)(?:${LISTED}))*)`,
  "gi",
);
/** Words that the items below them complete. */
const LIST_BEGINS = new RegExp(String.raw`^[\s#*_-]*(?:is )?${WORDS}[\s:*_]*$`, "i");
const ITEM = new RegExp(String.raw`^\s*[-*+]\s+(\[[ xX]\]\s+)?(${LISTED})(?!\w)`);

/** The relations that people write: "blocked by #3", "depends on #1 and #2", and sub-issues as `- [ ] #12`. */
function relateByBody(issue: Issue, repository: Repository): void {
  const body = textOf(issue.fields["body"]);
  if (body === undefined) return;
  let blockers = false;
  for (const { text } of proseOf(body)) {
    const mentions = [...text.matchAll(BLOCKED_BY)].flatMap(([, list]) => list?.match(new RegExp(LISTED, "g")) ?? []);
    const [, box, item = ""] = ITEM.exec(text) ?? [];
    if (blockers && item !== "") mentions.push(item);
    for (const mention of mentions) {
      const other = numberOf(mention, issue, repository);
      if (other !== undefined) need(issue.number, other, repository);
    }
    const child = box === undefined || blockers ? undefined : numberOf(item, issue, repository);
    if (child !== undefined && repository.issues.has(child) && !repository.parents.has(child))
      repository.parents.set(child, issue.number);
    blockers = LIST_BEGINS.test(text) || (blockers && (text.trim() === "" || item !== ""));
  }
}

function numberOf(mention: string, issue: Issue, { unmapped }: Repository): number | undefined {
  const [, path] = /([\w.-]+\/[\w.-]+)(?:#|\/issues\/)\d+$/.exec(mention) ?? [];
  const number = Number(/\d+$/.exec(mention)?.[0]);
  if (path === undefined || path.toLowerCase() === issue.repository?.toLowerCase()) return number;
  const what = `#${issue.number} refers to ${mention.slice(0, 200)}`;
  unmapped.push({ place: issue.place, what, why: "is an issue of another repository" });
  return undefined;
}

function need(number: number, other: number, { needs }: Repository): void {
  if (number === other) return;
  const own = needs.get(number) ?? new Set();
  needs.set(number, own.add(other));
}

function taskOf(issue: Issue, { needs, parents, closed, issues }: Repository): ForeignTask {
  const { number, fields, place } = issue;
  const { title, text } = titleAndText(textOf(fields["title"]) ?? `#${number}`, textOf(fields["body"]));
  const labels = namesOf(fields["labels"], "name");
  const milestone = isObject(fields["milestone"]) ? textOf(fields["milestone"]["title"]) : undefined;
  const blockers = [...(needs.get(number) ?? [])].filter((other) => issues.has(other) || !closed.has(other));
  const address = textOf(fields["html_url"]) ?? textOf(fields["url"]);
  return {
    ref: `#${number}`,
    title,
    text: [text, address].filter(Boolean).join("\n\n"),
    state: stateOf(fields),
    needs: blockers.map((other) => `#${other}`),
    parent: parents.has(number) ? `#${parents.get(number)}` : undefined,
    priority: priorityOf(labels),
    labels: [...labels, ...(milestone === undefined ? [] : [`milestone: ${milestone}`])],
    assignee: namesOf(fields["assignees"], "login")[0],
    place,
  };
}

/** A closed issue was done, unless GitHub keeps another reason. */
function stateOf(fields: JsonObject): TaskState {
  if (textOf(fields["state"])?.toUpperCase() !== "CLOSED" && fields["closed"] !== true) return "open";
  const reason = (textOf(fields["stateReason"]) ?? textOf(fields["state_reason"]) ?? "").toUpperCase();
  return reason === "NOT_PLANNED" || reason === "DUPLICATE" ? "dropped" : "done";
}

function namesOf(values: unknown, field: string): string[] {
  if (!Array.isArray(values)) return [];
  return values.flatMap((value: unknown) => textsOf(isObject(value) ? value[field] : value));
}

const PRIORITY_LABEL =
  /^(?:priority|prio|p)?[\s:/_-]*(?:(critical|urgent|p?0)|(high|p?1)|(medium|normal|p?2)|(low|p?[34]))$/i;

/** `P1`, `priority: high`, `priority/critical`, `high`. A digit alone says nothing. */
function priorityOf(labels: readonly string[]): ForeignTask["priority"] {
  for (const label of labels) {
    const found = PRIORITY_LABEL.exec(label);
    if (found === null || /^\d$/.test(label)) continue;
    const [, critical, high, normal] = found;
    if (critical !== undefined) return "critical";
    if (high !== undefined) return "high";
    return normal === undefined ? "low" : "normal";
  }
  return undefined;
}

function labelOf(fields: JsonObject): string {
  const { number } = fields;
  return `#${typeof number === "number" ? number : "?"} ${(textOf(fields["title"]) ?? "").slice(0, 60)}`.trim();
}
