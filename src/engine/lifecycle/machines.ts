import type { RunStatus, TaskStatus } from "../../base/statuses.js";
import type { Reason, Task } from "../../store/tasks/tasks.js";
import type { Settlement } from "../../store/tasks/transitions.js";
import type { Machine } from "../machine.js";

export type TaskEvent =
  | "make_ready"
  | "hold"
  | "wait"
  | "complete_by_server"
  | "claim"
  | "complete"
  | "submit"
  | "approve"
  | "revise"
  | "retry"
  | "try_again"
  | "exhaust"
  | "release"
  | "lose_lease"
  | "skip"
  | "block"
  | "expire"
  | "await_decision"
  | "resume"
  | "cancel"
  | "reopen";

export const taskMachine: Machine<TaskStatus, TaskEvent> = {
  name: "task",
  asked: {
    claim: "claim_task",
    complete: "complete_task",
    submit: "complete_task",
    approve: "submit_review",
    revise: "submit_review",
    retry: "fail_task",
    release: "release_task",
    await_decision: "escalate",
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
      submit: "in_review",
      retry: "pending",
      exhaust: "dead_letter",
      release: "ready",
      lose_lease: "ready",
      await_decision: "waiting",
      block: "blocked",
      cancel: "cancelled",
    },
    waiting: {
      complete_by_server: "succeeded",
      try_again: "pending",
      resume: "pending",
      block: "blocked",
      expire: "dead_letter",
      cancel: "cancelled",
    },
    in_review: {
      approve: "succeeded",
      revise: "pending",
      block: "blocked",
      expire: "dead_letter",
      cancel: "cancelled",
    },
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
