import type { Finding } from "./checker.js";
import type { EventRow, Snapshot, TaskRow } from "./snapshot.js";

const ENDS = new Set([
  "task.succeeded",
  "task.submitted",
  "task.retry",
  "task.dead_letter",
  "task.released",
  "task.awaits_decision",
  "task.lease_lost",
  "task.cancelled",
  "task.fenced_off",
]);
/** A run that goes on from a checkpoint: the task stands as it did then, or is out of the graph. */
const RESETS = new Set(["task.restored", "task.superseded"]);

interface Hold {
  /** Token of the open attempt. */
  token: number | undefined;
  agent: string | null;
  highest: number;
  /** Attempts that were made without a claim. */
  claims: number;
  successes: number;
}

/** Walks the history of every task: one holder after the other, under growing tokens, done once, as the row says too. */
export function holdingFindings(snapshot: Snapshot): Finding[] {
  const findings: Finding[] = [];
  const holds = new Map<string, Hold>();
  for (const event of snapshot.events) {
    const { type } = event;
    if (event.task === null || (type !== "task.claimed" && !ENDS.has(type) && !RESETS.has(type))) continue;
    const hold = holds.get(event.task) ?? { token: undefined, agent: null, highest: 0, claims: 0, successes: 0 };
    holds.set(event.task, hold);
    const wrong = type === "task.claimed" ? claim(hold, event) : ENDS.has(type) ? end(hold, event) : reset(hold, event);
    for (const detail of wrong)
      findings.push({ invariant: "one_holder", subject: event.task, detail: `${detail} (event ${event.seq})` });
  }
  for (const [id, hold] of holds) {
    if (hold.successes > 1)
      findings.push({ invariant: "done_once", subject: id, detail: `succeeded ${hold.successes} times` });
  }
  return [...findings, ...[...snapshot.tasks.values()].flatMap((task) => rowFindings(task, holds.get(task.id)))];
}

function rowFindings(task: TaskRow, hold: Hold | undefined): Finding[] {
  const findings: Finding[] = [];
  const subject = task.id;
  const held = task.status === "running" ? task.token : undefined;
  if (held !== hold?.token || (held !== undefined && task.agent !== hold?.agent)) {
    const detail = `the row says ${task.status} by ${task.agent ?? "nobody"} under ${task.token}, the history ${hold?.agent ?? "nobody"} under ${hold?.token ?? "none"}`;
    findings.push({ invariant: "one_holder", subject, detail });
  }
  const claims = hold?.claims ?? 0;
  if (task.attempt !== claims) {
    findings.push({ invariant: "attempts", subject, detail: `attempt ${task.attempt}, claimed ${claims} times` });
  }
  return findings;
}

function claim(hold: Hold, { agent, data }: EventRow): string[] {
  const token = Number(data["token"]);
  const wrong: string[] = [];
  if (hold.token !== undefined)
    wrong.push(`claimed by ${agent ?? "?"} while ${hold.agent ?? "?"} held it under ${hold.token}`);
  if (token <= hold.highest) wrong.push(`claimed under token ${token} after ${hold.highest}`);
  hold.token = token;
  hold.agent = agent;
  hold.highest = Math.max(hold.highest, token);
  hold.claims += 1;
  return wrong;
}

function end(hold: Hold, { type, data }: EventRow): string[] {
  // A task without a holder can be cancelled and can wait too long: there is no token then.
  const token = data["token"] === undefined ? undefined : Number(data["token"]);
  const wrong =
    token === hold.token ? [] : [`${type} under token ${token ?? "none"} while ${hold.token ?? "none"} was current`];
  // An act of the server, or a person's decision, is an attempt without a claim.
  // The approval of a review is none: the attempt that was submitted counts.
  const isApproval = type === "task.succeeded" && data["review"] !== undefined;
  if (token === undefined && data["attempt"] !== undefined && !isApproval) hold.claims += 1;
  hold.token = undefined;
  hold.agent = null;
  if (type === "task.succeeded") hold.successes += 1;
  return wrong;
}

function reset(hold: Hold, { type, data }: EventRow): string[] {
  const wrong = hold.token === undefined ? [] : [`${type} while ${hold.agent ?? "?"} held it under ${hold.token}`];
  // The attempt that counted at the checkpoint is recorded again, as an attempt of the server's own.
  if (data["attempt"] !== undefined) hold.claims += 1;
  hold.successes = data["to"] === "succeeded" ? 1 : 0;
  return wrong;
}

/** Every claim but an open one has its attempt, numbered without a gap. */
export function attemptFindings({ tasks, attempts }: Snapshot): Finding[] {
  const numbers = new Map<string, number[]>();
  for (const { task, number } of attempts) numbers.set(task, [...(numbers.get(task) ?? []), number]);
  return [...tasks.values()].flatMap((task): Finding[] => {
    const ended = task.attempt - (task.status === "running" ? 1 : 0);
    const found = numbers.get(task.id) ?? [];
    if (found.length === ended && found.every((number, at) => number === at + 1)) return [];
    return [
      {
        invariant: "attempts",
        subject: task.id,
        detail: `${task.status} in attempt ${task.attempt} with ended attempts ${found.join(", ")}`,
      },
    ];
  });
}
