import type { Task, Reason } from "../../store/tasks/tasks.js";
import type { Settlement } from "../../store/tasks/transitions.js";

/** A task that has come to an end, as its dependents see it. */
export interface Settled {
  readonly task: Task;
  readonly as: Settlement;
  /** Why, where it failed: what its blocked dependents will say. */
  readonly reason?: Reason;
}
