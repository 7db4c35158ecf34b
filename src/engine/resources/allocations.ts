import { lockResources } from "../../store/lock-order.js";
import { ROWS_AT_ONCE_MAX } from "../../base/limits.js";
import { BatonError, callOperation } from "../../base/errors.js";
import { appendEvents, type NewEvent } from "../../store/events/events.js";
import {
  type Allocation,
  allocationsOf,
  deleteAllocations,
  dueAllocations,
  extendAllocation,
  findAllocation,
  grantAllocation,
  insertAllocation,
} from "../../store/resources/allocations.js";
import { type ResourceAmount, type Requirements } from "../../store/resources/resources.js";
import type { Tx } from "../../store/tx.js";
import { actingAgent, requireAgent } from "../agents/agents.js";
import type { EngineContext } from "../context.js";
import { PRIORITIES, type Priority } from "../scheduling/order.js";
import { amountsOf, requirementsOf } from "./amounts.js";
import type { Shortage } from "./pool.js";
import { type QueueContext, lineState, requireAmounts } from "./stock.js";

/** An offer, or a place in line, is kept for so long after its caller has stopped waiting. */
const KEPT_MS = 60_000;
const HELD_MAX = 100;

export interface AllocationRequest {
  readonly agent?: string | undefined;
  readonly holder?: string | undefined;
  readonly requirements: Requirements;
  readonly priority: Priority;
  readonly ttlMs: number;
  /** For how long the caller waits; zero: not at all. */
  readonly waitMs: number;
}

export type Allocating =
  | { readonly outcome: "allocated"; readonly allocation: Allocation }
  | { readonly outcome: "waiting" | "refused"; readonly request: Allocation; readonly shortages: readonly Shortage[] };

/**
 * Allocates all of what is asked for or nothing, in line with those who wait already. Who waits keeps its place while it asks again
 * for the same. Errors: `not_found` for a holder or a resource that does not exist, `invalid_input` for an unknown unit, `limit_exceeded`.
 */
export function* allocate(ctx: EngineContext, request: AllocationRequest): Tx<Allocating> {
  const agent = yield* actingAgent(ctx, request.agent);
  const holder = request.holder === undefined ? agent.name : (yield* requireAgent(request.holder)).name;
  const written = amountsOf(request.requirements);
  yield* lockResources();
  // No tick may have come by.
  yield* free(ctx, yield* dueAllocations(ctx.now, ROWS_AT_ONCE_MAX), "expired");
  const amounts = yield* requireAmounts(ctx, written);
  const own = yield* allocationsOf(holder, HELD_MAX);
  const known = own.find((one) => one.state !== "held" && isSame(one.amounts, amounts));
  if (!known) requireFewer(holder, own.length);
  const asked: Allocation = known ?? {
    id: ctx.newId("allocation"),
    holder,
    madeBy: agent.name,
    task: null,
    state: "waiting",
    priority: PRIORITIES[request.priority],
    askedAt: ctx.now,
    expiresAt: null,
    amounts,
  };
  const expiresAt = ctx.now + request.ttlMs;
  if (known?.state === "offered") {
    const allocation = { ...known, state: "held" as const, expiresAt };
    yield* extendAllocation(known.id, allocation);
    return { outcome: "allocated", allocation };
  }
  const waits = { ...asked, expiresAt: ctx.now + request.waitMs + KEPT_MS };
  if (known) yield* extendAllocation(known.id, waits);
  else yield* insertAllocation(waits);
  const { shortages, full } = yield* serveWaiting(ctx, { request: waits.id, expiresAt });
  const short = shortages.get(waits.id) ?? [];
  if (short.length === 0 && !full) return { outcome: "allocated", allocation: { ...waits, state: "held", expiresAt } };
  const refused = full || short.some(({ never }) => never) || (known === undefined && request.waitMs <= 0);
  if (refused) yield* deleteAllocations([waits]);
  else if (!known) yield* appendEvents(ctx, [eventOf("resource.queued", waits)]);
  return { outcome: refused ? "refused" : "waiting", request: waits, shortages: short };
}

function requireFewer(holder: string, count: number): void {
  if (count < HELD_MAX) return;
  const message = `${holder} has ${count} allocations and requests already, and at most ${HELD_MAX} fit: deallocate_resources frees what is needed no more.`;
  throw new BatonError("limit_exceeded", message, { details: { holder, count, max: HELD_MAX } });
}

function isSame(a: readonly ResourceAmount[], b: readonly ResourceAmount[]): boolean {
  return JSON.stringify(requirementsOf(a)) === JSON.stringify(requirementsOf(b));
}

/**
 * Grants what those in line wait for, as far as it is free: `mine` at once, to others as an offer that their next call, or the one that
 * waits, takes up. The queue is locked.
 */
