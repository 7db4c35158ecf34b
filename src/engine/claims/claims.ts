import { NO_FILES } from "../../store/scheduling/file-sets.js";
import type { Agent, SilenceLoss } from "../../store/agents/agents.js";
import {
  type Candidate,
  firstOfLane,
  type LaneHead,
  laneHeads,
  type ClaimTarget,
  type OrderKey,
  parkScope,
  refreshFromScopes,
  refreshLane,
  setHead,
  unparkScope,
} from "../../store/scheduling/lanes.js";
import { countersIfAny, type Counters } from "../../store/runs/counters.js";
import { openDescendants } from "../../store/child-runs/child-runs.js";
import { lockAgent, lockProject, lockRun } from "../../store/lock-order.js";
import type { Run } from "../../store/runs/runs.js";
import { forgiveLoss, openAttempt } from "../../store/tasks/transitions.js";
import { runningTasksOf, type Task, type TaskAndSpec } from "../../store/tasks/tasks.js";
import { appendEvents, type NewEvent } from "../../store/events/events.js";
import { nothing, together, type Tx } from "../../store/tx.js";
import { actingAgent, callingAgent, offerOf } from "../agents/agents.js";
import { tellLosses } from "../agents/presence.js";
import { wantsUnnoted, wantWork } from "../agents/wants.js";
import type { EngineContext } from "../context.js";
import { meets, type Offer, unreservedId } from "../scheduling/demands.js";
import { withTasksWorkedOn } from "./parties.js";
import { modedPatterns } from "../paths/file-sets.js";
import { lockScope } from "../locks/task-locks.js";
import type { Conflict, LockLine } from "../locks/views.js";
import { taskMachine } from "../lifecycle/machines.js";
import { transition } from "../machine.js";
import { type Brief, briefOf, resume } from "./brief.js";
import { hasJustFinished, type NoWork, whyNoWork } from "./no-work.js";
import { findProject } from "../projects/projects.js";
import { isOpen } from "../lifecycle/run-state.js";
import { RunChange } from "../lifecycle/run-change.js";
import { closeIfOverBudget, blockedBudget } from "../cost/budget-state.js";
import { type ParkedOnOwnLocks, findParkedOnOwnLocks } from "./own-locks.js";
import { chooseAmong, type Choice, isBefore, type Lane, rivalOf, tiedWith } from "./lane-choice.js";
import { BatonError } from "../../base/errors.js";
import { identityOfCaller, newLease, runningDueAt } from "../lifecycle/leases.js";
import { requireRun } from "../lookup.js";

export interface ClaimRequest {
  readonly agent?: string | undefined;
  readonly run?: string | undefined;
  readonly project?: string | undefined;
  /** Offered beside what the agent registered. */
  readonly requires?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  /** No attempt of its own back: only new work. */
  readonly fresh?: boolean | undefined;
}

export type Claim = Outcome & {
  /** Losses of the agent while it was silent, told once. */
  readonly lost?: readonly SilenceLoss[];
};

type Outcome =
  | { readonly outcome: "claimed"; readonly brief: Brief }
  | ({ readonly outcome: "none" } & NoWork)
  /** The candidates had to be parked; the next transaction looks further. */
  | { readonly outcome: "again" };

// A claim that keeps meeting locked files sets this many aside in one transaction, then lets others at the database.
const PARKED_AT_ONCE_MAX = 64;

/**
 * Claims the first task the agent can take, in one transaction: the task runs under a new fencing token with all its
 * files locked, or nothing has changed. An agent at capacity gets its own live attempt back instead. Errors:
 * `not_found` for an unknown run or project, `invalid_input` where neither is named and none contains the working
 * directory.
 */
export function* claimTask(ctx: EngineContext, request: ClaimRequest): Tx<Claim> {
  const name = request.agent ?? ctx.caller.agent;
  // A run that is named is looked at in the same round trip as the agent.
  const [agent, live, known] = yield* together([
    actingAgent(ctx, name),
    runningTasksOf(name, CONCURRENT_TASKS_MAX),
    lanesOf(request.run),
  ]);
  const claim = yield* claimOrResume(ctx, request, { agent, live, known });
  // After the locks of the claim, in the one order.
  const lost = yield* tellLosses(agent);
  return lost.length === 0 ? claim : { ...claim, lost };
}

interface KnownAgent {
  readonly agent: Agent;
  /** The tasks it holds. */
  readonly live: readonly Task[];
  /** The lanes of the run that is named. */
  readonly known: readonly LaneHead[] | undefined;
}

