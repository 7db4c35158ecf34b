import type { Finding } from "./checker.js";
import type { Snapshot } from "./snapshot.js";

/** Claims by an agent that worked on a task which the claimed one's `not_by` names. A run taken back begins anew. */
export function takerFindings({ events, tasks, notBy }: Snapshot): Finding[] {
  const findings: Finding[] = [];
  const keys = new Set([...tasks.values()].map(({ run, key }) => `${run}/${baseOf(key)}`));
  const workers = new Map<string, Set<string>>();
  for (const { type, run, task, agent, seq } of events) {
    if (type === "run.resumed_from_checkpoint")
      for (const place of workers.keys()) if (place.startsWith(`${run}/`)) workers.delete(place);
    const claimed = task === null ? undefined : tasks.get(task);
    if (type !== "task.claimed" || claimed === undefined || agent === null) continue;
    for (const key of notBy.get(claimed.id) ?? []) {
      const place = `${claimed.run}/${key}`;
      if (!keys.has(place) || workers.get(place)?.has(agent) !== true) continue;
      const detail = `${claimed.key} was claimed by ${agent}, who worked on ${key} (event ${seq})`;
      findings.push({ invariant: "takers", subject: claimed.id, detail });
    }
    const own = `${claimed.run}/${baseOf(claimed.key)}`;
    workers.set(own, (workers.get(own) ?? new Set()).add(agent));
  }
  return findings;
}

/** The key of the step that an element's task was made of. */
const baseOf = (key: string): string => key.replace(/\[\d+\]$/, "");
