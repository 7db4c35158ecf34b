import { deleteTakerless, listTakerless, saveTakerless } from "../../store/escalations/takerless.js";
import { findDemand, saveDemands } from "../../store/scheduling/lanes.js";
import { reserve, setDue } from "../../store/tasks/transitions.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { earliest } from "../../base/time.js";
import { liveOffers } from "../agents/agents.js";
import { hasLiveTaker } from "../claims/live-takers.js";
import type { EngineContext } from "../context.js";
import { settleDependents } from "../lifecycle/dependents.js";
import { startByOf } from "../lifecycle/leases.js";
import { type LockedTask } from "../lifecycle/locked-task.js";
import { TAKERLESS_MS } from "../lifecycle/ready.js";
import { RunChange } from "../lifecycle/run-change.js";
import { failByServer } from "../lifecycle/server-attempts.js";
import { demandOf, withUnreserved } from "../scheduling/demands.js";
import type { WaitEnded } from "../signals/wait-steps.js";

// A task that is to be checked by another (not_by) waits for ever where no other agent is there. After ten minutes a person is asked: any
// agent may take it, or it fails, or it waits on.

/** Asks a person about a ready task that no live agent may take, and looks again after a while. */
export function* askForTaker(ctx: EngineContext, locked: LockedTask): Tx<void> {
  const { task, spec } = locked;
  const demand = yield* findDemand(task.demand);
  const again = ctx.now + TAKERLESS_MS;
  yield* setDue(task.id, earliest(task.closeBy, startByOf(locked), task.reservedUntil, again) ?? null);
  if (!demand || demand.notBy.length === 0 || (yield* hasLiveTaker(demand, yield* liveOffers(ctx)))) return;
  const [known] = yield* listTakerless({ task: task.id, limit: 1 });
  if (known) return;
  const detail = `no live agent may take ${task.key}, which is not for the agents of ${(spec.not_by ?? []).join(", ")}`;
  yield* saveTakerless({ task: task.id, detail, askedAt: ctx.now });
  const change = new RunChange(ctx, locked.run);
  change.record({ type: "task.escalated", task: task.id, data: { key: task.key, detail } });
  yield* change.writeHistory();
}

/** Whether a person is asked about a task. */
export function* isTakerless(task: Task): Tx<boolean> {
  return (yield* listTakerless({ task: task.id, limit: 1 })).length > 0;
}

export interface TakerDecision {
  readonly decision: string;
  readonly note?: string | undefined;
  readonly by: string;
}

/** Approved, any agent may take the task; rejected, it fails; deferred, a person is asked again later. */
export function* decideTaker(ctx: EngineContext, locked: LockedTask, decision: TakerDecision): Tx<WaitEnded> {
  const { task, run } = locked;
  const { by, note } = decision;
  yield* deleteTakerless(task.id);
  const change = new RunChange(ctx, run);
  if (decision.decision === "rejected") {
    const error = { type: "no_taker", message: note ?? `${by} decided that it is not done` };
    const settled = yield* failByServer(change, task, { error, by });
    const ready = yield* settleDependents(change, [settled]);
    return { task: settled.task, ready, ...(yield* change.flush()) };
  }
  const opened = decision.decision === "deferred" ? task : yield* openToAny(change, task);
  const type = decision.decision === "deferred" ? "task.deferred" : "task.opened";
  change.record({ type, task: task.id, agent: by, data: { key: task.key, note: note ?? null } });
  return { task: opened, ready: [], ...(yield* change.flush()) };
}

function* openToAny(change: RunChange, task: Task): Tx<Task> {
  const demand = yield* findDemand(task.demand);
  if (!demand) throw new Error(`task ${task.id} has no demand`);
  const open = demandOf({ ...demand, notBy: [] });
  yield* saveDemands(withUnreserved(open));
  const after: Task = { ...task, demand: open.id };
  yield* reserve(after);
  change.relane(task, after);
  return after;
}