function* claimOrResume(ctx: EngineContext, request: ClaimRequest, { agent, live, known }: KnownAgent): Tx<Claim> {
  if (live.length >= agent.maxConcurrentTasks) {
    const own = live.find((task) => request.run === undefined || task.run === request.run) ?? live[0];
    if (request.fresh === true || !own) return { outcome: "none", ...atCapacity(agent, live) };
    const brief = yield* resume(ctx, own);
    return brief ? { outcome: "claimed", brief } : { outcome: "again" };
  }
  const target = yield* claimTarget(ctx, request);
  const claimer = { agent, offer: offerOf(agent, request, ctx.caller), target };
  const claim = yield* claimWithin(ctx, claimer, known ?? (yield* laneHeads(target)));
  if (claim.outcome === "none" && claim.reason !== "run_finished" && claim.reason !== "at_capacity") {
    const run = "run" in target ? yield* requireRun(target.run) : undefined;
    const project = "project" in target ? target.project : (run?.project ?? "");
    yield* wantWork(ctx, { offer: claimer.offer, project, run: run?.id });
  }
  return claim;
}

/** Claims from the target, and from the child runs of a run. */
function* claimWithin(ctx: EngineContext, claimer: Claimer, heads: readonly LaneHead[]): Tx<Claim> {
  const { target } = claimer;
  const claim = yield* claimAt(ctx, claimer, heads);
  if (claim.outcome !== "none" || !("run" in target) || claim.reason.endsWith("at_capacity")) return claim;
  const within = yield* targetWithin(yield* requireRun(target.run), claimer.offer);
  return within ? yield* claimAt(ctx, { ...claimer, target: within }, yield* laneHeads(within)) : claim;
}

function atCapacity({ name, maxConcurrentTasks }: Agent, live: readonly Task[]): NoWork {
  const work = live.slice(0, LIVE_SHOWN_MAX).map(({ key, run }) => `${key} of run ${run}`);
  const now = work.length === 0 ? "" : `: ${work.join(", ")}${live.length > work.length ? ", and more" : ""}`;
  const detail = `${name} runs as many tasks as it registered for (max_concurrent_tasks ${maxConcurrentTasks})${now}`;
  return { reason: "at_capacity", detail, retryAfterMs: 5_000 };
}

const LIVE_SHOWN_MAX = 3;

/** As many as an agent may register for. */
const CONCURRENT_TASKS_MAX = 1_000;

function* lanesOf(run: string | undefined): Tx<LaneHead[] | undefined> {
  return run === undefined ? undefined : yield* laneHeads({ run });
}

/** Finds a descendant run with a claimable task: claiming from a run includes its child runs. */
function* targetWithin(run: Run, offer: Offer): Tx<ClaimTarget | undefined> {
  // The budget of a run covers its descendants too.
  if ((yield* blockedBudget(run)) !== undefined) return undefined;
  for (const id of yield* openDescendants(run.id)) {
    const demands = (yield* laneHeads({ run: id })).map(({ demand }) => demand);
    const whole = yield* withTasksWorkedOn(offer, demands);
    if (demands.some((demand) => meets(whole, demand))) return { run: id };
  }
  return undefined;
}

/** The run or project that a claim names, or the project of the working directory. */
export function* claimTarget(ctx: EngineContext, request: Pick<ClaimRequest, "run" | "project">): Tx<ClaimTarget> {
  if (request.run !== undefined) return { run: request.run };
  const project = yield* findProject(ctx, request.project);
  if (project) return { project: project.id };
  throw new BatonError(
    "invalid_input",
    "There is no project for the working directory, so say where to look for work: run or project.",
    {
      next: [
        { tool: "query_operation", arguments: { name: "list_runs", arguments: {} } },
        { tool: "query_operation", arguments: { name: "list_projects", arguments: {} } },
      ],
    },
  );
}

export interface Claimer {
  readonly agent: Agent;
  readonly offer: Offer;
  readonly target: ClaimTarget;
}

