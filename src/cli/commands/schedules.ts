import type { InputOf, ResultOf } from "../../tools/registry.js";
import type { CommandAnswer, CommandContext } from "../command.js";
import { inputsOf } from "../run/workflow-file.js";
import { table } from "../terminal/table.js";

interface InProject {
  readonly project?: string;
}

type Line = ResultOf<"list_schedules">["schedules"][number];

export async function listSchedules({ call, stdout }: CommandContext, { project }: InProject): Promise<CommandAnswer> {
  const found = await call("list_schedules", { project, limit: 200 });
  const rows = found.schedules.map((one) => [
    one.name,
    one.workflow,
    one.cron,
    one.timezone,
    one.upcoming[0] ?? "paused",
    one.last_error === null ? (one.last_run ?? "-") : `failed: ${one.last_error}`,
  ]);
  const text =
    rows.length === 0
      ? "Nothing is scheduled here. Schedule a stored workflow: baton schedule add WORKFLOW '0 6 * * MON-FRI'"
      : table(["name", "workflow", "cron", "time zone", "next", "last run"], rows, stdout);
  return { data: found, text };
}

interface AddOptions extends InProject {
  readonly name?: string;
  readonly timezone?: string;
  readonly input: readonly string[];
  readonly missed?: InputOf<"schedule_workflow">["missed"];
  readonly overlap?: boolean;
  readonly priority?: InputOf<"schedule_workflow">["priority"];
  readonly budget?: number;
}

export async function addSchedule(
  context: CommandContext,
  ...[workflow, cron, { input, ...options }]: [workflow: string, cron: string, options: AddOptions]
): Promise<CommandAnswer> {
  const { name, timezone, missed, overlap, priority, budget, project } = options;
  const { inputs: declared } = await context.call("get_workflow", { name: workflow, project });
  const inputs = inputsOf(input, declared);
  const given = { workflow, cron, name, timezone, missed, overlap, priority, budget, project, inputs };
  const made = await context.call("schedule_workflow", given);
  return { data: made, text: `${made.created ? "scheduled" : "changed"}: ${scheduleText(made.schedule)}` };
}

function scheduleText({ name, workflow, cron, timezone, upcoming }: Line): string {
  const next = upcoming.length === 0 ? "paused" : `next ${upcoming.join(", ")}`;
  return `${name} starts ${workflow} at ${cron} (${timezone})\n  ${next}`;
}

export async function pauseSchedule(
  context: CommandContext,
  schedule: string,
  options: InProject,
): Promise<CommandAnswer> {
  return paused(context, { schedule, paused: true, project: options.project });
}

export async function resumeSchedule(
  context: CommandContext,
  schedule: string,
  options: InProject,
): Promise<CommandAnswer> {
  return paused(context, { schedule, paused: false, project: options.project });
}

async function paused({ call }: CommandContext, given: InputOf<"pause_schedule">): Promise<CommandAnswer> {
  const data = await call("pause_schedule", given);
  return { data, text: scheduleText(data.schedule) };
}

export async function runSchedule(
  { call }: CommandContext,
  schedule: string,
  { project }: InProject,
): Promise<CommandAnswer> {
  const data = await call("run_schedule", { schedule, project });
  return { data, text: `${data.run.id} is started\n  see it: baton show ${data.run.id}` };
}

export async function deleteSchedule(
  { call }: CommandContext,
  schedule: string,
  { project }: InProject,
): Promise<CommandAnswer> {
  const data = await call("delete_schedule", { schedule, project });
  return { data, text: `${data.schedule.name} is deleted; its runs go on.` };
}
