import { CONCURRENT_TASKS_MAX } from "../../base/limits.js";
import type { FoundAgent } from "../../store/agents/agents.js";
import { type LaneHead, laneHeads, type ClaimTarget, unparkScope } from "../../store/scheduling/lanes.js";
import { openDescendants } from "../../store/child-runs/child-runs.js";
import { lockProject, lockRun } from "../../store/lock-order.js";
import type { Run } from "../../store/runs/runs.js";
import { runningTasksOf, type Task } from "../../store/tasks/tasks.js";
import { isAnyUnheldDue } from "../../store/tasks/transitions.js";
import { nothing, together, type Tx } from "../../store/tx.js";
import { actingAgent, callingAgent, offerOf } from "../agents/agents.js";
import { tellLosses } from "../agents/presence.js";
import { wantsUnnoted, wantWork } from "../agents/wants.js";
import { tellOfLocks } from "../channels/lock-notices.js";
import { rememberRoles, settleWaiting, type WaitingMessages } from "../channels/unread.js";
import type { EngineContext } from "../context.js";
import { meets } from "../scheduling/demands.js";
import { resume } from "./brief.js";
import { hasJustFinished, whyNoWork } from "./no-work.js";
import { projectAtHand, requireProject } from "../projects/creation.js";
import { blockedBudget, whyStopped } from "../cost/budget-state.js";
import { waitsAlone, withoutWaitingAlone } from "./alone.js";
import { type ParkedOnOwnLocks, findParkedOnOwnLocks } from "./own-locks.js";
import { type HeadStarts, withoutHeadStarts } from "./head-starts.js";
import { tiedWith } from "./lane-choice.js";
import { offerFor } from "./offers.js";
import { requireRun } from "../lookup.js";
import { fitting } from "../resources/tasks.js";
import { atCapacity, takeFrom, type Claim, type Claimer } from "./taking.js";

export interface ClaimRequest {
  readonly agent?: string | undefined;
  readonly run?: string | undefined;
  readonly project?: string | undefined;
  /** Offered beside what the agent registered. */
  readonly requires?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  /** No attempt of its own back: only new work. */
  readonly fresh?: boolean | undefined;
  /** The caller handles due work first where there is any: the claim then answers `due` and takes nothing. */
  readonly catchesUp?: boolean | undefined;
  /** The work that a call leaves to others for a moment: one that waits, and so comes back when that is over. Without it a claim leaves none. */
  readonly headStarts?: HeadStarts | undefined;
}

/**
 * Claims the first task the agent can take, in one transaction: the task runs under a new fencing token with all its
 * files locked, or nothing has changed. An agent at capacity gets its own live attempt back instead. Errors:
 * `not_found` for an unknown run or project; `invalid_transition` for an archived project.
 */
export function* claimTask(ctx: EngineContext, request: ClaimRequest): Tx<Claim> {
  const name = request.agent ?? ctx.caller.agent;
  // A run that is named is looked at in the same round trip as the agent.
  const [agent, live, known, isDue = false] = yield* together([
    actingAgent(ctx, name),
    runningTasksOf(name, CONCURRENT_TASKS_MAX),
    lanesOf(request.run),
    request.catchesUp === true ? isAnyUnheldDue(ctx.now) : nothing(),
  ]);
  const claim = yield* claimOrResume(ctx, request, { agent, live, known, isDue });
  // After the locks of the claim, in the one order.
  const lost = yield* tellLosses(agent);
  const messages = claim.outcome === "again" ? undefined : yield* messagesBeside(ctx, { agent, request, claim });
  if (claim.outcome === "claimed" && claim.met !== undefined)
    yield* tellOfLocks(ctx, { project: claim.brief.task.project, agent: name, met: claim.met });
  return { ...claim, ...(lost.length === 0 ? {} : { lost }), ...(messages && { messages }) };
}

