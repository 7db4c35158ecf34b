import { speakerOf } from "../run/questions.js";
import type { ResultOf } from "../../tools/registry.js";
import { shownLine } from "../../base/texts/shown-text.js";
import type { QuestionAnswer, TypedCall } from "../typed-calls.js";
import type { CommandAnswer, CommandContext } from "../command.js";
import { retryText } from "../run/state.js";
import { ago, duration, percent } from "../terminal/durations.js";
import { EXIT } from "../failure.js";
import { STATUSES_SHOWN, toneOf, toneOfRun, wordOf } from "../terminal/task-marks.js";
import { openQuestions } from "../run/questions.js";
import { fit, paint, shownWidth, type Style, type Tone, wrap } from "../terminal/terminal.js";

type System = ResultOf<"get_system_status">;
type Health = ResultOf<"get_health_status">;
type ProjectStatus = ResultOf<"get_project_status">;

const PROJECTS_SHOWN = 20;
const QUESTIONS_SHOWN = 10;
/** Columns of a question: its first words tell which it is. */
const ASK_COLUMNS = 200;

/** `baton status`: what goes on, project by project, and what keeps it from going on. */
export async function status(
  context: CommandContext,
  run: string | undefined,
  options: { readonly line?: boolean },
): Promise<CommandAnswer> {
  if (run !== undefined) return (await import("./runs.js")).show(context, run, undefined);
  if (options.line === true) return statusLine(context);
  const { call, stdout, host } = context;
  const { style } = stdout;
  const system = await call("get_system_status", {});
  const health = await call("get_health_status", {});
  const projects = await active(call);
  const questions = await openQuestions(call);
  const lines = [
    systemLine(system),
    ...projects.flatMap((project) => projectLines(project, { style, now: host.now() })),
    ...(projects.length === 0 ? ["Nothing is running. Start a workflow: baton run FILE.yaml"] : []),
    ...questionLines(questions, style),
    ...problemLines(system, { components: health.components.filter(unsaid(projects)), style }),
  ];
  const columns = stdout.live ? stdout.size().columns : Number.POSITIVE_INFINITY;
  // A line that is broken by the terminal would be cut within a word.
  const shown = lines.flatMap((line) => (shownWidth(line) <= columns ? [line] : wrap(line, columns)));
  return { data: { system, health, projects, questions }, text: shown.join("\n") };
}

/** `baton status --line`: what a person glances at, in a line. */
async function statusLine({ call, stdout }: CommandContext): Promise<CommandAnswer> {
  const system = await call("get_system_status", {});
  const questions = await openQuestions(call);
  const { runs, tasks, agents } = system;
  const [running, failed] = [runs["running"] ?? 0, tasks["dead_letter"] ?? 0];
  const parts = [
    `${running} ${running === 1 ? "run" : "runs"}`,
    `${tasks["running"] ?? 0} running, ${tasks["ready"] ?? 0} ready`,
    `${agents.at_work} at work`,
    ...(questions.length > 0 ? [paint(`${questions.length} for you`, "yellow", stdout.style)] : []),
    ...(failed > 0 ? [paint(`${failed} failed`, "red", stdout.style)] : []),
  ];
  const data = { runs: running, tasks, at_work: agents.at_work, questions: questions.length, failed };
  return { data, text: `baton ${parts.join(" · ")}` };
}

/** The projects where something goes on. */
export async function active(call: TypedCall): Promise<ProjectStatus[]> {
  const { projects } = await call("list_projects", { status: "active", limit: 200 });
  const found: ProjectStatus[] = [];
  for (const { id } of projects) {
    const one = await call("get_project_status", { project: id });
    if (isActive(one)) found.push(one);
    if (found.length === PROJECTS_SHOWN) break;
  }
  return found;
}

function isActive({ active_runs: runs, agents, locks, tasks }: ProjectStatus): boolean {
  const open = (tasks["ready"] ?? 0) + (tasks["running"] ?? 0) + (tasks["pending"] ?? 0);
  return runs.length > 0 || agents.length > 0 || locks.held + locks.waiting > 0 || open > 0;
}

export function systemLine({ version, sessions, agents, database }: System): string {
  const servers = sessions.open === 1 ? "1 server process" : `${sessions.open} server processes`;
  return `Baton ${version}, ${servers}, ${agents.at_work} of ${agents.registered} agents at work, ${database.location}`;
}

