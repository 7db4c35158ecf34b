import { isObject } from "../../base/json.js";
import { shownJson, shownLine, shownText } from "../../base/texts/shown-text.js";
import { startOf } from "../../base/texts/stored-values.js";
import { redactSecrets } from "../../base/secrets/redaction.js";
import type { ExportedTask, ExportPage } from "./exports.js";

export const EXPORT_FORMATS = ["markdown", "json", "csv"] as const;
type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Words a page of a run. Texts of agents are neutralised, and secrets are redacted, since the document leaves for other programs. */
export function exportDocument(format: ExportFormat, page: ExportPage): string {
  return { json: jsonOf, markdown: markdownOf, csv: csvOf }[format](page);
}

/** Version of the JSON form. */
const JSON_FORMAT = 1;

function jsonOf({ run, tasks }: ExportPage): string {
  return `${shownJson(redacted({ baton: "run", format: JSON_FORMAT, run, tasks }), 2)}\n`;
}

/** Data with the secrets of each text redacted: of the text itself, since its escapes would hide where one ends. */
function redacted(value: unknown): unknown {
  if (typeof value === "string") return redactSecrets(value);
  if (Array.isArray(value)) return value.map(redacted);
  if (!isObject(value)) return value;
  // The name of a member tells what its value is: token, password.
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, typeof one === "string" ? namedValue(name, one) : redacted(one)]),
  );
}

function namedValue(name: string, value: string): string {
  const alone = redactSecrets(value);
  if (alone !== value) return alone;
  const written = JSON.stringify({ [name]: value });
  const safe = redactSecrets(written);
  if (safe === written) return value;
  const [read] = Object.values(JSON.parse(safe) as Record<string, unknown>);
  return typeof read === "string" ? read : value;
}

const BOX = { succeeded: "x", running: "/", skipped: "-", cancelled: "-" } as const;
const RESULT_SHOWN_CHARS = 500;

/**
 * A check list that `baton import` reads back: the comment behind a title holds what a check box cannot. Long texts are quoted, so
 * that a check box or a heading in them is none of the list.
 */
function markdownOf({ run, tasks, isFirst }: ExportPage): string {
  const head = isFirst
    ? [`# ${escaped(line(run.name))}`, "", `Run ${run.id}: ${run.status}, ${run.progress} % done.`, ""]
    : [];
  return `${[...head, ...tasks.flatMap(itemOf)].join("\n")}\n`;
}

function itemOf(task: ExportedTask): string[] {
  const box = task.status in BOX ? BOX[task.status as keyof typeof BOX] : " ";
  const { needs = [], files, prompt, criteria = [], agent, result, error } = task;
  const facts = [
    needs.length === 0 ? undefined : `needs ${needs.join(", ")}`,
    agent === undefined ? undefined : `${task.status === "running" ? "held" : "done"} by ${agent}`,
    task.priority === "normal" ? undefined : `priority ${task.priority}`,
    files === undefined || files.write.length === 0 ? undefined : `writes ${files.write.join(", ")}`,
    ["pending", "ready", "succeeded", "running"].includes(task.status) ? undefined : task.status,
  ].filter((fact) => fact !== undefined);
  return [
    `- [${box}] ${escaped(line(task.title))} ${commentOf(task)}`,
    ...(facts.length === 0 ? [] : [`  (${escaped(line(facts.join("; ")))})`]),
    ...quoted(prompt),
    ...(criteria.length === 0 ? [] : quoted(["Acceptance criteria:", ...criteria.map((one) => `- ${one}`)].join("\n"))),
    ...(result === undefined ? [] : [`  Result: ${escaped(line(resultText(result)))}`]),
    ...(error === undefined ? [] : [`  Error: ${escaped(line(startOf(error, RESULT_SHOWN_CHARS)))}`]),
  ];
}

/** Data of an item for the list's reader. `-->` and `<` within are escaped as JSON can. */
function commentOf({ key, needs, status, priority, files }: ExportedTask): string {
  const write = files?.write ?? [];
  const data = {
    key,
    ...(needs === undefined ? {} : { needs }),
    ...(write.length === 0 ? {} : { files: write }),
    ...(status === "succeeded" ? {} : { status }),
    ...(priority === "normal" ? {} : { priority }),
  };
  const json = shownJson(redacted(data)).replaceAll(/[<>]/g, (sign) => (sign === "<" ? "\\u003c" : "\\u003e"));
  return `<!-- baton ${json} -->`;
}

function quoted(text: string | undefined): string[] {
  if (text === undefined || text.trim() === "") return [];
  const lines = shownText(redactSecrets(text)).split("\n");
  return lines.map((one) => `  > ${one}`.trimEnd());
}

function resultText(result: unknown): string {
  const text = typeof result === "string" ? result : JSON.stringify(redacted(result));
  return startOf(text, RESULT_SHOWN_CHARS) === text ? text : `${startOf(text, RESULT_SHOWN_CHARS)}…`;
}

function line(text: string): string {
  return shownLine(redactSecrets(text));
}

/** Characters by which a text would be more than a text in Markdown. */
function escaped(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>#|~]/g, String.raw`\$&`);
}

const COLUMNS = [
  "key",
  "title",
  "status",
  "priority",
  "kind",
  "role",
  "phase",
  "agent",
  "needs",
  "writes",
  "reads",
  "created_at",
  "started_at",
  "ended_at",
  "prompt",
  "criteria",
  "result",
  "error",
] as const;

/** RFC 4180, with a line of names on the first page. */
function csvOf({ tasks, isFirst }: ExportPage): string {
  const rows = tasks.map((task) => {
    const { needs, files, criteria, result, ...rest } = task;
    const cells: Partial<Record<(typeof COLUMNS)[number], string | undefined>> = {
      ...rest,
      needs: needs?.join(" "),
      writes: files?.write.join("\n"),
      reads: files?.read.join("\n"),
      criteria: criteria?.join("\n"),
      result: result === undefined || typeof result === "string" ? result : JSON.stringify(redacted(result)),
    };
    return COLUMNS.map((name) => cellOf(cells[name] ?? ""));
  });
  return [...(isFirst ? [[...COLUMNS]] : []), ...rows].map((cells) => `${cells.join(",")}\r\n`).join("");
}

/** A leading sign by which a spreadsheet takes a cell for a formula; blanks before it are passed over, and wide forms count too. */
const FORMULA = /^[\s']*[=+\-@|%\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/;

function cellOf(given: string): string {
  const text = shownText(redactSecrets(given));
  // An apostrophe in front makes a spreadsheet take the cell as text.
  const inert = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}
