import fs from "node:fs";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { BatonError, hasCode } from "../../base/errors.js";
import type { CommandAnswer, CommandContext, Shared } from "../command.js";
import { findRun } from "../run/run-reference.js";
import { wordOf } from "../terminal/task-marks.js";
import { paint } from "../terminal/terminal.js";
import type { TaskAnswer, TypedCall } from "../typed-calls.js";

/** Limit for each step, where none is named. */
const LINES_SHOWN = 20;
const STEPS_SHOWN = 50;

export interface LogsOptions extends Shared {
  readonly tail?: number;
}

interface Log {
  readonly step: string;
  readonly attempt: number;
  readonly file: string;
  readonly output: string;
}

/** `baton logs [RUN] [STEP]`: the output that commands of this machine left, of the newest attempt first or of all of a step. */
export async function logs(
  { open, call, stdout: { style } }: CommandContext,
  reference: string | undefined,
  ...[step, { tail }]: [step: string | undefined, options: LogsOptions]
): Promise<CommandAnswer> {
  const run = await findRun(call, reference);
  const directory = path.join((await open()).config.outputDirectory, run.id);
  const steps = await stepsOf(call, run.id, step);
  const found = steps.flatMap(({ id, key, attempts }) =>
    attempts.flatMap((attempt) => logOf(path.join(directory, `${id}-${attempt}.log`), { step: key, attempt })),
  );
  if (found.length === 0) throw noLogs({ run: run.id, step, steps, directory });
  const lines = tail ?? (step === undefined ? LINES_SHOWN : undefined);
  const text = found.flatMap(({ step: key, attempt, output }) => [
    paint(`── ${key}, attempt ${attempt}`, "bold", style),
    ...shownEnd(output, lines),
  ]);
  return { data: { run: run.id, logs: found }, text: text.join("\n") };
}

interface LoggedStep {
  readonly id: string;
  readonly key: string;
  readonly kind: TaskAnswer["kind"];
  readonly status: TaskAnswer["status"];
  readonly attempts: readonly number[];
}

async function stepsOf(call: TypedCall, run: string, step: string | undefined): Promise<readonly LoggedStep[]> {
  if (step !== undefined) {
    const { task } = await call("get_task", { task: `${run}/${step}` });
    const { id, key, kind, status, attempt } = task;
    return [{ id, key, kind, status, attempts: Array.from({ length: attempt }, (_, at) => at + 1) }];
  }
  const { tasks = [] } = await call("get_run", { run, include: ["tasks"] });
  const begun = tasks.filter(({ kind, status }) => kind === "command" && status !== "pending" && status !== "blocked");
  const steps: LoggedStep[] = [];
  for (const { id, key, kind, status } of begun.slice(0, STEPS_SHOWN)) {
    const { task } = await call("get_task", { task: id });
    if (task.attempt > 0) steps.push({ id, key, kind, status, attempts: [task.attempt] });
  }
  return steps;
}

function logOf(file: string, { step, attempt }: Pick<Log, "step" | "attempt">): Log[] {
  try {
    // A command may print bytes that are no characters: these are shown as such.
    const output = new TextDecoder().decode(fs.readFileSync(file));
    return [{ step, attempt, file, output: stripVTControlCharacters(output) }];
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

function shownEnd(output: string, limit: number | undefined): string[] {
  const lines = output.replace(/\r?\n$/, "").split(/\r?\n/);
  if (limit === undefined || lines.length <= limit) return lines;
  return [`… ${lines.length - limit} lines before`, ...lines.slice(-limit)];
}

interface Looked {
  readonly run: string;
  readonly step: string | undefined;
  readonly steps: readonly LoggedStep[];
  readonly directory: string;
}

/** Says why there is nothing to print: the step has not begun, is no command, or ran elsewhere. */
function noLogs({ run, step, steps, directory }: Looked): BatonError {
  const [one] = steps;
  const ended = (message: string) => new BatonError("not_found", message, {});
  if (step === undefined && one === undefined)
    return ended(`No command step of this run has begun. \`baton show ${run}\` shows where it stands.`);
  if (step !== undefined && one !== undefined && one.kind !== "command")
    return ended(
      `Step ${step} is ${one.kind === "agent" ? "an agent's" : `of kind ${one.kind}`}: only command steps print output. \`baton show ${run} ${step}\` shows its result.`,
    );
  if (step !== undefined && one?.attempts.length === 0)
    return ended(
      `Step ${step} has not begun: it is ${wordOf(one.status)}. \`baton show ${run} ${step}\` shows why it waits.`,
    );
  const whose = step === undefined ? "No command step of this run" : `Step ${step}`;
  return ended(
    `${whose} has output in ${directory}: it lies on the machine that ran it. \`baton show ${run}${step === undefined ? "" : ` ${step}`}\` shows results.`,
  );
}