/** Remembers the roles of the claim, and counts the messages that wait for the agent where it works. */
function* messagesBeside(
  ctx: EngineContext,
  { agent, request, claim }: { agent: FoundAgent; request: ClaimRequest; claim: Claim },
): Tx<WaitingMessages | undefined> {
  const known = yield* rememberRoles(agent, request.roles);
  if (known.newestMessage === null || known.newestMessage === known.messagesSeen) return undefined;
  return yield* settleWaiting(known, yield* projectOf(ctx, request, claim));
}

function* projectOf(ctx: EngineContext, request: ClaimRequest, claim: Claim): Tx<string | undefined> {
  if (claim.outcome === "claimed") return claim.brief.task.project;
  if (request.run !== undefined) return (yield* requireRun(request.run)).project;
  return (yield* projectAtHand(ctx, request.project))?.id;
}

interface KnownAgent {
  readonly agent: FoundAgent;
  /** The tasks it holds. */
  readonly live: readonly Task[];
  /** The lanes of the run that is named. */
  readonly known: readonly LaneHead[] | undefined;
  /** Whether a retry or a timer is due that may come before what is ready. */
  readonly isDue: boolean;
}

function* claimOrResume(
  ctx: EngineContext,
  request: ClaimRequest,
  { agent, live, known, isDue }: KnownAgent,
): Tx<Claim> {
  if (live.length >= agent.maxConcurrentTasks) {
    const own = live.find((task) => request.run === undefined || task.run === request.run) ?? live[0];
    if (request.fresh === true || !own) return { outcome: "none", ...atCapacity(agent, live) };
    const brief = yield* resume(ctx, own);
    return brief ? { outcome: "claimed", brief } : { outcome: "again" };
  }
  if (isDue) return { outcome: "again", due: true };
  const target = yield* claimTarget(ctx, request);
  const offer = offerOf(agent, request, ctx.caller);
  const { headStarts } = request;
  return yield* claimWithin(ctx, { agent, offer, target, headStarts }, known ?? (yield* laneHeads(target)));
}

/** Claims from the target, and from the child runs of a run; where there is nothing, notes what the agent wants. */
function* claimWithin(ctx: EngineContext, claimer: Claimer, heads: readonly LaneHead[]): Tx<Claim> {
  const { target, offer } = claimer;
  const claim = yield* claimAt(ctx, claimer, heads);
  if (claim) return claim;
  const run = "run" in target ? yield* requireRun(target.run) : undefined;
  const why = yield* whyNoWork(ctx, { offer, target, run });
  const within = run && why.reason !== "run_at_capacity" ? yield* targetWithin(ctx, run, claimer) : undefined;
  const ofChild = within && (yield* claimAt(ctx, { ...claimer, target: within }, yield* laneHeads(within)));
  if (ofChild) return ofChild;
  if (why.reason !== "run_finished") {
    const project = "project" in target ? target.project : (run?.project ?? "");
    yield* wantWork(ctx, { offer, project, run: run?.id });
  }
  return { outcome: "none", ...why };
}

function* lanesOf(run: string | undefined): Tx<LaneHead[] | undefined> {
  return run === undefined ? undefined : yield* laneHeads({ run });
}

/** Finds a descendant run with a claimable task: claiming from a run includes its child runs. */
function* targetWithin(
  ctx: EngineContext,
  run: Run,
  { offer, headStarts }: Pick<Claimer, "offer" | "headStarts">,
): Tx<ClaimTarget | undefined> {
  // The budget of a run covers its descendants too.
  if ((yield* blockedBudget(run)) !== undefined) return undefined;
  for (const id of yield* openDescendants(run.id)) {
    const heads = yield* laneHeads({ run: id });
    const whole = yield* offerFor(ctx, offer, heads);
    const met = heads.filter(({ demand }) => meets(whole, demand));
    if ((yield* takeable(ctx, { offer, target: { run: id }, headStarts }, met)).length > 0) return { run: id };
  }
  return undefined;
}

