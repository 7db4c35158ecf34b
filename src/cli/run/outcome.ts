import type { RunAnswer } from "../typed-calls.js";
import { duration } from "../terminal/durations.js";
import { EXIT, type ExitCode } from "../failure.js";
import { type FinalResults, finalResultLines } from "./results.js";
import type { FailedTaskView } from "./state.js";
import { STATUSES_SHOWN, toneOfRun, wordOf } from "../terminal/task-marks.js";
import { paint, type Style } from "../terminal/terminal.js";

/** How `baton run` ends for a run that has this state when it stops looking. */
export function exitCodeOf({ status, ended_at: endedAt }: RunAnswer): ExitCode {
  if (endedAt === undefined) return EXIT.detached;
  if (status === "succeeded") return EXIT.succeeded;
  return status === "cancelled" ? EXIT.cancelled : EXIT.failed;
}

const FAILURES_SHOWN = 10;
const MESSAGE_LINES = 20;

/** A run as `baton run` leaves it. */
export interface RunSummary {
  readonly run: RunAnswer;
  readonly failures: readonly FailedTaskView[];
  readonly final: FinalResults;
  /** How many other processes are connected: they may continue a run that is left. */
  readonly others: number;
  /** The flags with which this process runs steps, to follow the run again with the same. */
  readonly flags: string;
}

/** Summary that a person reads at the end. */
export function outcomeText({ run, failures, final, flags, others }: RunSummary, style: Style): string {
  const { name, status, counts, ended_at: endedAt, created_at: createdAt, id } = run;
  if (endedAt === undefined) return detachedText(run, { flags, others });
  const lasted = duration(Date.parse(endedAt) - Date.parse(createdAt));
  const parts = STATUSES_SHOWN.filter((one) => counts[one] > 0).map((one) => `${counts[one]} ${wordOf(one)}`);
  const lines = [`${paint(`${name} ${status}`, toneOfRun(status), style)} after ${lasted}: ${parts.join(", ")}`];
  lines.push(...failures.slice(0, FAILURES_SHOWN).flatMap((failure) => failureLines(failure, style)));
  if (failures.length > FAILURES_SHOWN) lines.push(`  and ${failures.length - FAILURES_SHOWN} more`);
  lines.push(...finalResultLines(final, id));
  lines.push(`  details: baton show ${id}`);
  if (status === "failed") lines.push(`  retry: baton retry ${id}, then baton run ${id}${flags}`);
  return lines.join("\n");
}

function failureLines({ task, attempts }: FailedTaskView, style: Style): string[] {
  const last = attempts.at(-1);
  const tries = attempts.length > 1 ? `, ${attempts.length} attempts` : "";
  const by = last === undefined ? "" : ` by ${last.agent}${tries}`;
  const [first = "", ...rest] = (last?.error?.message ?? "no reason given").split("\n").slice(0, MESSAGE_LINES);
  const type = last?.error === undefined ? "" : `${last.error.type}: `;
  return [`  ${paint(task.key, "red", style)}${by}: ${type}${first}`, ...rest.map((line) => `    ${line}`)];
}

function detachedText({ id, name }: RunAnswer, { flags, others }: Pick<RunSummary, "flags" | "others">): string {
  const then =
    others > 0
      ? ", which other agents can continue"
      : ": no other process is connected, so it waits until you follow it again";
  return [
    `Left ${name}${then}. Tasks of this process return to the queue.`,
    `  follow: baton run ${id}${flags}`,
    `  cancel: baton cancel ${id}`,
  ].join("\n");
}
