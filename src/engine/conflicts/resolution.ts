import { hashOfInput } from "../../base/json.js";
import { mulberry32 } from "../../base/numbers/mulberry32.js";
import type { ConflictStrategy } from "../../base/statuses.js";
import { type ConflictRecord, findConflict, listConflicts, updateConflict } from "../../store/conflicts/conflicts.js";
import { allStrategyEvidence, findStrategies } from "../../store/conflicts/strategies.js";
import { BatonError, callOperation } from "../../base/errors.js";
import { appendEvents } from "../../store/events/events.js";
import { lockProject, lockRuns } from "../../store/lock-order.js";
import { locksOfRequests, locksOfTask } from "../../store/locks/locks.js";
import { placeRequest } from "../../store/locks/requests.js";
import { runsParkedOn } from "../../store/scheduling/lanes.js";
import { findTasks } from "../../store/tasks/lists.js";
import type { Tx } from "../../store/tx.js";
import { actingAgent } from "../agents/agents.js";
import type { EngineContext } from "../context.js";
import { voidEscalation } from "../escalations/announcements.js";
import { requireRun } from "../lookup.js";
import { moveReservation } from "../load/rebalancing.js";
import { LockChange } from "../locks/lock-change.js";
import { modifyRun } from "../modifications/modifications.js";
import { findProject } from "../projects/projects.js";
import { preemptTask } from "../tasks/preemption.js";
import { type ConflictScope, conflictEvent } from "./detection.js";
import { FOUND_MAX } from "./found.js";
import { type ConflictAction, planResolution, type ResolutionPlan, type Unplanned } from "./plans.js";
import { fits, scopesOf } from "./choices.js";
import { tellToRebase } from "./git/rebase-notices.js";
import { chosenStrategy, type FixedStrategy } from "./strategies.js";

/** When the outcome of a resolution is looked for, and again. */
export const OUTCOME_LOOK_MS = 60_000;
/** Conflicts that one call resolves: as many as one look finds. */
export const RESOLVED_MAX = FOUND_MAX;

/** The open conflicts that a caller names, or all of a project or run. A query. Errors: `not_found`. */
export function* openConflicts(
  ctx: EngineContext,
  query: ConflictScope & { readonly ids?: readonly string[] | undefined },
): Tx<ConflictRecord[]> {
  if (query.ids === undefined) {
    const run = query.run === undefined ? undefined : (yield* requireRun(query.run)).id;
    const project = run === undefined ? (yield* findProject(ctx, query.project))?.id : undefined;
    if (run === undefined && project === undefined) return [];
    return yield* listConflicts({ project, run, status: "open", limit: RESOLVED_MAX + 1 });
  }
  const found: ConflictRecord[] = [];
  for (const id of query.ids) {
    const conflict = yield* findConflict(id);
    if (conflict === undefined) throw noConflict(id);
    found.push(conflict);
  }
  return found;
}

function noConflict(id: string): BatonError {
  return new BatonError("not_found", `There is no conflict ${id}. Nothing was changed.`, {
    details: { conflict: id },
    next: [callOperation("detect_conflicts", {})],
  });
}

/** How a conflict would be resolved, or why it is not. A query. */
export function* proposedFor(
  ctx: EngineContext,
  conflict: ConflictRecord,
  wanted: ConflictStrategy | undefined,
): Tx<ResolutionPlan | Unplanned> {
  if (conflict.status !== "open" && conflict.status !== "escalated") return { why: `it is ${conflict.status} already` };
  const strategy = yield* strategyFor(ctx, conflict, wanted);
  return strategy === undefined
    ? { why: "no strategy resolves it: it is for its parties" }
    : yield* planResolution(ctx, conflict, strategy);
}

function* strategyFor(
  ctx: EngineContext,
  { id, kind, project }: ConflictRecord,
  wanted: ConflictStrategy | undefined,
): Tx<FixedStrategy | undefined> {
  const scopes = scopesOf(project, kind);
  const set = wanted === undefined ? yield* findStrategies(scopes) : [];
  const chosen = scopes.flatMap((scope) => set.find((one) => one.scope === scope)?.strategy ?? []);
  // A strategy of a project need not fit every kind: then the next that does decides, adaptive in the end.
  const strategy = wanted ?? [...chosen, ctx.settings.conflict_strategy].find((one) => fits(kind, one)) ?? "adaptive";
  if (strategy !== "adaptive") return strategy;
  // The same numbers for the same conflict: what a dry run says is what is done.
  const uniform = mulberry32(Buffer.from(hashOfInput(id), "base64url").readUInt32BE());
  return chosenStrategy(kind, yield* allStrategyEvidence(), ctx.settings.learning_enabled ? uniform : undefined);
}

export interface Resolving {
  readonly id: string;
  readonly strategy: ConflictStrategy | undefined;
  readonly agent: string | undefined;
}

