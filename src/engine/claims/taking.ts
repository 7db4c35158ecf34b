import type { Project } from "../projects/projects.js";
import type { Agent, FoundAgent, SilenceLoss } from "../../store/agents/agents.js";
import { appendEvents, type NewEvent } from "../../store/events/events.js";
import { lockProject, lockRun, lockClaimer } from "../../store/lock-order.js";
import { countersIfAny, type Counters } from "../../store/runs/counters.js";
import type { Run } from "../../store/runs/runs.js";
import { NO_FILES } from "../../store/scheduling/file-sets.js";
import {
  firstOfLane,
  parkScope,
  refreshFromScopes,
  refreshLane,
  setHead,
  type Candidate,
  type ClaimTarget,
  type LaneHead,
  type OrderKey,
} from "../../store/scheduling/lanes.js";
import type { Task } from "../../store/tasks/tasks.js";
import { openAttempt, forgiveLoss } from "../../store/tasks/transitions.js";
import { type Tx, together, nothing } from "../../store/tx.js";
import { agentTarget, beginTrial } from "../breakers/breakers.js";
import { serverTarget } from "../breakers/servers.js";
import type { EngineContext } from "../context.js";
import type { WaitingMessages } from "../channels/unread.js";
import { agentBudget, closeIfOverBudget, whyStopped } from "../cost/budget-state.js";
import { begunBy, identityOfCaller } from "../lifecycle/leases.js";
import { taskMachine } from "../lifecycle/machines.js";
import { RunChange } from "../lifecycle/run-change.js";
import { isOpen } from "../lifecycle/run-state.js";
import type { MetLock } from "../locks/conflicts.js";
import { lockScope } from "../locks/task-locks.js";
import type { Conflict, LockLine } from "../locks/views.js";
import { transition } from "../machine.js";
import { modedPatterns } from "../paths/file-sets.js";
import { allocateToTask } from "../resources/tasks.js";
import type { Offer } from "../scheduling/demands.js";
import { briefOf, type Brief } from "./brief.js";
import { type HeadStartChoice, headStartOf, type HeadStarts } from "./head-starts.js";
import { type Choice, type Lane, chooseAmong, isBefore, rivalOf } from "./lane-choice.js";
import type { NoWork } from "./no-work.js";
import { recoveryBy } from "./recovered.js";

export type Claim = Outcome & {
  /** Losses of the agent while it was silent, told once. */
  readonly lost?: readonly SilenceLoss[];
  /** Locks of others on the task's files, which keep no one out. */
  readonly met?: readonly MetLock[];
  /** Whether the task was kept for the agent. */
  readonly reserved?: boolean;
  /** The choice between idle agents by which the task came to its agent. */
  readonly headStart?: HeadStartChoice;
  /** Undefined where no message waits for the agent. */
  readonly messages?: WaitingMessages | undefined;
};

type Outcome =
  | { readonly outcome: "claimed"; readonly brief: Brief }
  | ({ readonly outcome: "none" } & NoWork)
  /** The candidates had to be parked, or `due` work comes first; the next transaction looks further. */
  | { readonly outcome: "again"; readonly due?: boolean };

export interface Claimer {
  readonly agent: FoundAgent;
  readonly offer: Offer;
  readonly target: ClaimTarget;
  readonly headStarts?: HeadStarts | undefined;
}

export function atCapacity({ name, maxConcurrentTasks }: Agent, live: readonly Task[]): NoWork {
  const work = live.slice(0, LIVE_SHOWN_MAX).map(({ key, run }) => `${key} of run ${run}`);
  const now = work.length === 0 ? "" : `: ${work.join(", ")}${live.length > work.length ? ", and more" : ""}`;
  const detail = `${name} runs as many tasks as it registered for (max_concurrent_tasks ${maxConcurrentTasks})${now}`;
  return { reason: "at_capacity", detail, retryAfterMs: 5_000 };
}

const LIVE_SHOWN_MAX = 3;
const BUDGET_RETRY_MS = 60_000;

// A claim that keeps meeting locked files sets this many aside in one transaction, then lets others at the database.
const PARKED_AT_ONCE_MAX = 64;

