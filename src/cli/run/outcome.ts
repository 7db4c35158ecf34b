import type { RunAnswer } from "../typed-calls.js";
import { duration } from "../terminal/durations.js";
import { EXIT, type ExitCode } from "../failure.js";
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

/** Summary that a person reads at the end. */
export function outcomeText(run: RunAnswer, failures: readonly FailedTaskView[], style: Style): string {
  const { name, status, counts, ended_at: endedAt, created_at: createdAt, id } = run;
  if (endedAt === undefined) return detachedText(run);
  const lasted = duration(Date.parse(endedAt) - Date.parse(createdAt));
  const parts = STATUSES_SHOWN.filter((one) => counts[one] > 0).map((one) => `${counts[one]} ${wordOf(one)}`);
  const lines = [`${paint(`${name} ${status}`, toneOfRun(status), style)} after ${lasted}: ${parts.join(", ")}`];
  lines.push(...failures.slice(0, FAILURES_SHOWN).flatMap((failure) => failureLines(failure, style)));
  if (failures.length > FAILURES_SHOWN) lines.push(`  and ${failures.length - FAILURES_SHOWN} more`);
  lines.push(`  look: baton call get_run --run ${id}`);
  if (status === "failed") lines.push(`  again: baton call control_run --run ${id} --action retry_failed`);
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

function detachedText({ id, name }: RunAnswer): string {
  return [
    `Left ${name}, which other agents can continue. Tasks of this process return to the queue.`,
    `  follow: baton run ${id}`,
    `  stop: baton call control_run --run ${id} --action cancel`,
  ].join("\n");
}
