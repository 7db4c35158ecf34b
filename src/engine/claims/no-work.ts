import { overBudgetWithin } from "../../store/cost/budgets.js";
import { openDescendants } from "../../store/child-runs/child-runs.js";
import { findRun, type Run } from "../../store/runs/runs.js";
import type { ClaimTarget } from "../../store/scheduling/lanes.js";
import {
  type LaneAtHand,
  lanesAtHand,
  lastRunOf,
  openRunsOf,
  readyOfDemand,
} from "../../store/scheduling/obstacles.js";
import type { Tx } from "../../store/tx.js";
import { iso } from "../../base/time.js";
import type { EngineContext } from "../context.js";
import { budgetSentence, blockedBudget } from "../cost/budget-state.js";
import { breakerWaits, meets, type Offer, unmet } from "../scheduling/demands.js";
import { projectOfMainWorktree } from "../projects/projects.js";
import { whyShort } from "../resources/tasks.js";
import * as details from "./no-work-details.js";
import { offerFor } from "./offers.js";

/** Reasons why a claim found no task. */
export const NO_WORK_REASONS = [
  "nothing_ready",
  "no_capability",
  "paused",
  "at_capacity",
  "run_at_capacity",
  "locked_out",
  "resources",
  "reserved",
  "breaker_open",
  "excluded",
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
  /** Milliseconds until it ends without a change of any row. */
  readonly endsInMs?: number;
}

const RETRY_AFTER_MS = 5_000;
/** For reasons that seldom end within seconds: a person, a budget, or another agent has to act first. */
const RETRY_LATER_MS = 30_000;
/** For work whose instant is known: longer than this an agent need not stay away, since other work may come. */
const RETRY_AT_LAST_MS = 3_600_000;

/** For so long after its last run has ended, a project without open runs is finished rather than idle. */
const FINISHED_MS = 60_000;

/** A claim that found nothing: the offer, where it was made, and the run, where that is a run. */
export interface EmptyClaim {
  readonly offer: Offer;
  readonly target: ClaimTarget;
  readonly run: Run | undefined;
}

/** Returns the most specific reason. Costs several reads: only for a claim that found nothing. */
export function* whyNoWork(ctx: EngineContext, { offer: given, target, run }: EmptyClaim): Tx<NoWork> {
  const over = run ? finished(run) : yield* projectOver(ctx, target);
  if (over) return over;
  if (run?.status === "paused")
    return { reason: "paused", detail: details.paused([run]), retryAfterMs: RETRY_LATER_MS };
  const lanes = yield* lanesAtHand(target);
  const offer = yield* offerFor(ctx, given, lanes);
  const held = yield* heldBack(ctx, { offer, target, lanes });
  if (held) return held;
  if (lanes.length > 0) return yield* notForThisAgent(ctx, offer, lanes);
  return run === undefined ? yield* noneReady(ctx, [target]) : yield* noneReadyWithin(ctx, offer, run);
}

/** A run without ready tasks may have child runs with some. */
function* noneReadyWithin(ctx: EngineContext, given: Offer, run: Run): Tx<NoWork> {
  const within = (yield* openDescendants(run.id)).slice(0, DESCENDANTS_MAX).map((id) => ({ run: id }));
  for (const target of within) {
    const lanes = yield* lanesAtHand(target);
    const offer = yield* offerFor(ctx, given, lanes);
    const why = yield* heldBack(ctx, { offer, target, lanes });
    if (why) return why;
    if (lanes.length > 0) return yield* notForThisAgent(ctx, offer, lanes);
  }
  return yield* noneReady(ctx, [{ run: run.id }, ...within]);
}

const DESCENDANTS_MAX = 5;

/** A run that gives out no task any more: it has ended, or is being cancelled. */
function finished(run: Run): NoWork | undefined {
  const named = `run ${run.name} (${run.id})`;
  const stop = "stop: nothing more of it is to be done";
  if (run.status === "cancelling")
    return { reason: "run_finished", detail: `${named} is being cancelled; ${stop}`, retryAfterMs: 0 };
  if (run.endedAt === null) return undefined;
  const detail = `${named} ended as ${run.status} at ${iso(run.endedAt)}${run.status === "cancelled" ? `; ${stop}` : ""}`;
  return { reason: "run_finished", detail, retryAfterMs: 0 };
}

