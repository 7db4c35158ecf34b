import type { Finding } from "./checker.js";
import type { EventRow, Snapshot } from "./snapshot.js";

/** The losses in a task's row are those of its history. A run taken back to a checkpoint has those of then. */
export function lossFindings({ events, tasks }: Snapshot): Finding[] {
  const losses = new Map<string, number>();
  const restored = new Set<string>();
  for (const event of events) {
    if (event.task === null) continue;
    if (event.type === "task.restored" || event.type === "task.superseded") restored.add(event.task);
    losses.set(event.task, (losses.get(event.task) ?? 0) + lossOf(event));
  }
  return [...tasks.values()].flatMap((task): Finding[] => {
    const inAll = losses.get(task.id) ?? 0;
    const right = task.lossesTotal === inAll && task.losses >= 0 && task.losses <= inAll;
    if (right || restored.has(task.id)) return [];
    const detail = `${task.losses} losses in a row and ${task.lossesTotal} in all, ${inAll} by the history`;
    return [{ invariant: "losses", subject: task.id, detail }];
  });
}

function lossOf({ type, data }: EventRow): number {
  if (type === "task.claimed") return data["loss_forgiven"] === true ? -1 : 0;
  const isLoss = type === "task.lease_lost" ? data["losses"] !== undefined : data["outcome"] === "lease_lost";
  return isLoss && type.startsWith("task.") ? 1 : 0;
}

/** Returns tasks and locks that were taken for silence without a warning, or from an agent that was heard of again. */
export function silenceFindings({ events }: Snapshot): Finding[] {
  const findings: Finding[] = [];
  const last = new Map<string, string>();
  for (const event of events) {
    const { agent, type, data } = event;
    if (agent === null) continue;
    if (type === "agent.silent" || type === "agent.warned" || type === "agent.heard") last.set(agent, type);
    const isTaken =
      (type === "task.lease_lost" && (data["error"] as { type?: unknown } | undefined)?.type === "silent") ||
      (type === "lock.broken" && data["why"] === "silent");
    if (!isTaken || last.get(agent) === "agent.warned") continue;
    const detail = `${type} for its silence after ${last.get(agent) ?? "nothing"} (event ${event.seq})`;
    findings.push({ invariant: "silence", subject: agent, detail });
  }
  return findings;
}