export function* serveWaiting(
  ctx: QueueContext,
  mine?: { readonly request: string; readonly expiresAt: number },
): Tx<{ shortages: ReadonlyMap<string, readonly Shortage[]>; full: boolean }> {
  const { waiting, shortages } = yield* lineState(ctx);
  const events: NewEvent[] = [];
  for (const one of waiting) {
    if (shortages.get(one.id)?.length !== 0) continue;
    const isMine = one.id === mine?.request;
    const granted = isMine
      ? { state: "held" as const, expiresAt: mine.expiresAt }
      : { state: "offered" as const, expiresAt: ctx.now + KEPT_MS };
    yield* grantAllocation(one, granted);
    events.push(eventOf("resource.allocated", { ...one, ...granted }));
  }
  yield* appendEvents(ctx, events);
  return { shortages, full: mine !== undefined && !shortages.has(mine.request) };
}

/** The amounts of an allocation, for its event. */
export function eventOf(
  type: "resource.allocated" | "resource.queued" | "resource.freed",
  { id, holder, task, state, amounts }: Allocation,
  more: Readonly<Record<string, unknown>> = {},
): NewEvent {
  return { type, agent: holder, task, data: { allocation: id, state, resources: requirementsOf(amounts), ...more } };
}

/** Whether a request waits still: it is granted, or over, otherwise. A query. */
export function* isInLineFor(id: string): Tx<boolean> {
  return (yield* findAllocation(id))?.state === "waiting";
}

/** Withdraws a request whose caller has gone; what it was granted meanwhile is free again. */
export function* leaveLineFor(ctx: EngineContext, id: string): Tx<void> {
  yield* lockResources();
  const found = yield* findAllocation(id);
  if (found && found.state !== "held") yield* free(ctx, [found], "withdrawn");
}

export interface Deallocation {
  readonly agent?: string | undefined;
  readonly holder?: string | undefined;
  readonly allocation?: string | undefined;
}

/**
 * Frees an allocation, or all that a holder has beside its tasks, and ends its waiting; serves who waits. Errors: `not_found`,
 * `not_permitted` for another's that the caller has not made, `invalid_transition` for a task's.
 */
export function* deallocate(ctx: EngineContext, { agent, holder, allocation }: Deallocation): Tx<Allocation[]> {
  const acting = yield* actingAgent(ctx, agent);
  const of = holder === undefined ? acting.name : (yield* requireAgent(holder)).name;
  yield* lockResources();
  const freed = allocation === undefined ? yield* allocationsOf(of, HELD_MAX) : [yield* requireAllocation(allocation)];
  for (const one of freed) requireOwn(ctx, acting.name, one);
  yield* free(ctx, freed, "released");
  return freed;
}

function* requireAllocation(id: string): Tx<Allocation> {
  const found = yield* findAllocation(id);
  if (found?.task === null) return found;
  const next = [callOperation("list_resources", {})];
  if (!found) {
    const message = `There is no allocation ${id}: it was freed, or its time was over.`;
    throw new BatonError("not_found", message, { details: { allocation: id }, next });
  }
  const message = `Allocation ${id} is that of task ${found.task}, and ends with its attempt: complete_task, fail_task or release_task frees it.`;
  throw new BatonError("invalid_transition", message, { details: { allocation: id, task: found.task }, next });
}

function requireOwn({ caller }: EngineContext, agent: string, { id, holder, madeBy }: Allocation): void {
  if (caller.channel === "human" || agent === holder || agent === madeBy) return;
  const message = `Allocation ${id} is held by ${holder}, and was made by ${madeBy}: one of them frees it, or a person. Nothing was changed.`;
  throw new BatonError("not_permitted", message, { details: { allocation: id, holder, made_by: madeBy } });
}

/** Frees allocations and serves who waits for what they held. The queue is locked. */
export function* free(
  ctx: QueueContext,
  freed: readonly Allocation[],
  how: "released" | "expired" | "unregistered" | "withdrawn" | "attempt_ended",
): Tx<void> {
  if (freed.length === 0) return;
  yield* deleteAllocations(freed);
  yield* appendEvents(
    ctx,
    freed.map((one) => eventOf("resource.freed", one, { how })),
  );
  yield* serveWaiting(ctx);
}

/** Ids of allocations and requests whose time is over, the first to end first. */
export function* dueAllocationIds(ctx: EngineContext, limit: number): Tx<string[]> {
  return (yield* dueAllocations(ctx.now, limit)).map(({ id }) => id);
}

/** Part of the tick: frees an allocation, or forgets a request, whose time is over. Returns 1, or 0 where it was freed or kept meanwhile. */
export function* expireAllocation(ctx: EngineContext, id: string): Tx<number> {
  yield* lockResources();
  const found = yield* findAllocation(id);
  if (!found || found.expiresAt === null || found.expiresAt > ctx.now) return 0;
  yield* free(ctx, [found], "expired");
  return 1;
}

/** Frees what an agent that is taken out has beside its tasks. */
export function* freeAllocationsOf(ctx: EngineContext, agent: string): Tx<void> {
  if ((yield* allocationsOf(agent, 1)).length === 0) return;
  yield* lockResources();
  for (let some = HELD_MAX; some === HELD_MAX;) {
    const own = yield* allocationsOf(agent, HELD_MAX);
    some = own.length;
    yield* free(ctx, own, "unregistered");
  }
}
