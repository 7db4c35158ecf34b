import { TASK_SETTLED } from "../../../src/engine/lifecycle/machines.js";
import { judge } from "../../../src/engine/scheduling/triggers.js";
import { int } from "../../../src/store/rows.js";
import type { Finding } from "./checker.js";
import { COUNTED, type RunRow, type Snapshot, type TaskRow } from "./snapshot.js";

const ENDED = new Set(["succeeded", "failed", "cancelled", "compensated"]);

/** Runs that ended with work open, and (when all is over) runs and tasks that did not end. */
export function endFindings(snapshot: Snapshot, over: boolean): Finding[] {
  const finished = new Map<string, string>();
  for (const { type, run, data } of snapshot.events) {
    if (run !== null && type === "run.finished") finished.set(run, String(data["status"]));
    if (run !== null && type === "run.reopened") finished.delete(run);
    if (run !== null && (type === "run.resumed_from_checkpoint" || type === "run.forked")) {
      if (ENDED.has(String(data["status"]))) finished.set(run, String(data["status"]));
      else finished.delete(run);
    }
  }
  const invariant = "runs_end";
  return [
    ...[...snapshot.runs.values()].flatMap((run) =>
      endOfRun(run, { over, told: finished.get(run.id) }).map(
        (detail) => ({ invariant, subject: run.id, detail }) as const,
      ),
    ),
    ...[...snapshot.tasks.values()].flatMap((task) =>
      endOfTask(task, { over, run: snapshot.runs.get(task.run) }).map(
        (detail) => ({ invariant, subject: task.id, detail }) as const,
      ),
    ),
  ];
}

function endOfRun(run: RunRow, { over, told }: { over: boolean; told: string | undefined }): string[] {
  const wrong: string[] = [];
  const ended = run.endedAt !== null;
  if (ended !== ENDED.has(run.status)) wrong.push(`${run.status}, ended at ${run.endedAt ?? "no time"}`);
  if (ended && told !== run.status) wrong.push(`${run.status}, and the history says ${told ?? "nothing"}`);
  if (over && !ended && run.kind !== "standing") wrong.push(`still ${run.status}`);
  return wrong;
}

function endOfTask(task: TaskRow, { over, run }: { over: boolean; run: RunRow | undefined }): string[] {
  const wrong: string[] = [];
  const settled = TASK_SETTLED.has(task.status);
  if (!settled && (over || run?.endedAt !== null))
    wrong.push(`${task.key} is ${task.status} in a run that is ${run?.status ?? "gone"}`);
  if (settled !== (task.endedAt !== null))
    wrong.push(`${task.key} is ${task.status}, ended at ${task.endedAt ?? "no time"}`);
  if (task.status === "running" && task.dueAt === null)
    wrong.push(`${task.key} runs without an instant at which somebody looks`);
  return wrong;
}

const DONE = new Set(["succeeded", "skipped", "cancelled"]);

export function counterFindings({ runs, tasks, counters }: Snapshot): Finding[] {
  const counted = new Map<string, Record<string, number>>();
  const add = (run: string, name: string, by: number) => {
    const row = counted.get(run) ?? {};
    row[name] = (row[name] ?? 0) + by;
    counted.set(run, row);
  };
  for (const task of tasks.values()) {
    add(task.run, task.status, 1);
    add(task.run, "total", 1);
    add(task.run, "work_ms", task.estimateMs);
    if (DONE.has(task.status)) add(task.run, "done_ms", task.estimateMs);
  }
  return [...runs.keys()].flatMap((run): Finding[] => {
    const row = counters.get(run);
    if (row === undefined) return [{ invariant: "counters", subject: run, detail: "has no counters" }];
    return [...COUNTED, "total", "work_ms", "done_ms"].flatMap((name): Finding[] => {
      const actual = counted.get(run)?.[name] ?? 0;
      const kept = int(row, name);
      return kept === actual
        ? []
        : [{ invariant: "counters", subject: run, detail: `${name} is ${kept}, counted ${actual}` }];
    });
  });
}

