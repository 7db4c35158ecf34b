import { overBudgetWithin } from "../../store/cost/budgets.js";
import { openDescendants } from "../../store/child-runs/child-runs.js";
import { findRun, type Run } from "../../store/runs/runs.js";
import type { ClaimTarget } from "../../store/scheduling/lanes.js";
import { type LaneAtHand, lanesAtHand, lastRunOf, openRunsOf } from "../../store/scheduling/obstacles.js";
import { nextAvailable } from "../../store/tasks/transitions.js";
import type { Tx } from "../../store/tx.js";
import { iso } from "../../base/time.js";
import type { EngineContext } from "../context.js";
import { budgetSentence, blockedBudget } from "../cost/budget-state.js";
import { meets, type Offer, unmet } from "../scheduling/demands.js";
import * as details from "./no-work-details.js";
import { withTasksWorkedOn } from "../agents/parties.js";

/** Reasons why a claim found no task. */
export const NO_WORK_REASONS = [
  "nothing_ready",
  "no_capability",
  "paused",
  "at_capacity",
  "run_at_capacity",
  "locked_out",
  "reserved",
  "waits_for_person",
  "budget_blocked",
  "run_finished",
  "no_plan_yet",
] as const;
export type NoWorkReason = (typeof NO_WORK_REASONS)[number];

export interface NoWork {
  readonly reason: NoWorkReason;
  /** The reason in a sentence, with the names of what stands in the way. */
  readonly detail?: string;
  /** When to claim again, in milliseconds, for a caller that does not wait. */
  readonly retryAfterMs: number;
}

const RETRY_AFTER_MS = 5_000;
/** For reasons that seldom end within seconds: a person, a budget, or another agent has to act first. */
const RETRY_LATER_MS = 30_000;

/** For so long after its last run has ended, a project without open runs is finished rather than idle. */
const FINISHED_MS = 60_000;

/** Returns the most specific reason. Costs several reads: only for a claim that found nothing. */
export function* whyNoWork(ctx: EngineContext, given: Offer, target: ClaimTarget): Tx<NoWork> {
  // A server's own executor reads no reasons.
  if (given.carriesOut !== undefined) return { reason: "nothing_ready", retryAfterMs: RETRY_AFTER_MS };
  const run = "run" in target ? yield* findRun(target.run) : undefined;
  const over = run ? ended(run) : yield* projectOver(ctx, target);
  if (over) return over;
  if (run?.status === "paused")
    return { reason: "paused", detail: details.paused([run]), retryAfterMs: RETRY_LATER_MS };
  const lanes = yield* lanesAtHand(target);
  const offer = yield* offerFor(given, lanes);
  const held = yield* heldBack(ctx, { offer, target, lanes });
  if (held) return held;
  const [first] = lanes;
  if (first) return yield* notForThisAgent(ctx, offer, lanes);
  return run === undefined ? yield* noneReady(ctx, target) : yield* noneReadyWithin(ctx, offer, run);
}

/** A run without ready tasks may have child runs with some. */
function* noneReadyWithin(ctx: EngineContext, given: Offer, run: Run): Tx<NoWork> {
  for (const id of (yield* openDescendants(run.id)).slice(0, DESCENDANTS_MAX)) {
    const lanes = yield* lanesAtHand({ run: id });
    const offer = yield* offerFor(given, lanes);
    const why = yield* heldBack(ctx, { offer, target: { run: id }, lanes });
    if (why) return why;
    if (lanes.length > 0) return yield* notForThisAgent(ctx, offer, lanes);
  }
  return yield* noneReady(ctx, { run: run.id });
}

function offerFor(offer: Offer, lanes: readonly LaneAtHand[]): Tx<Offer> {
  return withTasksWorkedOn(
    offer,
    lanes.map(({ demand }) => demand),
  );
}

const DESCENDANTS_MAX = 5;

function ended(run: Run): NoWork | undefined {
  if (run.endedAt === null) return undefined;
  const detail = `run ${run.name} (${run.id}) ended as ${run.status} at ${iso(run.endedAt)}`;
  return { reason: "run_finished", detail, retryAfterMs: 0 };
}

/** A project whose last run has just ended is finished; one that never had a run has no plan yet. */
function* projectOver(ctx: EngineContext, target: ClaimTarget): Tx<NoWork | undefined> {
  if (!("project" in target) || (yield* openRunsOf(target.project, 1)).length > 0) return undefined;
  const last = yield* lastRunOf(target.project);
  if (last === undefined) {
    const detail = "no run has been started in this project yet, and no task was created";
    return { reason: "no_plan_yet", detail, retryAfterMs: RETRY_AFTER_MS };
  }
  const agoMs = ctx.now - last.at;
  const how = last.kind === "standing" ? "its last task ended" : `the last one, ${last.name}, ended as ${last.status}`;
  const detail = `no run of the project is open: ${how} at ${iso(last.at)}`;
  if (agoMs < FINISHED_MS) return { reason: "run_finished", detail, retryAfterMs: FINISHED_MS - agoMs };
  return { reason: "nothing_ready", detail, retryAfterMs: RETRY_LATER_MS };
}

