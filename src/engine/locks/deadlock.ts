import { type LockRequest, type LockOwner, requestsOfAgents } from "../../store/locks/requests.js";
import { type Lock, locksOfRequests, onlyRunningTasks } from "../../store/locks/locks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { findCycleThrough, type WaitEdge } from "../graph/dag.js";
import {
  COMPARISONS_MAX,
  excludes,
  type Requester,
  isEarlier,
  isOwn,
  locksNear,
  LockTable,
  patternOf,
  queuePositionOf,
  tooMuchToCompare,
  type WantedLocks,
} from "./conflicts.js";
import { overlaps } from "../paths/paths.js";

export interface NewWait {
  readonly project: string;
  readonly wanted: WantedLocks;
  /** The locks it would wait for; empty for a request that would be granted at once, ahead of others who wait. */
  readonly blockers: readonly Lock[];
}

/**
 * Finds the cycle of lock owners, each waiting for the next and the first repeated at the end, that a request would
 * close; undefined without one. An owner waits for each owner that holds, or requested earlier, a path it requests.
 * Reads only what can be reached from the request.
 */
export function* findDeadlock(ctx: EngineContext, wait: NewWait): Tx<LockOwner[] | undefined> {
  const graph = new WaitGraph(wait.wanted.by);
  yield* graph.learn([...wait.blockers.map(({ agent }) => agent), wait.wanted.by.agent]);
  const self = graph.nodeOf(wait.wanted.by);
  for (const blocker of wait.blockers) graph.connect(self, graph.nodeOf(blocker));
  const seen = new Set<string>();
  for (
    let frontier = [...graph.nodes];
    frontier.length > 0;
    frontier = [...graph.nodes].filter((node) => !seen.has(node))
  ) {
    for (const node of frontier) seen.add(node);
    yield* expand(ctx, wait, { graph, frontier: new Set(frontier) });
  }
  return findCycleThrough(graph.edges, self)?.map((node) => graph.ownerOf(node));
}

class WaitGraph {
  readonly nodes = new Set<string>();
  readonly edges: WaitEdge[] = [];
  readonly #owners = new Map<string, LockOwner>();
  readonly #onlyTask = new Map<string, string | null>();

  constructor(self: LockOwner) {
    this.nodeOf(self);
  }

  /** Learns of agents whether they have exactly one running task: what they hold without a task is then that task's. */
  *learn(agents: readonly string[]): Tx<void> {
    const unknown = [...new Set(agents)].filter((agent) => !this.#onlyTask.has(agent)).sort();
    if (unknown.length === 0) return;
    const only = yield* onlyRunningTasks(unknown);
    for (const agent of unknown) this.#onlyTask.set(agent, only.get(agent) ?? null);
  }

  requesterOf({ agent, task }: LockOwner): Requester {
    return { agent, task, ownsUntasked: task !== null && this.#onlyTask.get(agent) === task };
  }

  nodeOf({ agent, task }: LockOwner): string {
    const owner = { agent, task: task ?? this.#onlyTask.get(agent) ?? null };
    const node = JSON.stringify([owner.agent, owner.task]);
    this.nodes.add(node);
    this.#owners.set(node, owner);
    return node;
  }

  ownerOf(node: string): LockOwner {
    const owner = this.#owners.get(node);
    if (!owner) throw new Error(`no owner at ${node}`);
    return owner;
  }

  connect(waiter: string, awaited: string): void {
    if (waiter !== awaited) this.edges.push([waiter, awaited]);
  }
}

/** Adds what the owners of the frontier wait for. */
function* expand(
  ctx: EngineContext,
  { project, wanted, blockers }: NewWait,
  { graph, frontier }: { graph: WaitGraph; frontier: ReadonlySet<string> },
): Tx<void> {
  const agents = [...new Set([...frontier].map((node) => graph.ownerOf(node).agent))].sort();
  const waiting = (yield* requestsOfAgents(project, agents)).filter(
    (request) =>
      frontier.has(graph.nodeOf(request)) && isWaiting(request, ctx.now) && request.id !== wanted.queuePosition.id,
  );
  if (waiting.length === 0) return;
  const asked = yield* locksOfRequests(
    ctx.now,
    waiting.map(({ id }) => id),
  );
  const table = new LockTable(
    ctx.now,
    yield* locksNear(ctx.now, { id: project, outermost: asked[0]?.outermost }, asked.map(patternOf)),
  );
  const self = graph.nodeOf(wanted.by);
  let compared = 0;
  for (const lock of asked) {
    const node = graph.nodeOf(lock);
    const patterns = [{ pattern: patternOf(lock), mode: lock.mode }];
    const obstacles = table.obstacles({ by: graph.requesterOf(lock), patterns, queuePosition: queuePositionOf(lock) });
    compared += obstacles.length;
    if (compared > COMPARISONS_MAX) throw tooMuchToCompare({ comparisons_max: COMPARISONS_MAX });
    yield* graph.learn(obstacles.map((obstacle) => obstacle.lock.agent));
    for (const obstacle of obstacles) graph.connect(node, graph.nodeOf(obstacle.lock));
    // A request for a file that its owner holds already passes those in line, and waits for holders alone.
    const passes = table.ownOn(patternOf(lock), graph.requesterOf(lock)).covered;
    const comesAfter = blockers.length === 0 || (!passes && isEarlier(wanted.queuePosition, queuePositionOf(lock)));
    if (comesAfter && standsInTheWayOf(wanted, lock)) graph.connect(node, self);
  }
}

function isWaiting(request: LockRequest, now: number): boolean {
  return request.state === "queued" && request.placeExpiresAt > now;
}

function standsInTheWayOf(wanted: WantedLocks, lock: Lock): boolean {
  if (isOwn(lock, wanted.by)) return false;
  return wanted.patterns.some(({ pattern, mode }) => excludes(mode, lock.mode) && overlaps(pattern, patternOf(lock)));
}
