import { isOpen } from "../../../src/engine/lifecycle/run-state.js";
import type { Finding } from "./checker.js";
import { groupsOf, type OrderKey, type RunRow, type ScopeLaneRow, type Snapshot, type TaskRow } from "./snapshot.js";

/** Lanes that do not say what the ready tasks say: a task would be passed over, or never reached. */
export function laneFindings(snapshot: Snapshot): Finding[] {
  const ready = groupsOf(
    [...snapshot.tasks.values()].filter(({ status }) => status === "ready"),
    ({ run }) => run,
  );
  return [...snapshot.runs.values()].flatMap((run) => runLaneFindings(snapshot, run, ready.get(run.id) ?? []));
}

function runLaneFindings(snapshot: Snapshot, run: RunRow, ready: readonly TaskRow[]): Finding[] {
  const lanes = snapshot.lanes.filter((lane) => lane.run === run.id);
  const scopeLanes = snapshot.scopeLanes.filter((lane) => lane.run === run.id);
  const finding = (detail: string): Finding => ({ invariant: "lanes", subject: run.id, detail });
  if (run.endedAt !== null) return lanes.length + scopeLanes.length === 0 ? [] : [finding("an ended run has lanes")];
  const findings = [...scopeLaneFindings(snapshot, scopeLanes, ready)];
  const held = [...snapshot.tasks.values()].filter((task) => task.run === run.id && task.status === "running");
  const running = held.length;
  const alone = held.some(({ demand }) => snapshot.demands.get(demand)?.alone === true);
  if (alone && running > 1) findings.push(`a task that runs alone is one of ${running} that are running`);
  const open = isOpen(run, { running, alone });
  const byDemand = groupsOf(ready, ({ demand }) => demand);
  for (const demand of byDemand.keys()) {
    if (!lanes.some((lane) => lane.demand === demand)) findings.push(`ready tasks of demand ${demand} have no lane`);
  }
  for (const lane of lanes) {
    const parked = new Set(
      scopeLanes.filter((scope) => scope.demand === lane.demand && scope.parkedOn !== null).map(({ scope }) => scope),
    );
    const first = firstOf((byDemand.get(lane.demand) ?? []).filter(({ scope }) => !parked.has(scope)));
    // The head may have left since: it is then older than all that are ready.
    if ((lane.head === null) !== (first === undefined) || (first && lane.head !== null && lane.head > first.id))
      findings.push(`lane ${lane.demand} begins with ${lane.head ?? "nothing"}, should with ${first?.id ?? "nothing"}`);
    else if (first && lane.key !== keyOf(first))
      findings.push(`lane ${lane.demand} says ${lane.key}, its head ${keyOf(first)}`);
    if (lane.open !== open)
      findings.push(
        `lane ${lane.demand} is ${lane.open ? "open" : "closed"} while the run is ${run.status} with ${running} of ${run.maxParallel} running`,
      );
  }
  return findings.map(finding);
}

function scopeLaneFindings(
  snapshot: Snapshot,
  scopeLanes: readonly ScopeLaneRow[],
  ready: readonly TaskRow[],
): string[] {
  const findings: string[] = [];
  const laneOf = ({ demand, scope }: { demand: string; scope: string }) => `${demand}/${scope}`;
  const byLane = groupsOf(
    ready.filter(({ scope }) => scope !== ""),
    laneOf,
  );
  const known = new Set(scopeLanes.map(laneOf));
  const groups = new Set(snapshot.locks.map(({ request }) => request));
  for (const lane of byLane.keys()) if (!known.has(lane)) findings.push(`ready tasks of scope ${lane} have no lane`);
  for (const lane of scopeLanes) {
    const first = firstOf(byLane.get(laneOf(lane)) ?? []);
    if (lane.head !== (first?.id ?? null))
      findings.push(
        `scope lane ${laneOf(lane)} begins with ${lane.head ?? "nothing"}, should with ${first?.id ?? "nothing"}`,
      );
    else if (first && lane.key !== keyOf(first))
      findings.push(`scope lane ${laneOf(lane)} says ${lane.key}, its head ${keyOf(first)}`);
    if (lane.parkedOn !== null && !groups.has(lane.parkedOn))
      findings.push(`scope lane ${laneOf(lane)} is parked on ${lane.parkedOn}, which is gone`);
  }
  return findings;
}

/** The task that is served first. */
export function firstOf(tasks: readonly TaskRow[]): TaskRow | undefined {
  return tasks.toSorted(byOrder)[0];
}

export function byOrder(a: OrderKey, b: OrderKey): number {
  return a.bucket - b.bucket || a.latestStart - b.latestStart || a.rankOrder - b.rankOrder || (a.id < b.id ? -1 : 1);
}

function keyOf({ bucket, latestStart, rankOrder }: TaskRow): string {
  return [bucket, latestStart, rankOrder].join(" ");
}
