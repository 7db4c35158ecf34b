import {
  conflictOfYielding,
  type ConflictRecord,
  findConflict,
  updateConflict,
} from "../../store/conflicts/conflicts.js";
import { addStrategyOutcome } from "../../store/conflicts/strategies.js";
import { findTasks } from "../../store/tasks/lists.js";
import { type Escalation, findEscalation, insertEscalation } from "../../store/escalations/escalations.js";
import { appendEvents } from "../../store/events/events.js";
import { lockProject } from "../../store/lock-order.js";
import type { Tx } from "../../store/tx.js";
import { partiesOf } from "../agents/parties.js";
import { type EngineContext, SERVER } from "../context.js";
import { announce, escalationEvent } from "../escalations/announcements.js";
import { firstTier, timeOf } from "../escalations/tiers.js";
import { PRIORITIES } from "../scheduling/order.js";
import { conflictEvent } from "./detection.js";
import { planResolution } from "./plans.js";
import { OUTCOME_LOOK_MS } from "./resolution.js";
import { successOf } from "./strategies.js";

/** Escalates a conflict that is still open after its time (other agents, then those who lead, then a person are asked), unless it only is a pair of tasks with the same files; takes the outcome of a resolved one. Returns how many. */
export function* conflictDue(ctx: EngineContext, id: string): Tx<number> {
  const known = yield* findConflict(id);
  if (known === undefined) return 0;
  yield* lockProject(known.project);
  const conflict = yield* findConflict(id);
  if (conflict === undefined || conflict.dueAt === null || conflict.dueAt > ctx.now) return 0;
  if (conflict.decidedAt !== null) yield* takeOutcome(ctx, conflict);
  else if (conflict.status === "escalated") yield* pollEscalated(ctx, conflict);
  // Locks keep tasks with the same files apart: pairs of them may be many, and no agent waits for an answer.
  else if (conflict.kind === "overlapping_scopes") yield* updateConflict({ ...conflict, dueAt: null });
  else yield* escalateConflict(ctx, conflict);
  return 1;
}

/** Whether a task that was asked to give way still is to: the others may have ended, or found another way. A query. */
export function* isToGiveWay(ctx: EngineContext, task: string): Tx<boolean> {
  const conflict = yield* conflictOfYielding(task);
  if (conflict === undefined || conflict.strategy === "adaptive") return true;
  // A conflict that is open again asks no one to give way.
  if (conflict.strategy === null) return false;
  const plan = yield* planResolution(ctx, conflict, conflict.strategy);
  return "actions" in plan && plan.actions.some((action) => action.do === "preempt" && action.task === task);
}

/** An escalated conflict is looked for until its question is decided. */
function* pollEscalated(ctx: EngineContext, conflict: ConflictRecord): Tx<void> {
  const escalation = conflict.escalation === null ? undefined : yield* findEscalation(conflict.escalation);
  const isOpen = escalation !== undefined && escalation.decidedAt === null;
  yield* updateConflict({ ...conflict, dueAt: isOpen ? ctx.now + ctx.settings.conflict_timeout_ms : null });
}

/** Resolutions whose tasks have not ended after so long are looked at no more. */
const OUTCOME_MAX_MS = 7 * 86_400_000;

/** Records how long it took until all tasks of a resolved conflict had ended; what their strategy is preferred by later. */
function* takeOutcome(ctx: EngineContext, conflict: ConflictRecord): Tx<void> {
  const { kind, strategy, parties, decidedAt, expectedMs } = conflict;
  const since = decidedAt ?? ctx.now;
  const ids = new Set(parties.flatMap(({ task }) => task ?? []));
  const tasks = yield* findTasks([...ids]);
  const ends = tasks.map(({ endedAt }) => endedAt);
  if (ends.includes(null)) {
    const isOver = ctx.now - since > OUTCOME_MAX_MS;
    return yield* updateConflict({ ...conflict, dueAt: isOver ? null : ctx.now + OUTCOME_LOOK_MS });
  }
  const elapsedMs = Math.max(0, ...ends.map((at) => (at ?? since) - since));
  yield* updateConflict({ ...conflict, dueAt: null, elapsedMs });
  // Work that failed, or is not there any more, says nothing about what the resolution was worth.
  const isDone = tasks.length === ids.size && tasks.every(({ status }) => status === "succeeded");
  if (strategy === null || !isDone || !ctx.settings.learning_enabled) return;
  const successes = successOf({ expectedMs: expectedMs ?? 0, elapsedMs });
  yield* addStrategyOutcome({ kind, strategy, successes, failures: 1000 - successes, updatedAt: ctx.now });
}

/** Asks others about a conflict. The project is locked. */
function* escalateConflict(ctx: EngineContext, conflict: ConflictRecord): Tx<void> {
  const escalation = questionOf(ctx, conflict);
  const dueAt = ctx.now + ctx.settings.conflict_timeout_ms;
  const after: ConflictRecord = { ...conflict, status: "escalated", dueAt, escalation: escalation.id };
  yield* updateConflict(after);
  yield* insertEscalation(escalation);
  yield* appendEvents(ctx, [conflictEvent("escalated", after), escalationEvent("opened", escalation, SERVER)]);
  yield* announce(ctx, escalation);
}

function questionOf(ctx: EngineContext, { id, project, run, kind, detail }: ConflictRecord): Escalation {
  const tier = firstTier(ctx.settings, PRIORITIES.high);
  return {
    id: ctx.newId("escalation"),
    project,
    run,
    task: null,
    token: null,
    type: "error_resolution",
    title: `Resolve the conflict ${id} (${kind.replaceAll("_", " ")})`,
    details: `${detail}. list_conflicts shows who is in whose way.`,
    priority: PRIORITIES.high,
    tier,
    status: "open",
    askedBy: SERVER,
    parties: [...partiesOf(SERVER, { session: null, clientSession: null })],
    createdAt: ctx.now,
    dueAt: ctx.now + timeOf(ctx.settings, tier),
    decidedAt: null,
    decidedBy: null,
    conditions: [],
    note: null,
    budget: null,
  };
}
