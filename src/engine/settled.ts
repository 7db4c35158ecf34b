import type { Settlement } from "../store/task-changes.js";
import type { Reason, Task } from "../store/tasks.js";

/** A task that has come to an end, as its dependents see it. */
export interface Settled {
  readonly task: Task;
  readonly as: Settlement;
  /** Why, where it failed: what its blocked dependents will say. */
  readonly reason?: Reason;
}
