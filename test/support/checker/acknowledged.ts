import type { Finding } from "./checker.js";
import type { Acknowledged } from "./journal.js";
import { pathsOf } from "./locks.js";
import type { Snapshot } from "./snapshot.js";
import { ackKey, type Together } from "./together/rows.js";

/** Finds acknowledged work that has left no trace. Runs that were pruned since would show here: keep them. */
export function acknowledgedFindings(snapshot: Snapshot, journal: readonly Acknowledged[]): Finding[] {
  const traces = new Set<string>();
  for (const { type, task, agent, data } of snapshot.events) {
    if (task !== null && TAKEN_BACK.has(type)) traces.add(`back ${task}`);
    if (task !== null && typeof data["token"] === "number") traces.add(`${type} ${task} ${data["token"]}`);
    if (type === "task.claimed") traces.add(`by ${agent ?? ""} ${task ?? ""} ${String(data["token"])}`);
    if (!type.startsWith("lock.")) continue;
    for (const { path, token } of pathsOf(data))
      traces.add(`${type} ${agent ?? ""} ${token}`).add(`${type} ${agent ?? ""} ${path}`);
  }
  const outcomes = new Map(snapshot.attempts.map(({ task, token, outcome }) => [`${task} ${token}`, outcome]));
  return journal.flatMap((entry): Finding[] => {
    const missing = missingOf(entry, { snapshot, traces, outcomes });
    return missing === undefined
      ? []
      : [{ invariant: "acknowledged", subject: missing, detail: `told and not there: ${JSON.stringify(entry)}` }];
  });
}

interface Traces {
  readonly snapshot: Snapshot;
  readonly traces: ReadonlySet<string>;
  readonly outcomes: ReadonlyMap<string, string>;
}

/** A run that has gone back to a checkpoint may have taken it back. */
const TAKEN_BACK = new Set(["task.restored", "task.superseded"]);

const OUTCOME_OF = {
  succeeded: "succeeded",
  submitted: "succeeded",
  retry: "failed",
  dead_letter: "failed",
  cancelled: "cancelled",
  released: "released",
};

/** Returns the subject of an entry that has left no trace. */
function missingOf(entry: Acknowledged, { snapshot, traces, outcomes }: Traces): string | undefined {
  switch (entry.kind) {
    case "claimed":
      return traces.has(`by ${entry.agent} ${entry.task} ${entry.token}`) ? undefined : entry.task;
    case "ended": {
      const told = traces.has(`task.${entry.as} ${entry.task} ${entry.token}`);
      const recorded = outcomes.get(`${entry.task} ${entry.token}`) === OUTCOME_OF[entry.as];
      const stays =
        entry.as !== "succeeded" ||
        traces.has(`back ${entry.task}`) ||
        snapshot.tasks.get(entry.task)?.status === "succeeded";
      return told && recorded && stays ? undefined : entry.task;
    }
    case "locked":
      return entry.tokens.every((token) => traces.has(`lock.granted ${entry.agent} ${token}`))
        ? undefined
        : entry.agent;
    case "unlocked":
      return entry.paths.every((path) => traces.has(`lock.released ${entry.agent} ${path}`)) ? undefined : entry.agent;
    case "run":
      return snapshot.runs.has(entry.run) ? undefined : entry.run;
    case "task":
      return snapshot.tasks.has(entry.task) ? undefined : entry.task;
    default:
      return missingTogether(entry, snapshot.together);
  }
}

type TogetherEntry = Extract<
  Acknowledged,
  { kind: "sent" | "read" | "escalated" | "decided" | "offered" | "accepted" | "delivered" | "collected" }
>;

function missingTogether(entry: TogetherEntry, together: Together): string | undefined {
  const { messages, acks, escalations, handoffs, deliveries } = together;
  switch (entry.kind) {
    case "sent":
      return messages.some(({ id }) => id === entry.message) ? undefined : entry.message;
    case "read":
      return entry.acked.find((id) => !messages.some((one) => one.id === id && acks.has(ackKey(entry.agent, one.seq))));
    case "escalated":
      return escalations.has(entry.escalation) ? undefined : entry.escalation;
    case "decided":
      return escalations.get(entry.escalation)?.status === entry.status ? undefined : entry.escalation;
    case "offered":
      return handoffs.has(entry.handoff) ? undefined : entry.handoff;
    case "accepted":
      return handoffs.get(entry.handoff)?.status === "accepted" ? undefined : entry.handoff;
    case "delivered":
      return deliveries.some(({ id, status }) => id === entry.delivery && status === "delivered")
        ? undefined
        : entry.delivery;
    case "collected":
      return undefined;
  }
}
