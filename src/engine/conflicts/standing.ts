import type { ConflictParty, ConflictRecord } from "../../store/conflicts/conflicts.js";
import { locksOfRequests, locksOfTask } from "../../store/locks/locks.js";
import { findRequest } from "../../store/locks/requests.js";
import { parkedOn } from "../../store/scheduling/lanes.js";
import { findTasks } from "../../store/tasks/lists.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { isStale } from "../locks/conflicts.js";
import { lockQueues } from "./lock-waits.js";
import { resourceState } from "./shortages.js";
import { waitCycles } from "./waits.js";

/**
 * The parties of a recorded conflict that are in each other's way now, of which a lock or a cycle may have changed since it was found; none
 * where it is over. A query.
 */
export function* standingParties(ctx: EngineContext, conflict: ConflictRecord): Tx<readonly ConflictParty[]> {
  if (conflict.kind === "lock_contention") return yield* stillWaiting(ctx, conflict);
  return conflict.kind === "wait_cycle" ? yield* stillInCycle(ctx, conflict) : conflict.parties;
}

function* stillWaiting(ctx: EngineContext, { parties }: ConflictRecord): Tx<readonly ConflictParty[]> {
  const holder = parties.find(({ role }) => role === "holds");
  const { request, task } = holder ?? {};
  if (holder === undefined || request === undefined) return [];
  // Locks of claims are found through their task.
  const locks = task === undefined ? yield* locksOfRequests(ctx.now, [request]) : yield* locksOfTask(task);
  const isHeld = locks.some((lock) => lock.request === request && lock.state !== "queued" && !isStale(lock, ctx.now));
  if (!isHeld) return [];
  const waiting: ConflictParty[] = [];
  for (const party of parties) if (party.role === "waits" && (yield* waitsFor(party, request))) waiting.push(party);
  return waiting.length === 0 ? [] : [holder, ...waiting];
}

function* waitsFor({ request, task: id }: ConflictParty, held: string): Tx<boolean> {
  if (request !== undefined) return (yield* findRequest(request))?.state === "queued";
  const [task] = id === undefined ? [] : yield* findTasks([id]);
  return task?.status === "ready" && (yield* parkedOn(task)) === held;
}

/** The cycle among these parties, with the same waits: a new wait of one of them is another conflict's. */
function* stillInCycle(ctx: EngineContext, { project, parties }: ConflictRecord): Tx<readonly ConflictParty[]> {
  const agents = [...new Set(parties.flatMap(({ agent }) => agent ?? []))];
  const queues = yield* lockQueues(ctx, { project, agents, others: agents });
  const cycles = waitCycles(queues, yield* resourceState(ctx));
  const isParty = (one: ConflictParty): boolean =>
    parties.some(
      ({ agent, task, request, allocation }) =>
        agent === one.agent && task === one.task && request === one.request && allocation === one.allocation,
    );
  return cycles.find((cycle) => cycle.parties.every(isParty))?.parties ?? [];
}