interface Shown {
  readonly style: Style;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export function projectLines(found: ProjectStatus, { style, now }: Shown): string[] {
  const { project, active_runs: runs, agents, losing, retrying, locks, tasks, commands_waiting: waiting } = found;
  const counts = STATUSES_SHOWN.filter((one) => (tasks[one] ?? 0) > 0).map((one) =>
    paint(`${tasks[one] ?? 0} ${wordOf(one)}`, toneOf(one), style),
  );
  const width = Math.max(0, ...runs.map(({ name }) => name.length));
  const held = locks.held + locks.waiting === 0 ? [] : [`  locks: ${locks.held} held, ${locks.waiting} waiting`];
  return [
    "",
    `${paint(project.name, "bold", style)}  ${project.root ?? ""}`.trimEnd(),
    ...(counts.length === 0 ? [] : [`  tasks: ${counts.join(", ")}`]),
    ...runs.flatMap((run) => [
      `  ${run.name.padEnd(width)}  ${paint(run.status, toneOfRun(run.status), style)}  ${percent(run.progress)}  ${run.id}`,
      ...waiting.filter((one) => one.run === run.id).map((one) => `    ${paint(commandsText(one), "yellow", style)}`),
    ]),
    ...agents.map((agent) => agentLine(agent, { style, now })),
    ...retrying.map((task) => `  ${task.key}  ${paint(retryText(task, now), "yellow", style)}  ${task.run}`),
    ...losing.map(
      ({ key, run, losses, losses_max: max }) =>
        `  ${paint(`${key} has lost its holder ${times(losses)}`, "yellow", style)}; a dead letter after ${times(max)} in a row (${run})`,
    ),
    ...held,
  ];
}

/** Says why commands of a run wait, and who could run them. */
function commandsText({ run, kind, detail }: ProjectStatus["commands_waiting"][number]): string {
  // The reason may name the commands itself.
  const how =
    kind !== "commands_not_allowed" || detail.includes("--allow-commands")
      ? ""
      : ` → baton run ${run} --allow-commands, or baton serve --allow-commands`;
  return `nothing runs its commands: ${detail}${how}`;
}

/** Leaves out of the problems what stands beside a run already. */
function unsaid(projects: readonly ProjectStatus[]): (component: Health["components"][number]) => boolean {
  const said = projects.some(({ commands_waiting: waiting }) => waiting.length > 0);
  return ({ name, status: state }) => state !== "ok" && !(said && name === "commands");
}

/** Open questions of human steps, each with the command that answers it. */
function questionLines(questions: readonly QuestionAnswer[], style: Style): string[] {
  if (questions.length === 0) return [];
  const shown = questions.slice(0, QUESTIONS_SHOWN).map((question) => {
    const { id, ask, task } = question;
    const author = task?.from === undefined ? "" : ` (from ${task.from})`;
    return `  ${paint(speakerOf(question), "yellow", style)} asks: ${fit(shownLine(ask), ASK_COLUMNS)}${author} → baton approve ${id}`;
  });
  const more = questions.length - shown.length;
  return ["", "Questions:", ...shown, ...(more > 0 ? [`  and ${more} more: baton approve`] : [])];
}

function agentLine(
  { agent, silent_since: since, tasks }: ProjectStatus["agents"][number],
  { style, now }: Shown,
): string {
  const silent = since === undefined ? "" : paint(` (last call ${ago(now - Date.parse(since))})`, "yellow", style);
  return `  ${agent}${silent}: ${tasks.map(({ key }) => key).join(", ")}`;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

/** Problems that a person should look at. */
function problemLines(system: System, { components, style }: Pick<Health, "components"> & { style: Style }): string[] {
  const failed = system.tasks["dead_letter"] ?? 0;
  const lines = components.map(
    (one) => `  ${paint(one.status, HEALTH_TONES[one.status], style)} ${one.name}: ${one.reason}`,
  );
  for (const { ready, wants } of system.unserved)
    lines.push(`  ${ready} ready ${ready === 1 ? "task wants" : "tasks want"} ${wants}, and no live agent is that`);
  if (failed > 0) lines.push(`  ${failed} failed ${failed === 1 ? "task" : "tasks"}: baton failed`);
  return lines.length === 0 ? [] : ["", "Problems:", ...lines];
}

const HEALTH_TONES: Readonly<Record<Health["status"], Tone>> = { ok: "green", degraded: "yellow", down: "red" };

/** `baton orchestration status`: the system at a glance, in figures. */
export async function orchestrationStatus({ call }: CommandContext): Promise<CommandAnswer> {
  const system = await call("get_system_status", {});
  const { runs, tasks, agents, sessions, locks, oldest_ready_ms: oldest } = system;
  const lines = [
    systemLine(system),
    `runs: ${figures(runs)}`,
    `tasks: ${figures(tasks)}`,
    `longest wait of a ready task: ${oldest === null ? "none is ready" : duration(oldest)}`,
    `agents: ${agents.registered} registered, ${agents.at_work} at work`,
    `server processes: ${sessions.open} open, ${sessions.executors} running steps, ${sessions.overdue} overdue`,
    `locks: ${locks.held} held, ${locks.offered} offered, ${locks.waiting} waiting`,
  ];
  return { data: system, text: lines.join("\n") };
}

function figures(counts: Readonly<Record<string, number>>): string {
  const shown = Object.entries(counts).filter(([, count]) => count > 0);
  return shown.length === 0 ? "none" : shown.map(([name, count]) => `${count} ${name}`).join(", ");
}

/** `baton orchestration health`: each component with its reason; the exit code says whether one is down. */
export async function orchestrationHealth({ call, stdout, end }: CommandContext): Promise<CommandAnswer> {
  const health = await call("get_health_status", {});
  const width = Math.max(...health.components.map(({ name }) => name.length));
  const lines = health.components.map(
    (one) =>
      `${paint(one.status.padEnd(8), HEALTH_TONES[one.status], stdout.style)}  ${one.name.padEnd(width)}  ${one.reason}`,
  );
  if (health.status === "down") end(EXIT.failed);
  return { data: health, text: lines.join("\n") };
}
