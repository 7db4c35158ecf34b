import { findAgent } from "../../store/agents/agents.js";
import { projectsWithWork, setAbsentRoots, tokensUnheard } from "../../store/presence/executors.js";
import { laneHeads } from "../../store/scheduling/lanes.js";
import { findRuns } from "../../store/runs/runs.js";
import { runningTasksOf, type Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { unregisterAgent } from "./heartbeats.js";
import { EXECUTOR_PREFIX, registerAgent } from "../agents/agents.js";
import { type Claim, claimAt } from "../claims/claims.js";
import type { EngineContext } from "../context.js";
import { type ExecutedKind, meets, type Offer } from "../scheduling/demands.js";
import { NAME_LENGTH_MAX, nameFrom } from "../../base/names.js";

/** The offer of a server's own executor: itself, its capacity, and the steps it may run. */
export interface ExecutorOffer {
  readonly agent: string;
  readonly concurrency: number;
  readonly carriesOut: (kind: ExecutedKind, what: string) => boolean;
}

/** `executor-myhost-3f2a`. `suffix` tells the processes of a host apart. */
export function executorHandle(host: string, suffix: string): string {
  const length = NAME_LENGTH_MAX - EXECUTOR_PREFIX.length - suffix.length - 1;
  return `${EXECUTOR_PREFIX}${nameFrom(host, "host").slice(0, length)}-${suffix}`;
}

function offerOf({ agent, carriesOut }: ExecutorOffer): Offer {
  return { agent, roles: new Set(), capabilities: new Set(), carriesOut };
}

/** A project with something that the executor may carry out. */
export interface ProjectWork {
  readonly project: string;
  readonly root: string | null;
  /** Kinds of step that are ready. */
  readonly kinds: ReadonlySet<ExecutedKind>;
}

/** Where there is something to carry out now, by the id of the project. A query. */
export function* findProjectWork(offer: ExecutorOffer): Tx<ProjectWork[]> {
  const found: ProjectWork[] = [];
  for (const { id, root } of yield* projectsWithWork()) {
    const met = (yield* laneHeads({ project: id })).filter(({ demand }) => meets(offerOf(offer), demand));
    const kinds = new Set(met.map(({ demand }) => demand.executor).filter((kind) => kind !== "agent"));
    if (kinds.size > 0) found.push({ project: id, root, kinds });
  }
  return found;
}

/**
 * Claims what the executor offers in a project. It is registered by its first claim: a server that only waits leaves no
 * agent behind.
 */
export function* claimWork(ctx: EngineContext, offer: ExecutorOffer, project: string): Tx<Claim> {
  const known = yield* findAgent(offer.agent);
  if (known?.status !== "active" || known.maxConcurrentTasks !== offer.concurrency) {
    // By itself: the row of a known agent comes after those that a claim locks.
    yield* registerAgent(ctx, { name: offer.agent, max_concurrent_tasks: offer.concurrency });
    return { outcome: "again" };
  }
  return yield* claimAt(
    ctx,
    { agent: known, offer: offerOf(offer), target: { project } },
    yield* laneHeads({ project }),
  );
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

/** Lets the others see which projects have no root on this machine. */
export function* recordAbsentRoots(ctx: EngineContext, projects: readonly string[]): Tx<void> {
  const { session } = ctx.caller;
  if (session !== null) yield* setAbsentRoots(session.id, projects);
}

/** One step of taking the executor out, as `unregisterAgent`. Whether another is to follow: none for one that never claimed. */
export function* retireExecutor(ctx: EngineContext, agent: string): Tx<boolean> {
  return (yield* findAgent(agent)) !== undefined && (yield* unregisterAgent(ctx, agent)).again;
}