/** The run or project that a claim names, or the project where create_task would put a task, made at need. */
function* claimTarget(ctx: EngineContext, request: Pick<ClaimRequest, "run" | "project">): Tx<ClaimTarget> {
  return request.run === undefined
    ? { project: (yield* requireProject(ctx, request.project)).id }
    : { run: request.run };
}

/**
 * Takes the first task that the offer meets; undefined where there is none. The lanes were read unlocked and are read again under the
 * run's lock.
 */
export function* claimAt(ctx: EngineContext, given: Claimer, heads: readonly LaneHead[]): Tx<Claim | undefined> {
  const offer = yield* offerFor(ctx, given.offer, heads);
  const claimer = { ...given, offer };
  const met = heads.filter(({ demand }) => meets(claimer.offer, demand));
  const rivals = yield* takeable(ctx, claimer, met);
  const [lane] = rivals;
  if (!lane) {
    const own = yield* findParkedOnOwnLocks(ctx, claimer.offer, claimer.target);
    const fits = own !== undefined && (yield* fitting(ctx, claimer.agent.name, [own])).length > 0;
    const waits = own !== undefined && (yield* waitsAlone({ demand: own.demand, run: own.parked.run }));
    return fits && !waits ? yield* takeOwn(ctx, claimer, own) : undefined;
  }
  const tied = tiedWith(lane, rivals).filter(({ demand }) => demand !== lane.demand);
  return yield* takeFrom(ctx, claimer, { lane, tied, rivals });
}

/** Returns those of the lanes that an offer meets, best first, whose first task can be taken now, as far as that is seen without locks. */
function* takeable(
  ctx: EngineContext,
  { offer, target, headStarts }: Omit<Claimer, "agent">,
  met: readonly LaneHead[],
): Tx<readonly LaneHead[]> {
  const open = withoutHeadStarts(met, ctx, headStarts);
  return yield* fitting(ctx, offer.agent, yield* withoutWaitingAlone(target, open));
}

/**
 * Whether a claim would find something to try, or an end to its waiting. A query, so that waiting calls do not wake
 * each other.
 */
export function* worthClaiming(ctx: EngineContext, request: ClaimRequest): Tx<boolean> {
  const agent = yield* callingAgent(ctx, request.agent);
  const project = request.run === undefined ? yield* projectAtHand(ctx, request.project) : undefined;
  const target = request.run === undefined ? project && { project: project.id } : { run: request.run };
  if (target === undefined) return false;
  const run = "run" in target ? yield* requireRun(target.run) : undefined;
  if (run && run.endedAt !== null) return true;
  const heads = yield* laneHeads(target);
  const offer = yield* offerFor(ctx, offerOf(agent, request, ctx.caller), heads);
  // A budget that is spent lets no claim take what there is, until it is raised.
  const met = heads.filter(({ demand }) => meets(offer, demand));
  if ((yield* takeable(ctx, { offer, target, headStarts: request.headStarts }, met)).length > 0)
    return (yield* whyStopped({ project: run?.project ?? project?.id ?? null, agent: agent.name })) === undefined;
  if ((yield* findParkedOnOwnLocks(ctx, offer, target)) !== undefined) return true;
  const hasWork =
    run === undefined
      ? yield* hasJustFinished(ctx, target)
      : (yield* targetWithin(ctx, run, { offer, headStarts: request.headStarts })) !== undefined;
  return hasWork || (yield* wantsUnnoted(ctx, agent.name));
}

/** Brings back what was parked on the claimer's own lock and takes it, at once: a waiter would park it again in between. */
function* takeOwn(ctx: EngineContext, claimer: Claimer, { demand, parked }: ParkedOnOwnLocks): Tx<Claim> {
  yield* lockProject(demand.project);
  yield* lockRun(parked.run);
  yield* unparkScope(parked);
  return yield* takeFrom(ctx, claimer, { lane: { demand, run: parked.run, head: "" }, tied: [], rivals: [] });
}