/** Pending tasks whose counts are wrong, or that wait for what can no longer happen. */
export function dependencyFindings({ tasks, needs }: Snapshot): Finding[] {
  const dependents = new Map<string, number>();
  for (const needed of needs.values()) for (const id of needed) dependents.set(id, (dependents.get(id) ?? 0) + 1);
  const awaitedWhole = new Set(
    [...needs].flatMap(([id, needed]) => (tasks.get(id)?.trigger === "all_done" ? needed : [])),
  );
  // A for_each step that a join with all_done reads is blocked only when all its elements have ended.
  const isGathering = ({ id, key }: TaskRow): boolean => {
    const elements = (needs.get(id) ?? []).map((one) => tasks.get(one));
    const open = elements.some((one) => one !== undefined && !TASK_SETTLED.has(one.status));
    return open && awaitedWhole.has(id) && elements.every((one) => one?.key.startsWith(`${key}[`) === true);
  };
  return [...tasks.values()].flatMap((task): Finding[] => {
    const finding = (detail: string): Finding => ({
      invariant: "dependencies",
      subject: task.id,
      detail: `${task.key} (${task.trigger}): ${detail}`,
    });
    const findings: Finding[] = [];
    const counted = countSettled((needs.get(task.id) ?? []).map((id) => tasks.get(id)));
    if (task.depsTotal !== counted.total)
      findings.push(finding(`${task.depsTotal} dependencies, counted ${counted.total}`));
    if (task.dependents !== (dependents.get(task.id) ?? 0))
      findings.push(finding(`${task.dependents} dependents, counted ${dependents.get(task.id) ?? 0}`));
    if (task.status !== "pending") return findings;
    const kept = {
      total: task.depsTotal,
      succeeded: task.depsSucceeded,
      failed: task.depsFailed,
      skipped: task.depsSkipped,
    };
    // A task that waits for its retry has had its dependencies: what became of them since does not matter.
    if (task.availableAt !== null) {
      if (task.dueAt === null || task.dueAt > task.availableAt)
        findings.push(finding("waits for a retry that nobody will look at in time"));
      return findings;
    }
    if (!sameCounts(kept, counted))
      findings.push(finding(`counts ${JSON.stringify(kept)}, are ${JSON.stringify(counted)}`));
    const verdict = judge(task.trigger, kept);
    if (verdict !== "wait" && !(verdict === "block" && isGathering(task)))
      findings.push(finding(`pending, though its dependencies say ${verdict}`));
    return findings;
  });
}

type Counts = ReturnType<typeof countSettled>;

/** A blocked dependency that is cancelled has failed for those who counted it before, and is skipped for those who count it since. */
function sameCounts(kept: Counts, counted: Counts): boolean {
  return kept.succeeded === counted.succeeded && kept.failed + kept.skipped === counted.failed + counted.skipped;
}

function countSettled(dependencies: readonly (TaskRow | undefined)[]) {
  const counted = { total: dependencies.length, succeeded: 0, failed: 0, skipped: 0 };
  for (const task of dependencies) {
    if (task === undefined || !TASK_SETTLED.has(task.status)) continue;
    if (task.status === "succeeded") counted.succeeded += 1;
    else if (task.status === "dead_letter" || task.status === "blocked") counted.failed += 1;
    else counted.skipped += 1;
  }
  return counted;
}

export function reservationFindings({ tasks, demands, unregistered }: Snapshot): Finding[] {
  return [...tasks.values()].flatMap((task): Finding[] => {
    if (task.status !== "pending" && task.status !== "ready") return [];
    const kept = demands.get(task.demand)?.reservedFor ?? null;
    const finding = (detail: string): Finding[] => [
      { invariant: "reservations", subject: task.id, detail: `${task.key} is ${task.status}: ${detail}` },
    ];
    if (kept !== task.reservedFor)
      return finding(`offered to ${kept ?? "all"}, reserved for ${task.reservedFor ?? "nobody"}`);
    if (kept === null) return [];
    if (unregistered.has(kept)) return finding(`reserved for ${kept}, which was unregistered`);
    if (task.reservedUntil === null) return finding(`reserved for ${kept} for ever`);
    return task.dueAt !== null && task.dueAt <= task.reservedUntil
      ? []
      : finding("a reservation that nobody will end in time");
  });
}
