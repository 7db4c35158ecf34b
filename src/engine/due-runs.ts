import { setRunDue } from "../store/child-runs.js";
import { lockRun } from "../store/lock-order.js";
import { findRun, runOf } from "../store/runs.js";
import type { Tx } from "../store/tx.js";
import { reconcileChild } from "./child-runs.js";
import { startUndoing } from "./compensations.js";
import type { EngineContext } from "./context.js";

/** Does what has come due for a run as a whole: its parent hears of its end, or what it did begins to be undone. */
export function* handleDueRun(ctx: EngineContext, id: string): Tx<void> {
  const known = yield* findRun(id);
  if (!known) return;
  const again = known.parentTask === null ? null : yield* reconcileChild(ctx, known);
  const row = yield* lockRun(id);
  if (!row) return;
  // First: a run without anything to undo ends at once, and its parent is to hear of that.
  yield* setRunDue(id, again);
  yield* startUndoing(ctx, runOf(row));
}
