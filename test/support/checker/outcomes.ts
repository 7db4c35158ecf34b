import { TASK_SETTLED } from "../../../src/engine/lifecycle/machines.js";
import { type DependencyCounts, judge, type Verdict } from "../../../src/engine/scheduling/triggers.js";
import type { Finding } from "./checker.js";
import type { RunRow, Snapshot, TaskRow } from "./snapshot.js";

/** Tasks that are blocked, skipped or ready though their dependencies, as they stand, say otherwise, and runs that ended otherwise than their tasks. */
export function outcomeFindings(snapshot: Snapshot): Finding[] {
  const invariant = "outcomes";
  const forks = new Set(
    snapshot.events.flatMap(({ type, run }) => (type === "run.forked" && run !== null ? [run] : [])),
  );
  return [
    ...[...snapshot.tasks.values()].flatMap((task) =>
      taskOutcome(snapshot, task, forks).map(
        (detail) => ({ invariant, subject: task.id, detail: `${task.key}: ${detail}` }) as const,
      ),
    ),
    ...[...snapshot.runs.values()].flatMap((run) =>
      runOutcome(snapshot, run).map((detail) => ({ invariant, subject: run.id, detail }) as const),
    ),
  ];
}

function taskOutcome({ tasks, needs, runs }: Snapshot, task: TaskRow, forks: ReadonlySet<string>): string[] {
  const run = runs.get(task.run);
  // A run that stops blocks tasks whatever they depend on, and skips and blocks no others.
  if (run?.stage !== null || run.onFailure !== "continue") return [];
  const dependencies = (needs.get(task.id) ?? []).map((id) => tasks.get(id));
  // A dependency that was cancelled while it was blocked counts as failed for those who had counted it so.
  if (dependencies.some((one) => one?.status === "cancelled")) return [];
  const verdict = judge(task.trigger, countsOf(dependencies));
  const says = (...right: Verdict[]): string[] =>
    right.includes(verdict) ? [] : [`is ${task.status}, though its dependencies say ${verdict}`];
  // In a fork, a task that was held when its dependency was reopened is ready as after a lost lease, and has no attempt of its own.
  if (task.status === "ready" && task.attempt === 0) return forks.has(task.run) ? [] : says("ready");
  if (task.status === "blocked" && task.reasons.includes("dependency_failed")) return says("block");
  // A skipped task is not begun by a failure that comes later: work behind it has gone on without it.
  return task.status === "skipped" && task.reasons.length === 0 ? says("skip", "ready") : [];
}

function countsOf(dependencies: readonly (TaskRow | undefined)[]): DependencyCounts {
  const counts = { total: dependencies.length, succeeded: 0, failed: 0, skipped: 0 };
  for (const task of dependencies) {
    if (task === undefined || !TASK_SETTLED.has(task.status)) continue;
    if (task.status === "succeeded") counts.succeeded += 1;
    else if (task.status === "dead_letter" || task.status === "blocked") counts.failed += 1;
    else counts.skipped += 1;
  }
  return counts;
}

function runOutcome({ tasks }: Snapshot, run: RunRow): string[] {
  if (run.stage !== null || (run.status !== "succeeded" && run.status !== "failed")) return [];
  const own = [...tasks.values()].filter((task) => task.run === run.id);
  const failed = own.some(({ status }) => status === "dead_letter" || status === "blocked");
  return failed === (run.status === "failed") ? [] : [`${run.status}, ${failed ? "with" : "without"} failed tasks`];
}