/** A project whose last run has just ended is finished; one that never had a run has no plan yet. */
function* projectOver(ctx: EngineContext, target: ClaimTarget): Tx<NoWork | undefined> {
  if (!("project" in target) || (yield* openRunsOf(target.project, 1)).length > 0) return undefined;
  const last = yield* lastRunOf(target.project);
  // On PostgreSQL each statement sees what was committed before it: a run may have begun between the two.
  if (last !== undefined && (yield* openRunsOf(target.project, 1)).length > 0) return undefined;
  if (last === undefined) {
    const elsewhere = yield* planOfMainWorktree(ctx, target.project);
    const detail = `no run has been started in this project yet, and no task was created${elsewhere}`;
    return { reason: "no_plan_yet", detail, retryAfterMs: RETRY_AFTER_MS };
  }
  const agoMs = ctx.now - last.at;
  const how = last.kind === "standing" ? "its last task ended" : `the last one, ${last.name}, ended as ${last.status}`;
  const detail = `no run of the project is open: ${how} at ${iso(last.at)}`;
  if (agoMs < FINISHED_MS) return { reason: "run_finished", detail, retryAfterMs: FINISHED_MS - agoMs };
  return { reason: "nothing_ready", detail, retryAfterMs: RETRY_LATER_MS };
}

/** Where the plan is that an agent in a linked work tree may look for: a work tree is a project of its own unless they are shared. */
function* planOfMainWorktree({ caller }: EngineContext, project: string): Tx<string> {
  const main = yield* projectOfMainWorktree(caller.workplace);
  if (main === undefined || main.id === project || (yield* openRunsOf(main.id, 1)).length === 0) return "";
  const { name } = main;
  return `; the project ${name} of the main work tree has open runs: claim_task with project: "${name}", or have all work trees be one project by update_project {project: "${name}", config: {worktrees: "shared"}}`;
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
  const alone = own.find(({ demand, open, running }) => demand.alone && open && running > 0);
  if (alone)
    return { reason: "run_at_capacity", detail: yield* details.waitsAlone(alone), retryAfterMs: RETRY_AFTER_MS };
  const parked = own.filter((lane) => lane.parked);
  if (parked.length === 0) return yield* shortOfResources(ctx, offer, own);
  const { detail, until } = yield* details.lockedOut(ctx, offer.agent, parked);
  return { reason: "locked_out", detail, retryAfterMs: soonest(ctx, until, RETRY_AFTER_MS) };
}