/**
 * Resolves a conflict by a strategy, in one transaction: what it does, and the record of why. Returns why not, where it does not. Errors:
 * those of a change of a run.
 */
export function* resolveConflict(
  ctx: EngineContext,
  { id, strategy, agent }: Resolving,
): Tx<ResolutionPlan | Unplanned> {
  const by = yield* actingAgent(ctx, agent);
  const known = yield* findConflict(id);
  if (known === undefined) throw noConflict(id);
  yield* lockProject(known.project);
  const conflict = yield* findConflict(id);
  if (conflict === undefined) throw noConflict(id);
  yield* lockAll(conflict);
  const plan = yield* proposedFor(ctx, conflict, strategy);
  if ("why" in plan) {
    if (plan.stands !== true) return plan;
    yield* voidEscalation(ctx, conflict.escalation);
    yield* noteStanding(conflict, plan.why);
    return plan;
  }
  // Before messages are written: a question that lapses is locked before they are, too.
  yield* voidEscalation(ctx, conflict.escalation);
  for (const action of plan.actions) yield* carryOut(ctx, conflict, { action, by: by.name });
  const preempted = plan.actions.find((action) => action.do === "preempt");
  const hasTasks = conflict.parties.some(({ task }) => task !== undefined);
  const resolved: ConflictRecord = {
    ...conflict,
    status: "resolved",
    strategy: plan.strategy,
    decision: plan.decision,
    reason: plan.reason,
    alternatives: plan.alternatives,
    decidedBy: by.name,
    decidedAt: ctx.now,
    expectedMs: plan.expectedMs,
    yields: preempted?.task ?? conflict.yields,
    dueAt: hasTasks ? ctx.now + OUTCOME_LOOK_MS : null,
  };
  yield* updateConflict(resolved);
  yield* appendEvents(ctx, [conflictEvent("resolved", resolved, by.name)]);
  return plan;
}

/** Notes that a conflict stands in order: no one is asked about it until others come into it. The project is locked. */
function* noteStanding(conflict: ConflictRecord, why: string): Tx<void> {
  yield* updateConflict({ ...conflict, status: "open", decision: why, dueAt: null });
}

/** Locks the runs of its tasks, and those with tasks parked on what they hold: the steps of a resolution lock them one after the other. */
function* lockAll({ parties }: ConflictRecord): Tx<void> {
  const tasks = yield* findTasks(parties.flatMap(({ task }) => task ?? []));
  const requests = new Set(parties.flatMap(({ request }) => request ?? []));
  for (const { id, holdsFiles } of tasks)
    if (holdsFiles) for (const { request } of yield* locksOfTask(id)) requests.add(request);
  const parked = requests.size === 0 ? [] : yield* runsParkedOn([...requests].sort());
  yield* lockRuns([...parked, ...tasks.map(({ run }) => run)]);
}

function* carryOut(
  ctx: EngineContext,
  conflict: ConflictRecord,
  { action, by }: { readonly action: ConflictAction; readonly by: string },
): Tx<void> {
  const { id, project } = conflict;
  switch (action.do) {
    case "prioritize": {
      const changes = [{ op: "reprioritize", tasks: [action.task], priority: action.priority }];
      yield* modifyRun(ctx, { run: action.run, changes, agent: by });
      return;
    }
    case "preempt":
      return yield* preemptTask(ctx, action.task, `gives way by ${id}`);
    case "move":
      yield* moveReservation(ctx, action);
      return;
    case "rebase":
      return yield* tellToRebase(ctx, conflict, action);
    case "withdraw":
      return yield* changeLocks(ctx, project, function* (change) {
        yield* change.withdraw(new Set([action.request]), "deadlock");
      });
    case "reorder":
      return yield* changeLocks(ctx, project, (change) => reorder(ctx, change, action.requests));
  }
}

function* changeLocks(ctx: EngineContext, project: string, work: (change: LockChange) => Tx<void>): Tx<void> {
  const change = new LockChange(ctx, project);
  yield* work(change);
  yield* change.serve();
  yield* change.settle();
  yield* change.flush();
}

/** Puts requests into the places that they have among them in another order, and serves those that nothing stands in the way of now. */
function* reorder(ctx: EngineContext, change: LockChange, requests: readonly string[]): Tx<void> {
  const locks = (yield* locksOfRequests(ctx.now, requests)).filter(({ state }) => state === "queued");
  const places = new Map(
    locks.flatMap(({ request, queueEntry }) => (queueEntry ? [[request, queueEntry] as const] : [])),
  );
  const sorted = [...places.values()].toSorted((a, b) => a.position - b.position || a.askedAt - b.askedAt);
  for (const [at, request] of requests.filter((one) => places.has(one)).entries()) {
    const place = sorted[at];
    // Requests of the same millisecond would stand in the order of their ids.
    if (place) yield* placeRequest(request, { ...place, askedAt: place.askedAt + at });
  }
  change.look(locks);
}
