import { openDescendants } from "../../store/child-runs/child-runs.js";
import { findProjectByReference } from "../../store/projects/projects.js";
import { findAgent } from "../../store/agents/agents.js";
import { projectsWithWork, saveExecutor, setAbsentRoots, tokensUnheard } from "../../store/presence/executors.js";
import { type ClaimTarget, type LaneHead, laneHeads, runsOfDemand } from "../../store/scheduling/lanes.js";
import { findRun, findRuns } from "../../store/runs/runs.js";
import { runningTasksOf, type Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { unregisterAgent } from "./heartbeats.js";
import { EXECUTOR_PREFIX, registerAgent } from "../agents/agents.js";
import { withoutWaitingAlone } from "../claims/alone.js";
import { claimAt } from "../claims/claims.js";
import type { Claim } from "../claims/taking.js";
import { brokenServers } from "../breakers/servers.js";
import type { EngineContext } from "../context.js";
import { readToolLine } from "../policy/tool-policy.js";
import { fitting } from "../resources/tasks.js";
import { type Broken, type ExecutedKind, meets, type Offer } from "../scheduling/demands.js";
import type { ExecutorPolicy } from "../../base/executor-policy.js";
import { NAME_LENGTH_MAX, nameFrom } from "../../base/names.js";

/** The offer of a server's own executor: itself, its capacity, and the steps it may run. */
export interface ExecutorOffer {
  readonly agent: string;
  readonly concurrency: number;
  /** The only run that it serves, with its child runs. Absent: every run. */
  readonly run?: string | undefined;
  readonly carriesOut: (kind: ExecutedKind, what: string, root: string | null) => boolean;
}

/** `executor-myhost-3f2a`. `suffix` tells the processes of a host apart. */
export function executorHandle(host: string, suffix: string): string {
  const length = NAME_LENGTH_MAX - EXECUTOR_PREFIX.length - suffix.length - 1;
  return `${EXECUTOR_PREFIX}${nameFrom(host, "host").slice(0, length)}-${suffix}`;
}

function offerOf({ agent, carriesOut }: ExecutorOffer, root: string | null): Offer {
  return {
    agent,
    roles: new Set(),
    capabilities: new Set(),
    carriesOut: (kind, what) => carriesOut(kind, what, root),
    parties: new Set(),
  };
}

/** The servers whose circuit breaker is open, read where the first call is met and not again for each project. */
class OpenServers {
  #known: ReadonlyMap<string, Broken> | undefined;

  *read(ctx: EngineContext): Tx<ReadonlyMap<string, Broken>> {
    return (this.#known ??= yield* brokenServers(ctx));
  }
}

interface Offered {
  readonly offer: Offer;
  readonly heads: readonly LaneHead[];
}

/** The offer without calls of servers whose circuit breaker is open. */
function* withoutBroken(ctx: EngineContext, { offer, heads }: Offered, open = new OpenServers()): Tx<Offer> {
  const { carriesOut } = offer;
  if (!heads.some(({ demand }) => demand.executor === "tool" && meets(offer, demand))) return offer;
  const broken = yield* open.read(ctx);
  if (broken.size === 0) return offer;
  const isBroken = (kind: ExecutedKind, what: string) => kind === "tool" && broken.has(readToolLine(what).server);
  return { ...offer, carriesOut: (kind, what) => !isBroken(kind, what) && carriesOut?.(kind, what) === true };
}

/** A run with something that the executor may carry out. */
export interface RunWork {
  readonly run: string;
  readonly project: string;
  readonly root: string | null;
  /** Kinds of step that are ready. */
  readonly kinds: ReadonlySet<ExecutedKind>;
}

/**
 * Runs with something to carry out now, those of a project in the order of their tasks. Of runs that wait for the same, all whose steps are
 * under way may be among them and one more: each is to have its share. A query.
 */
export function* findRunWork(ctx: EngineContext, offer: ExecutorOffer, underWay: ReadonlySet<string>): Tx<RunWork[]> {
  const found: RunWork[] = [];
  const open = new OpenServers();
  for (const place of offer.run === undefined ? yield* placesOfAll() : yield* placesOfRun(offer.run)) {
    const heads = yield* laneHeads(place.target);
    const own = yield* withoutBroken(ctx, { offer: offerOf(offer, place.root), heads }, open);
    const all = heads.filter(({ demand }) => meets(own, demand));
    const met = yield* fitting(ctx, offer.agent, yield* withoutWaitingAlone(place.target, all));
    const kindsOf = new Map<string, Set<ExecutedKind>>();
    const add = (run: string, kind: ExecutedKind | "agent") => {
      if (kind !== "agent") kindsOf.set(run, (kindsOf.get(run) ?? new Set()).add(kind));
    };
    for (const { run, demand } of met) add(run, demand.executor);
    const shared = underWay.size > 0 && "project" in place.target ? met.slice(0, SHARED_DEMANDS_MAX) : [];
    for (const { demand } of shared.filter((lane) => !lane.demand.alone)) {
      // The first of them may have its share, whatever order they stand in.
      for (const run of yield* runsOfDemand(demand, underWay.size + 1)) add(run, demand.executor);
    }
    const { project, root } = place;
    for (const [run, kinds] of kindsOf) found.push({ run, project, root, kinds });
  }
  return found;
}

/** Kinds of work for which runs beyond the first are looked up. */
const SHARED_DEMANDS_MAX = 20;

interface Place extends Pick<RunWork, "project" | "root"> {
  readonly target: ClaimTarget;
}

function* placesOfAll(): Tx<Place[]> {
  return (yield* projectsWithWork()).map(({ id, root }) => ({ target: { project: id }, project: id, root }));
}

/** Returns a run and its child runs, where their project is active. */
function* placesOfRun(run: string): Tx<Place[]> {
  const found = yield* findRun(run);
  const project = found && (yield* findProjectByReference(found.project));
  if (project?.status !== "active") return [];
  // Child runs belong to the project of their run.
  return [run, ...(yield* openDescendants(run))].map((id) => ({
    target: { run: id },
    project: project.id,
    root: project.root,
  }));
}

/**
 * Claims what the executor offers in a run. It is registered by its first claim: a server that only waits leaves no
 * agent behind.
 */
export function* claimWork(
  ctx: EngineContext,
  offer: ExecutorOffer,
  { run, root }: Pick<RunWork, "run" | "root">,
): Tx<Claim> {
  const known = yield* findAgent(offer.agent);
  if (known?.status !== "active" || known.maxConcurrentTasks !== offer.concurrency) {
    // By itself: the row of a known agent comes after those that a claim locks.
    yield* registerAgent(ctx, { name: offer.agent, max_concurrent_tasks: offer.concurrency });
    return { outcome: "again" };
  }
  const target = { run };
  const heads = yield* laneHeads(target);
  const claimer = { agent: known, offer: yield* withoutBroken(ctx, { offer: offerOf(offer, root), heads }), target };
  const claim = yield* claimAt(ctx, claimer, heads);
  // An executor reads no reasons.
  return claim ?? { outcome: "none", reason: "nothing_ready", retryAfterMs: 0 };
}

/** Returns the tasks the executor holds, as the database sees it. A query. */
export function* heldWork(agent: string): Tx<Task[]> {
  return yield* runningTasksOf(agent, HELD_MAX);
}

const HELD_MAX = 1_000;
const LEFTOVERS_MAX = 10;

/**
 * Returns tokens of the latest earlier attempts that ended without a report: their processes may still be running. A
 * query.
 */
export function* unheardAttempts(task: string): Tx<number[]> {
  return yield* tokensUnheard(task, LEFTOVERS_MAX);
}

/** Of these runs, those that are gone. A query. */
export function* runsGone(runs: readonly string[]): Tx<string[]> {
  const known = new Set((yield* findRuns(runs)).map(({ id }) => id));
  return runs.filter((run) => !known.has(run));
}

/** Lets the others see which run the caller's process serves, once that has an id. */
export function* recordServedRun(ctx: EngineContext, policy: ExecutorPolicy): Tx<void> {
  const { session } = ctx.caller;
  if (session !== null) yield* saveExecutor(session.id, JSON.stringify(policy));
}

/** Lets the others see which projects have no root on this machine. */
export function* recordAbsentRoots(ctx: EngineContext, projects: readonly string[]): Tx<void> {
  const { session } = ctx.caller;
  if (session !== null) yield* setAbsentRoots(session.id, projects);
}

/** One step of taking the executor out, as `unregisterAgent`. Whether another is to follow: none for one that never claimed. */
export function* retireExecutor(ctx: EngineContext, agent: string): Tx<boolean> {
  return (yield* findAgent(agent)) !== undefined && (yield* unregisterAgent(ctx, agent)).again;
}