/** Returns what the first task of these lanes is short of that requires resources; undefined where none is. */
function* shortOfResources(ctx: EngineContext, { agent }: Offer, lanes: readonly LaneAtHand[]): Tx<NoWork | undefined> {
  for (const lane of lanes) {
    const { resources } = lane.demand;
    if (resources === null) continue;
    const [first] = yield* readyOfDemand(lane, 1);
    const short = yield* whyShort(ctx, agent, { resources, subject: first?.task.key ?? "what is ready" });
    if (short) return { reason: "resources", detail: short.detail, retryAfterMs: RETRY_AFTER_MS };
  }
  return undefined;
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

/** Ready work asks for another agent: a reservation ends by itself, a role or a capability has to be offered, a server runs commands. */
function* notForThisAgent(ctx: EngineContext, offer: Offer, lanes: readonly LaneAtHand[]): Tx<NoWork> {
  const reserved = lanes.filter(({ demand }) => {
    const gaps = unmet(offer, demand);
    return gaps.length > 0 && gaps.every(({ kind }) => kind === "reserved");
  });
  if (reserved.length > 0) {
    const { detail, until } = yield* details.reserved(ctx.now, reserved);
    return { reason: "reserved", detail, retryAfterMs: soonest(ctx, until, RETRY_LATER_MS) };
  }
  const broken = lanes.find(({ demand }) => unmet(offer, demand).some(({ kind }) => kind === "breaker_open"));
  if (broken && offer.broken) {
    const { until } = offer.broken;
    const detail = `${offer.agent} has failed too often, and other agents can do what is ready: ${breakerWaits(offer.broken)}`;
    return { reason: "breaker_open", detail, ...endingAt(ctx, until, RETRY_AT_LAST_MS) };
  }
  const kept = lanes.flatMap(({ demand }) => offer.excluded?.get(demand.id) ?? []);
  if (kept.length > 0) {
    const until = Math.min(...kept);
    const detail = `${offer.agent} has failed what is ready, and other agents can do it: it is theirs first until ${iso(until)}`;
    return { reason: "excluded", detail, ...endingAt(ctx, until, RETRY_LATER_MS) };
  }
  const forAgents = lanes.filter(({ demand }) => demand.executor === "agent");
  const served = yield* details.served(ctx, lanes);
  // Agents are not asked for what a server will run.
  if (forAgents.length === 0 && !served.waits)
    return { reason: "nothing_ready", detail: served.detail, retryAfterMs: RETRY_AFTER_MS };
  const asked = forAgents.length === 0 ? "" : yield* details.notOffered(offer, forAgents);
  const detail = [asked, served.detail].filter((one) => one !== "").join("; ");
  return { reason: "no_capability", detail, retryAfterMs: RETRY_LATER_MS };
}

/** Nothing is ready: says what is under way, what is tried again, and whom or what the rest waits for. The first target is the claim's. */
function* noneReady(ctx: EngineContext, targets: readonly [ClaimTarget, ...ClaimTarget[]]): Tx<NoWork> {
  const [target] = targets;
  const open = "run" in target ? targets : (yield* openRunsOf(target.project, RUNS_MAX)).map(({ id }) => ({ run: id }));
  const working = yield* details.working(target);
  const asked = yield* details.asked(target);
  const retries = yield* details.retries(ctx.now, targets);
  const waits = yield* details.waits(
    open.flatMap((one) => ("run" in one ? one.run : [])),
    ctx.now,
  );
  const sentences = [working?.detail, retries.detail, waits.detail].filter((one) => one !== undefined);
  const detail = [...sentences, asked].filter((one) => one !== undefined).join("; ");
  if (working?.planning === true) return { reason: "no_plan_yet", detail, retryAfterMs: RETRY_AFTER_MS };
  const until = details.earliestOf([retries.until, waits.until]);
  // An agent at work may make tasks ready at any time, a person within a while; else the instant is known.
  const unknownMs = asked === undefined ? RETRY_AFTER_MS : RETRY_LATER_MS;
  const isKnown = working === undefined && asked === undefined && until !== undefined;
  const retryAfterMs = soonest(ctx, until, isKnown ? RETRY_AT_LAST_MS : working ? RETRY_AFTER_MS : unknownMs);
  const reason = asked !== undefined && sentences.length === 0 ? "waits_for_person" : "nothing_ready";
  return detail === "" ? { reason, retryAfterMs } : { reason, detail, retryAfterMs };
}

const RUNS_MAX = 5;
/** Zero would read as "ask again at once". */
const SOONEST_MS = 100;

/** When to claim again, and when what ends by time alone has ended: a waiting claim looks then. */
function endingAt(ctx: EngineContext, at: number | undefined, mostMs: number) {
  const retryAfterMs = soonest(ctx, at, mostMs);
  return at === undefined ? { retryAfterMs } : { retryAfterMs, endsInMs: Math.max(SOONEST_MS, at - ctx.now) };
}

/** When to look again: at an instant that is known, within `mostMs`. */
function soonest(ctx: EngineContext, at: number | undefined, mostMs: number): number {
  return at === undefined ? mostMs : Math.max(SOONEST_MS, Math.min(mostMs, at - ctx.now));
}
