import { openDescendants } from "../../store/child-runs/child-runs.js";
import { findProjectByReference } from "../../store/projects/projects.js";
import { findAgent } from "../../store/agents/agents.js";
import { projectsWithWork, saveExecutor, setAbsentRoots, tokensUnheard } from "../../store/presence/executors.js";
import { type ClaimTarget, laneHeads } from "../../store/scheduling/lanes.js";
import { findRun, findRuns } from "../../store/runs/runs.js";
import { runningTasksOf, type Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { unregisterAgent } from "./heartbeats.js";
import { EXECUTOR_PREFIX, registerAgent } from "../agents/agents.js";
import { type Claim, claimAt } from "../claims/claims.js";
import type { EngineContext } from "../context.js";
import { type ExecutedKind, meets, type Offer } from "../scheduling/demands.js";
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

/** A run or a project with something that the executor may carry out. */
export interface ProjectWork {
  /** Id of the run where the executor serves one, else of the project. */
  readonly id: string;
  readonly target: ClaimTarget;
  readonly project: string;
  readonly root: string | null;
  /** Kinds of step that are ready. */
  readonly kinds: ReadonlySet<ExecutedKind>;
}

/** Where there is something to carry out now, by id. A query. */
export function* findProjectWork(offer: ExecutorOffer): Tx<ProjectWork[]> {
  const found: ProjectWork[] = [];
  for (const place of offer.run === undefined ? yield* placesOfAll() : yield* placesOfRun(offer.run)) {
    const own = offerOf(offer, place.root);
    const met = (yield* laneHeads(place.target)).filter(({ demand }) => meets(own, demand));
    const kinds = new Set(met.map(({ demand }) => demand.executor).filter((kind) => kind !== "agent"));
    if (kinds.size > 0) found.push({ ...place, kinds });
  }
  return found;
}

type Place = Omit<ProjectWork, "kinds">;

function* placesOfAll(): Tx<Place[]> {
  return (yield* projectsWithWork()).map(({ id, root }) => ({ id, target: { project: id }, project: id, root }));
}

/** Returns a run and its child runs, where their project is active. */
function* placesOfRun(run: string): Tx<Place[]> {
  const found = yield* findRun(run);
  const project = found && (yield* findProjectByReference(found.project));
  if (project?.status !== "active") return [];
  // Child runs belong to the project of their run.
  return [run, ...(yield* openDescendants(run))].map((id) => ({
    id,
    target: { run: id },
    project: project.id,
    root: project.root,
  }));
}

/**
 * Claims what the executor offers in a place. It is registered by its first claim: a server that only waits leaves no
 * agent behind.
 */
export function* claimWork(
  ctx: EngineContext,
  offer: ExecutorOffer,
  { target, root }: Pick<ProjectWork, "target" | "root">,
): Tx<Claim> {
  const known = yield* findAgent(offer.agent);
  if (known?.status !== "active" || known.maxConcurrentTasks !== offer.concurrency) {
    // By itself: the row of a known agent comes after those that a claim locks.
    yield* registerAgent(ctx, { name: offer.agent, max_concurrent_tasks: offer.concurrency });
    return { outcome: "again" };
  }
  const claimer = { agent: known, offer: offerOf(offer, root), target };
  return yield* claimAt(ctx, claimer, yield* laneHeads(target));
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
