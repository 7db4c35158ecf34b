import { isObject } from "../../base/json.js";
import { shownLine } from "../../base/texts/shown-text.js";
import { startOf } from "../../base/texts/stored-values.js";
import type { InputOf, ResultOf } from "../../tools/registry.js";
import type { CommandAnswer, CommandContext, Shared } from "../command.js";
import { finalResultLines, finalResults, resultText } from "../run/results.js";
import { findRun } from "../run/run-reference.js";
import { retryText, tasksByUrgency } from "../run/state.js";
import { ago, duration, percent as percentText } from "../terminal/durations.js";
import { table } from "../terminal/table.js";
import { signOf, STATUSES_SHOWN, toneOf, toneOfRun, wordOf } from "../terminal/task-marks.js";
import { paint, type Style } from "../terminal/terminal.js";
import type { RunAnswer, TaskAnswer } from "../typed-calls.js";

const RUNS_SHOWN = 20;
const TASKS_SHOWN = 40;

export interface ListRunsOptions extends Shared {
  readonly status?: InputOf<"list_runs">["status"];
  readonly project?: string;
  readonly limit?: number;
}

/** `baton runs`: the newest runs of all projects. */
export async function listRuns(
  { call, stdout, host }: CommandContext,
  { status, project, limit = RUNS_SHOWN }: ListRunsOptions,
): Promise<CommandAnswer> {
  const found = await call("list_runs", { status, project, limit: Math.min(limit, 200) });
  const rows = found.runs.map(({ id, name, status: state, counts, retrying = 0, created_at: at }) => [
    id,
    name,
    { text: state, tone: toneOfRun(state) },
    `${counts.succeeded} of ${counts.total}${counts.dead_letter > 0 ? `, ${counts.dead_letter} failed` : ""}${retrying > 0 ? `, ${retrying} retrying` : ""}`,
    ago(host.now() - Date.parse(at)),
  ]);
  const more = found.next_cursor === undefined ? "" : "\nThere are older ones: --limit N shows up to 200.";
  const text =
    rows.length === 0
      ? "No runs. Start one: baton run FILE.yaml"
      : `${table(["id", "name", "status", "tasks", "started"], rows, stdout)}${more}`;
  return { data: found, text };
}

/** `baton show [RUN] [STEP]` */
export async function show(
  context: CommandContext,
  reference: string | undefined,
  step: string | undefined,
): Promise<CommandAnswer> {
  const run = await findRun(context.call, reference);
  return step === undefined ? showRun(context, run) : showStep(context, run, step);
}

async function showRun({ call, stdout: { style }, host }: CommandContext, { id }: RunAnswer): Promise<CommandAnswer> {
  const found = await call("get_run", { run: id, include: ["tasks", "failures"] });
  const { run, tasks = [], failures = [] } = found;
  const final = await finalResults(call, run);
  const reasons = new Map(found.blocked.map(({ task, reasons: [first] }) => [task.id, first?.detail ?? ""]));
  for (const { task, attempts } of failures) {
    const error = attempts.at(-1)?.error;
    if (error !== undefined) reasons.set(task.id, `${error.type}: ${error.message}`);
  }
  for (const [task, reason] of await obstacles(call, run)) reasons.set(task, reason);
  for (const retry of found.retrying ?? []) reasons.set(retry.id, retryText(retry, host.now()));
  for (const { id: task, needs, needs_more: more = 0 } of found.pending ?? [])
    reasons.set(task, `needs ${needs.join(", ")}${more > 0 ? ` and ${more} more` : ""}`);
  const shown = tasksByUrgency({ ...found, failed: found.dead_letter, tasks }).slice(0, TASKS_SHOWN);
  const width = Math.max(0, ...shown.map((task) => labelOf(task).length));
  const lines = [
    ...headLines(run, style, host.now()),
    ...phasesLine(found),
    ...shown.map((task) => taskLine(task, { style, width, reason: reasons.get(task.id) })),
    ...(run.counts.total > shown.length ? [`  and ${run.counts.total - shown.length} more tasks`] : []),
    ...finalResultLines(final, id),
    ...nextSteps(found),
  ];
  return { data: { ...found, results: final.results }, text: lines.join("\n") };
}

/** Why ready tasks cannot be claimed now, as where another agent holds their files. A paused run says so for all of them. */
async function obstacles(call: CommandContext["call"], { id, status, counts }: RunAnswer): Promise<[string, string][]> {
  if (counts.ready === 0 || status !== "running") return [];
  const { tasks } = await call("list_tasks", { run: id, status: "ready", limit: TASKS_SHOWN });
  return tasks.flatMap(({ id: task, reasons: [first] = [] }) => (first === undefined ? [] : [[task, first.detail]]));
}

/** How far each phase is; no line for a run without phases. */
function phasesLine({ phases = [] }: ResultOf<"get_run">): string[] {
  if (phases.length === 0) return [];
  const shown = phases.map(({ phase, status, tasks, ended }) => {
    if (status === "under_way") return `${phase} (${ended} of ${tasks})`;
    return `${phase} (${status === "ended" ? "ended" : "not begun"})`;
  });
  return [`  phases: ${shown.join(", ")}`];
}

function headLines(run: RunAnswer, style: Style, now: number): string[] {
  const { id, name, status, counts, created_at: created, created_by: by, ended_at: ended } = run;
  const took = ended === undefined ? "" : `, took ${duration(Date.parse(ended) - Date.parse(created))}`;
  const parts = STATUSES_SHOWN.filter((one) => counts[one] > 0).map((one) => `${counts[one]} ${wordOf(one)}`);
  return [
    `${paint(name, "bold", style)}  ${paint(status, toneOfRun(status), style)}  ${percentText(run.progress)}  ${id}`,
    `  started ${ago(now - Date.parse(created))} by ${by}${took}`,
    `  ${counts.total} tasks: ${parts.join(", ")}`,
    ...(run.reason === undefined ? [] : [`  ${run.reason}`]),
  ];
}