/** Takes the first task that the offer meets. The lanes were read unlocked and are read again under the run's lock. */
export function* claimAt(ctx: EngineContext, given: Claimer, heads: readonly LaneHead[]): Tx<Claim> {
  const offer = yield* withTasksWorkedOn(
    given.offer,
    heads.map(({ demand }) => demand),
  );
  const claimer = { ...given, offer };
  const rivals = heads.filter(({ demand }) => meets(claimer.offer, demand));
  const [lane] = rivals;
  if (!lane) {
    if ("run" in claimer.target) yield* requireRun(claimer.target.run);
    const own = yield* findParkedOnOwnLocks(ctx, claimer.offer, claimer.target);
    if (own) return yield* takeOwn(ctx, claimer, own);
    return { outcome: "none", ...(yield* whyNoWork(ctx, claimer.offer, claimer.target)) };
  }
  const tied = tiedWith(lane, rivals).filter(({ demand }) => demand !== lane.demand);
  return yield* takeFrom(ctx, claimer, { lane, tied, rivals });
}

/**
 * Whether a claim would find something to try, or an end to its waiting. A query, so that waiting calls do not wake
 * each other.
 */
export function* worthClaiming(ctx: EngineContext, request: ClaimRequest): Tx<boolean> {
  const agent = yield* callingAgent(ctx, request.agent);
  const target = yield* claimTarget(ctx, request);
  const run = "run" in target ? yield* requireRun(target.run) : undefined;
  if (run && run.endedAt !== null) return true;
  const heads = yield* laneHeads(target);
  const offer = yield* withTasksWorkedOn(
    offerOf(agent, request, ctx.caller),
    heads.map(({ demand }) => demand),
  );
  if (heads.some(({ demand }) => meets(offer, demand))) return true;
  if ((yield* findParkedOnOwnLocks(ctx, offer, target)) !== undefined) return true;
  const hasWork =
    run === undefined ? yield* hasJustFinished(ctx, target) : (yield* targetWithin(run, offer)) !== undefined;
  return hasWork || (yield* wantsUnnoted(ctx, agent.name));
}

/** Brings back what was parked on the claimer's own lock and takes it, at once: a waiter would park it again in between. */
function* takeOwn(ctx: EngineContext, claimer: Claimer, { demand, parked }: ParkedOnOwnLocks): Tx<Claim> {
  yield* lockProject(demand.project);
  yield* lockRun(parked.run);
  yield* unparkScope(parked);
  return yield* takeFrom(ctx, claimer, { lane: { demand, run: parked.run, head: "" }, tied: [], rivals: [] });
}

function* takeFrom(
  ctx: EngineContext,
  claimer: Claimer,
  { lane, tied, rivals }: { lane: Lane; tied: readonly Lane[]; rivals: readonly LaneHead[] },
): Tx<Claim> {
  // The one lock order: the project first, since files may be locked; then the run; then the agent.
  const files = lane.demand.scoped || tied.some(({ demand }) => demand.scoped);
  const [project, run, agent, counters, choice] = yield* together([
    files ? lockProject(lane.demand.project) : nothing(),
    lockRun(lane.run),
    lockAgent(claimer.agent.name),
    countersIfAny(lane.run),
    chooseAmong(lane, tied, claimer.agent.name),
  ]);
  if (!run || !counters || !isOpen(run, 0) || (yield* closeIfOverBudget(run))) return { outcome: "again" };
  // The agent was removed between the read and its lock: the next transaction registers it anew.
  if (agent?.status !== "active") return { outcome: "again" };
  const chosen = { ...choice, run, counters };
  if (!project || !chosen.lane.demand.scoped) return yield* takePlain(ctx, claimer, chosen);
  return yield* takeWithFiles(ctx, claimer, { ...chosen, rivals, caseInsensitive: project.caseInsensitive });
}

interface ChosenLane extends Choice {
  readonly run: Run;
  readonly counters: Counters;
}

function* takePlain(ctx: EngineContext, claimer: Claimer, chosen: ChosenLane): Tx<Claim> {
  const { candidate } = chosen;
  const lost = lostRace(claimer, candidate);
  if (lost?.outcome === "none") return lost;
  if (candidate) return yield* take(ctx, claimer, { ...chosen, candidate, locks: [], events: [] });
  yield* refreshLane({ run: chosen.run.id, demand: chosen.lane.demand.id, scope: "" });
  return { outcome: "again" };
}

// Another call of the same agent, or another process, may have been quicker between the read and the lock.
function lostRace(claimer: Claimer, candidate: Candidate | undefined): Claim | undefined {
  if (!candidate) return { outcome: "again" };
  if (candidate.live < claimer.agent.maxConcurrentTasks) return undefined;
  return { outcome: "none", ...atCapacity(claimer.agent, []) };
}