/** Whether the last open run of a project has just ended: a waiting claim does not wait behind it. */
export function* hasJustFinished(ctx: EngineContext, target: ClaimTarget): Tx<boolean> {
  return (yield* projectOver(ctx, target))?.reason === "run_finished";
}

interface AtHand {
  readonly offer: Offer;
  readonly target: ClaimTarget;
  readonly lanes: readonly LaneAtHand[];
}

/** Returns why work that the agent could take is held back; undefined where there is none. */
function* heldBack(ctx: EngineContext, { offer, target, lanes }: AtHand): Tx<NoWork | undefined> {
  const own = lanes.filter(({ demand }) => meets(offer, demand));
  const closed = own.filter(({ open }) => !open);
  const spent = yield* spentIn("run" in target ? yield* overBudgetWithin(target.run) : closed.find(isOverBudget)?.run);
  if (spent !== undefined) return { reason: "budget_blocked", detail: spent, retryAfterMs: RETRY_LATER_MS };
  const full = closed.find(({ runStatus, overBudget }) => runStatus !== "paused" && !overBudget);
  if (full) {
    const detail = yield* details.runAtCapacity(full);
    return { reason: "run_at_capacity", detail, retryAfterMs: RETRY_AFTER_MS };
  }
  const paused = closed.filter(({ runStatus }) => runStatus === "paused");
  if (paused.length > 0) {
    const detail = details.paused(paused.map(({ run, runName }) => ({ id: run, name: runName, reason: null })));
    return { reason: "paused", detail, retryAfterMs: RETRY_LATER_MS };
  }
  const parked = own.filter((lane) => lane.parked);
  if (parked.length === 0) return undefined;
  const { detail, until } = yield* details.lockedOut(ctx.now, parked);
  return { reason: "locked_out", detail, retryAfterMs: soonest(ctx, until, RETRY_AFTER_MS) };
}

function isOverBudget({ overBudget }: LaneAtHand): boolean {
  return overBudget;
}

/** Returns the reason why a run gives out no task because a budget is spent, if it is. */
function* spentIn(id: string | null | undefined): Tx<string | undefined> {
  const run = typeof id === "string" ? yield* findRun(id) : undefined;
  const budget = run && (yield* blockedBudget(run));
  return budget && budgetSentence(budget);
}

/** Ready work asks for another agent: a reservation ends by itself, a role or a capability has to be offered. */
function* notForThisAgent(ctx: EngineContext, offer: Offer, lanes: readonly LaneAtHand[]): Tx<NoWork> {
  const reserved = lanes.filter(({ demand }) => {
    const gaps = unmet(offer, demand);
    return gaps.length > 0 && gaps.every(({ kind }) => kind === "reserved");
  });
  if (reserved.length > 0) {
    const { detail, until } = yield* details.reserved(reserved);
    return { reason: "reserved", detail, retryAfterMs: soonest(ctx, until, RETRY_LATER_MS) };
  }
  return { reason: "no_capability", detail: details.notOffered(offer, lanes), retryAfterMs: RETRY_LATER_MS };
}

/** Nothing is ready: says what is under way, and whom or what the rest waits for. */
function* noneReady(ctx: EngineContext, target: ClaimTarget): Tx<NoWork> {
  const runs = "run" in target ? [] : yield* openRunsOf(target.project, RUNS_MAX);
  const open = "run" in target ? [target.run] : runs.map(({ id }) => id);
  const working = yield* details.working(target);
  const asked = yield* details.asked(target);
  const waits = yield* details.waits(open, ctx.now);
  const retryAt = yield* nextAvailable(target);
  const retries = retryAt === undefined ? undefined : `a failed task is tried again at ${iso(retryAt)}`;
  const sentences = [working?.detail, retries, waits.detail].filter((one) => one !== undefined);
  const detail = [...sentences, asked].filter((one) => one !== undefined).join("; ");
  if (working?.planning === true) return { reason: "no_plan_yet", detail, retryAfterMs: RETRY_AFTER_MS };
  const person = asked !== undefined && sentences.length === 0;
  const retryAfterMs = soonest(ctx, retryAt ?? waits.until, person ? RETRY_LATER_MS : RETRY_AFTER_MS);
  const reason = person ? "waits_for_person" : "nothing_ready";
  return detail === "" ? { reason, retryAfterMs } : { reason, detail, retryAfterMs };
}

const RUNS_MAX = 5;

/** When to look again: at an instant that is known, within `mostMs`. */
function soonest(ctx: EngineContext, at: number | undefined, mostMs: number): number {
  return at === undefined ? mostMs : Math.max(0, Math.min(mostMs, at - ctx.now));
}