interface TaskLineParts {
  readonly style: Style;
  readonly width: number;
  readonly reason: string | undefined;
}

const TITLE_CHARS_MAX = 40;

/** The key of a task, with its title where that says more. */
function labelOf({ key, title }: TaskAnswer): string {
  const shown = shownLine(title);
  if (title === key) return key;
  return `${key}  ${shown.length > TITLE_CHARS_MAX ? `${startOf(shown, TITLE_CHARS_MAX - 1)}…` : shown}`;
}

function taskLine(task: TaskAnswer, { style, width, reason }: TaskLineParts): string {
  const { status, agent, percent } = task;
  const parts = [
    labelOf(task).padEnd(width),
    paint(wordOf(status), toneOf(status), style),
    agent ?? "",
    percent === undefined || status !== "running" ? "" : percentText(percent),
    reason?.split("\n")[0] ?? "",
  ];
  return `  ${signOf(status, style)} ${parts.filter((part) => part !== "").join("  ")}`.trimEnd();
}

/** Commands that a person may type next, by the state of the run. */
function nextSteps({ run, waiting, tasks = [] }: ResultOf<"get_run">): string[] {
  const flags = tasks.some(({ kind }) => kind === "command") ? " --allow-commands" : "";
  const asks = waiting.some(({ kind }) => kind === "human");
  return [
    ...(asks ? [`  answer: baton approve, or baton reject`] : []),
    ...(run.status === "paused" ? [`  resume: baton resume ${run.id}`] : []),
    ...(run.status === "failed" ? [`  retry: baton retry ${run.id}`] : []),
    ...(run.ended_at === undefined ? [`  follow: baton run ${run.id}${flags}`] : []),
  ];
}

async function showStep({ call, stdout: { style }, host }: CommandContext, run: RunAnswer, key: string) {
  const found = await call("get_task", { task: `${run.id}/${key}`, include: ["result", "attempts"] });
  const { task, spec, result, attempts = [] } = found;
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  const work = text(spec["prompt"]) ?? text(spec["ask"]) ?? lineOf(spec["command"]);
  const lines = [
    `${signOf(task.status, style)} ${paint(task.key, "bold", style)}  ${wordOf(task.status)}  ${task.kind} step of ${run.name}  ${task.id}`,
    ...(task.retry_at === undefined ? [] : [`  ${retryText(task, host.now())}`]),
    ...(task.reasons ?? []).map(({ detail }) => `  ${detail}`),
    ...(work === undefined ? [] : ["", ...indented(work)]),
    ...(attempts.length === 0 ? [] : ["", "attempts:", ...attempts.map(attemptLine)]),
    ...(result === undefined ? [] : ["", "result:", ...indented(resultText(result))]),
    ...(task.kind === "command" ? ["", `  output: baton logs ${run.id} ${task.key}`] : []),
  ];
  return { data: found, text: lines.join("\n") };
}

function lineOf(command: unknown): string | undefined {
  return isObject(command) && typeof command["run"] === "string" ? command["run"] : undefined;
}

function attemptLine(attempt: NonNullable<ResultOf<"get_task">["attempts"]>[number]): string {
  const { number, agent, outcome, duration_ms: took, error } = attempt;
  const why = error === undefined ? "" : `: ${error.type}: ${error.message.split("\n")[0] ?? ""}`;
  return `  ${number}. ${agent}  ${outcome} after ${duration(took)}${why}`;
}

function indented(text: string): string[] {
  return text.split("\n").map((line) => `  ${line}`);
}

export interface GraphOptions extends Shared {
  readonly svg?: boolean;
  readonly dot?: boolean;
}

/** `baton graph [RUN]`: the picture itself, for a file or a pipe. */
export async function graph(
  { call }: CommandContext,
  reference: string | undefined,
  { svg, dot }: GraphOptions,
): Promise<CommandAnswer> {
  const { id } = await findRun(call, reference);
  const format = svg === true ? "svg" : dot === true ? "dot" : "mermaid";
  const drawn = await call("get_run_graph", { run: id, format });
  return { data: drawn, text: typeof drawn.graph === "string" ? drawn.graph.trimEnd() : "" };
}

type Action = InputOf<"control_run">["action"];

function controlBy(action: Action) {
  return async (
    { call }: CommandContext,
    reference: string,
    { reason }: { reason?: string },
  ): Promise<CommandAnswer> => {
    const { id } = await findRun(call, reference);
    const changed = await call("control_run", { run: id, action, reason });
    return { data: changed, text: controlText(action, changed.run) };
  };
}

export const cancel = controlBy("cancel");
export const pause = controlBy("pause");
export const resume = controlBy("resume");
export const retry = controlBy("retry_failed");

function controlText(action: Action, { id, name, status, counts }: RunAnswer): string {
  const under = counts.running === 0 ? "" : `, ${counts.running} under way`;
  const head = `${name} is ${status}: ${counts.ready} ready${under}, ${counts.succeeded} of ${counts.total} succeeded`;
  const opened = action === "retry_failed" || action === "resume";
  if (status === "cancelling") return `${head}\n  The holders of running tasks are asked to stop.`;
  return opened
    ? `${head}\n  Agents can claim its tasks; for its command steps: baton run ${id} --allow-commands`
    : head;
}
