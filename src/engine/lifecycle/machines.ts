import type { RunStatus, TaskStatus } from "../../base/statuses.js";
import type { Reason, Task } from "../../store/tasks/tasks.js";
import type { Settlement } from "../../store/tasks/transitions.js";
import { BatonError, type NextCall } from "../../base/errors.js";

/** A state machine as data: for each state, the events it answers and the state each leads to. */
export type Machine<S extends string, E extends string> = {
  readonly name: string;
  readonly table: Readonly<Record<S, Partial<Record<E, S>>>>;
  /** The events that callers ask for, with the names of the calls; the server raises the others. */
  readonly asked: Readonly<Partial<Record<E, string>>>;
};

export type TaskEvent =
  | "make_ready"
  | "hold"
  | "wait"
  | "complete_by_server"
  | "claim"
  | "complete"
  | "retry"
  | "try_again"
  | "exhaust"
  | "release"
  | "lose_lease"
  | "skip"
  | "block"
  | "expire"
  | "cancel"
  | "reopen";

export const taskMachine: Machine<TaskStatus, TaskEvent> = {
  name: "task",
  asked: {
    claim: "claim_task",
    complete: "complete_task",
    retry: "fail_task",
    release: "release_task",
    cancel: "cancel_task",
    reopen: "control_run retry_failed",
  },
  table: {
    pending: {
      make_ready: "ready",
      wait: "waiting",
      complete_by_server: "succeeded",
      skip: "skipped",
      block: "blocked",
      expire: "dead_letter",
      cancel: "cancelled",
    },
    ready: { claim: "running", block: "blocked", hold: "pending", expire: "dead_letter", cancel: "cancelled" },
    running: {
      complete: "succeeded",
      retry: "pending",
      exhaust: "dead_letter",
      release: "ready",
      lose_lease: "ready",
      block: "blocked",
      cancel: "cancelled",
    },
    waiting: {
      complete_by_server: "succeeded",
      try_again: "pending",
      block: "blocked",
      expire: "dead_letter",
      cancel: "cancelled",
    },
    in_review: { block: "blocked", cancel: "cancelled" },
    succeeded: {},
    skipped: { block: "blocked", reopen: "pending" },
    blocked: { reopen: "pending", cancel: "cancelled" },
    cancelled: {},
    dead_letter: { reopen: "pending", complete_by_server: "succeeded" },
  },
};

export type RunEvent =
  | "plan"
  | "pause"
  | "resume"
  | "succeed"
  | "fail"
  | "compensate"
  | "undo"
  | "finish_compensation"
  | "compensate_again"
  | "cancel"
  | "finish_cancel"
  | "reopen";

export const runMachine: Machine<RunStatus, RunEvent> = {
  name: "run",
  asked: { pause: "pause", resume: "resume", cancel: "cancel", reopen: "retry_failed" },
  table: {
    planning: {
      plan: "running",
      pause: "paused",
      succeed: "succeeded",
      fail: "failed",
      compensate: "compensating",
      cancel: "cancelling",
    },
    running: {
      pause: "paused",
      succeed: "succeeded",
      fail: "failed",
      compensate: "compensating",
      cancel: "cancelling",
    },
    paused: {
      resume: "running",
      succeed: "succeeded",
      fail: "failed",
      compensate: "compensating",
      cancel: "cancelling",
    },
    succeeded: {},
    failed: { reopen: "running", compensate_again: "compensating" },
    cancelling: { finish_cancel: "cancelled" },
    cancelled: {},
    compensating: { undo: "compensating", finish_compensation: "compensated", fail: "failed", cancel: "cancelling" },
    compensated: {},
  },
};

/** The states of settled tasks. */
export const TASK_SETTLED: ReadonlySet<TaskStatus> = new Set([
  "succeeded",
  "skipped",
  "blocked",
  "cancelled",
  "dead_letter",
]);

/** A task that has settled, as its dependents see it. */
export interface Settled {
  readonly task: Task;
  readonly as: Settlement;
  /** The reason of the dependents that its failure blocks. */
  readonly reason?: Reason | undefined;
  /** It was skipped, and its dependents have counted it so: a failure came after. */
  readonly wasSkipped?: boolean;
}

export interface Subject<S extends string> {
  readonly id: string;
  readonly status: S;
}

/**
 * The state that an event leads to. Errors: `invalid_transition`, listing the calls that are possible in the state.
 */
export function transition<S extends string, E extends string>(
  machine: Machine<S, E>,
  subject: Subject<S>,
  event: E,
): S {
  const to = machine.table[subject.status][event];
  if (to === undefined) throw illegal(machine, subject, event);
  return to;
}

export function canMove<S extends string, E extends string>(
  machine: Machine<S, E>,
  subject: Subject<S>,
  event: E,
): boolean {
  return machine.table[subject.status][event] !== undefined;
}

function illegal<S extends string, E extends string>(
  machine: Machine<S, E>,
  subject: Subject<S>,
  event: E,
): BatonError {
  const legal = Object.keys(machine.table[subject.status]).flatMap((possible) => machine.asked[possible as E] ?? []);
  const able = legal.length === 0 ? "no action is possible any more" : `possible actions: ${legal.join(", ")}`;
  const look: NextCall =
    machine.name === "run"
      ? { tool: "get_run", arguments: { run: subject.id } }
      : { tool: "get_task", arguments: { task: subject.id } };
  return new BatonError(
    "invalid_transition",
    `${machine.asked[event] ?? event} is not possible: ${machine.name} ${subject.id} is ${subject.status}; ${able}.`,
    { details: { [machine.name]: subject.id, status: subject.status, legal_actions: legal }, next: [look] },
  );
}

/** The machine as a Mermaid state diagram, for docs and the golden test. */
export function machineDiagram<S extends string, E extends string>(machine: Machine<S, E>): string {
  const lines = ["stateDiagram-v2"];
  for (const [from, events] of Object.entries<Partial<Record<E, S>>>(machine.table)) {
    for (const [event, to] of Object.entries<S | undefined>(events)) {
      if (to !== undefined) lines.push(`  ${from} --> ${to}: ${event}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
