import { wakeRuns, setRunDueAt } from "../../store/child-runs/child-runs.js";
import { lockPartedChildren, lockRun } from "../../store/lock-order.js";
import { findRun } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import { lockWithParent, reconcileChild } from "./child-runs.js";
import { startCompensations } from "./compensations.js";
import type { EngineContext } from "../context.js";

/**
 * Handles a due run as a whole: reports its end to its parent, makes its child runs due, or starts its compensations.
 */
export function* handleDueRun(ctx: EngineContext, id: string): Tx<void> {
  const known = yield* findRun(id);
  const locked = known && (yield* lockWithParent(known));
  if (!locked) return;
  // Here, before anything is written: whatever ends a run may lock milestones, which come after all runs.
  const within = yield* lockPartedChildren(id);
  const again = locked.child.parentTask === null ? null : yield* reconcileChild(ctx, locked);
  // First: a run without anything to undo ends at once, and its parent is to hear of that.
  yield* setRunDueAt(id, again);
  if (within.length > 0) {
    yield* wakeRuns(within, ctx.now);
    ctx.onDue?.();
  }
  const run = yield* lockRun(id);
  if (run) yield* startCompensations(ctx, run);
}