export function* takeFrom(
  ctx: EngineContext,
  claimer: Claimer,
  { lane, tied, rivals }: { lane: Lane; tied: readonly Lane[]; rivals: readonly LaneHead[] },
): Tx<Claim> {
  // The one lock order: the project first, since files may be locked; then the run; then the agent.
  const files = lane.demand.scoped || tied.some(({ demand }) => demand.scoped);
  const [project, run, agent, counters, choice] = yield* together([
    files ? lockProject(lane.demand.project) : nothing(),
    lockRun(lane.run),
    lockClaimer(claimer.agent.name, { agent: agentBudget(claimer.agent.name), project: lane.demand.project }),
    countersIfAny(lane.run),
    chooseAmong(lane, tied, claimer.agent.name),
  ]);
  if (!run || !counters || !isOpen(run) || (yield* closeIfOverBudget(run))) return { outcome: "again" };
  // The agent was removed between the read and its lock: the next transaction registers it anew.
  if (agent?.status !== "active") return { outcome: "again" };
  const stopped = agent.hasBudget ? yield* whyStopped({ project: run.project, agent: claimer.agent.name }) : undefined;
  if (stopped !== undefined)
    return { outcome: "none", reason: "budget_blocked", detail: stopped, retryAfterMs: BUDGET_RETRY_MS };
  const headStart = yield* headStartOf(ctx, claimer, choice);
  if (headStart.leaves) return { outcome: "again" };
  // It was read as idle without its lock: the next transaction looks again.
  if (choice.lane.demand.alone && counters.running > 0) return { outcome: "again" };
  const chosen = { ...choice, run, counters, headStart: headStart.choice };
  if (!project || !chosen.lane.demand.scoped) return yield* takePlain(ctx, claimer, chosen);
  return yield* takeWithFiles(ctx, claimer, { ...chosen, rivals, project });
}

interface ChosenLane extends Choice {
  readonly run: Run;
  readonly counters: Counters;
  /** The choice by which the agent takes the first task of the lane. */
  readonly headStart?: HeadStartChoice | undefined;
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
  { rivals, ...chosen }: ChosenLane & { readonly project: Project; readonly rivals: readonly LaneHead[] },
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
      project: chosen.project,
      task: task.id,
      run: task.run,
      agent: claimer.agent.name,
      session: ctx.caller.session?.id ?? null,
      patterns: modedPatterns(candidate.files ?? NO_FILES, chosen.project.caseInsensitive),
      queuePosition: { position: task.bucket, askedAt: task.readyAt ?? task.createdAt },
    });
    if ("granted" in files) {
      if (parked > 0) yield* refreshAll(chosen.run.id, touched);
      const { granted, met, events } = files;
      const headStart = parked === 0 ? chosen.headStart : undefined;
      return yield* take(ctx, claimer, { ...chosen, candidate, headStart, locks: granted, met, events });
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
  readonly candidate: Pick<Candidate, "task" | "spec" | "hasMessages">;
  readonly locks: readonly LockLine[];
  readonly met?: readonly MetLock[];
  /** Events of locking the task's files. */
  readonly events: readonly NewEvent[];
}

function* take(ctx: EngineContext, claimer: Claimer, taking: Taking): Tx<Claim> {
  const { task, spec } = taking.candidate;
  transition(taskMachine, task, "claim");
  const begun = begunBy(ctx, taking.candidate, { agent: claimer.agent.name, demand: taking.lane.demand });
  const opened: Task = { ...begun, holdsFiles: taking.locks.length > 0 };
  // Read before the writes, which then travel with COMMIT.
  const { hasMessages } = taking.candidate;
  const brief = yield* briefOf(ctx, { task: opened, spec }, { ...taking, resumed: false, hasMessages });
  const recovery = yield* recoveryBy(ctx, task);
  yield* openAttempt(opened);
  const forgives = task.lostBy !== null && task.lostBy === identityOfCaller(ctx);
  if (forgives) yield* forgiveLoss(task.id);
  if (spec.tool) yield* beginTrial(ctx, serverTarget(spec.tool.server), task.id);
  else if (claimer.agent.hasBreaker) yield* beginTrial(ctx, agentTarget(claimer.agent.name), task.id);
  const { resources: required } = taking.lane.demand;
  const resources = required === null ? undefined : yield* allocateToTask(ctx, opened, required);
  const { met = [] } = taking;
  const change = new RunChange(ctx, taking.run, taking.counters);
  change.claim(task, taking.lane.demand.alone);
  change.append(taking.events);
  const { headStart } = taking;
  if (headStart) change.recordTask(opened, "task.routed", { ...headStart });
  change.recordTask(opened, "task.claimed", {
    token: opened.token,
    attempt: opened.attempt,
    ...(forgives && { loss_forgiven: true }),
  });
  if (recovery) change.recordTask(opened, "task.recovered", { ...recovery });
  yield* change.flush();
  return {
    outcome: "claimed",
    brief: { ...brief, resources },
    ...(met.length > 0 && { met }),
    ...(task.reservedFor !== null && { reserved: true }),
    ...(headStart && { headStart }),
  };
}