/** Tries one set of files after the other; those that a lock holds up leave the order as a whole. */
function* takeWithFiles(
  ctx: EngineContext,
  claimer: Claimer,
  { rivals, ...chosen }: ChosenLane & { readonly caseInsensitive: boolean; readonly rivals: readonly LaneHead[] },
): Tx<Claim> {
  const touched = new Set([chosen.lane.demand.id]);
  let rival: OrderKey | undefined;
  for (let parked = 0; parked < PARKED_AT_ONCE_MAX; parked++) {
    const candidate = parked === 0 ? chosen.candidate : yield* firstOfLane(chosen.lane, claimer.agent.name);
    const lost = lostRace(claimer, candidate);
    if (lost?.outcome === "none") return lost;
    if (!candidate) break;
    const { task } = candidate;
    if (parked === 1) rival = yield* rivalOf(claimer.target, chosen.lane, rivals);
    if (rival !== undefined && isBefore(rival, task)) {
      // Among equals the age of this very task decides, not that of one that has left the lane.
      yield* setHead(chosen.lane, task.id);
      break;
    }
    const files = yield* lockScope(ctx, {
      project: task.project,
      task: task.id,
      run: task.run,
      agent: claimer.agent.name,
      session: ctx.caller.session?.id ?? null,
      patterns: modedPatterns(candidate.files ?? NO_FILES, chosen.caseInsensitive),
      queuePosition: { position: task.bucket, askedAt: task.readyAt ?? task.createdAt },
    });
    if ("granted" in files) {
      if (parked > 0) yield* refreshAll(chosen.run.id, touched);
      return yield* take(ctx, claimer, { ...chosen, candidate, locks: files.granted, events: files.events });
    }
    for (const demand of yield* parkScope({ run: task.run, scope: task.scope }, files.blockedBy)) touched.add(demand);
    if (!files.compared) yield* appendEvents(ctx, [passedOver(task, files.conflict)]);
  }
  yield* refreshAll(chosen.run.id, touched);
  return { outcome: "again" };
}

/** Tells why a task is passed over whose files are too many to compare with the locks there are. */
function passedOver({ id, key, project, run }: Task, { path, held_by }: Conflict): NewEvent {
  const reason = "so many globs meet so many locks that comparing them would take too long: name directories instead";
  return { type: "task.passed_over", project, run, task: id, data: { key, reason, waits_for: { path, held_by } } };
}

function* refreshAll(run: string, demands: ReadonlySet<string>): Tx<void> {
  for (const demand of demands) yield* refreshFromScopes({ run, demand });
}

interface Taking extends Omit<ChosenLane, "candidate"> {
  readonly candidate: TaskAndSpec;
  readonly locks: readonly LockLine[];
  /** Events of locking the task's files. */
  readonly events: readonly NewEvent[];
}

function* take(ctx: EngineContext, claimer: Claimer, taking: Taking): Tx<Claim> {
  const { task, spec } = taking.candidate;
  transition(taskMachine, task, "claim");
  const lease = newLease(ctx);
  const closing = { startedAt: ctx.now, closeBy: task.closeBy, sleptMs: 0 };
  const opened: Task = {
    ...task,
    status: "running",
    agent: claimer.agent.name,
    session: lease.session,
    // A reservation ends with the claim: should the task come back, it is open to every agent.
    demand: unreservedId(taking.lane.demand),
    reservedFor: null,
    reservedUntil: null,
    token: task.token + 1,
    attempt: task.attempt + 1,
    startedAt: ctx.now,
    sleptMs: 0,
    progressNote: null,
    leaseExpiresAt: lease.expiresAt,
    dueAt: runningDueAt(ctx, closing, { timeouts: spec.timeouts, lease }),
    holdsFiles: taking.locks.length > 0,
  };
  // Read before the writes, which then travel with COMMIT.
  const brief = yield* briefOf(ctx, { task: opened, spec }, { ...taking, resumed: false });
  yield* openAttempt(opened);
  const forgives = task.lostBy !== null && task.lostBy === identityOfCaller(ctx);
  if (forgives) yield* forgiveLoss(task.id);
  const change = new RunChange(ctx, taking.run, taking.counters);
  change.move(task, "running");
  change.append(taking.events);
  change.recordTask(opened, "task.claimed", {
    token: opened.token,
    attempt: opened.attempt,
    ...(forgives && { loss_forgiven: true }),
  });
  yield* change.flush();
  return { outcome: "claimed", brief };
}
