import { ALLOCATION_STATES } from "../../base/statuses.js";
import { grouped } from "../../base/lists/groups.js";
import { eachIn, int, intOrNull, many, manyIn, oneOf, placeholders, text, textOrNull } from "../rows.js";
import { columns, insertInto, insertRows, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";
import { addAllocated, type ResourceAmount } from "./resources.js";

const ALLOCATIONS = table("allocations", {
  id: text,
  /** Handle of the agent that has it. */
  holder: text,
  madeBy: text,
  /** The task whose attempt it ends with; null for one that was asked for. */
  task: textOrNull,
  state: oneOf(ALLOCATION_STATES),
  priority: int,
  askedAt: int,
  /** Null where it ends with its task. A waiting one is forgotten then. */
  expiresAt: intOrNull,
});
interface AllocationRow extends RowOf<typeof ALLOCATIONS> {}
/** Amounts of resources that a holder has, or waits for: all of them, or none. */
export interface Allocation extends AllocationRow {
  readonly amounts: readonly ResourceAmount[];
}

const ITEM = { resource: text, unit: text, amount: int };
const AMOUNTS = columns(ITEM);
const ITEMS = table("allocation_items", { allocation: text, ...ITEM });
const INSERT = insertInto(ALLOCATIONS);
const INSERT_ITEMS = insertInto(ITEMS);

/** Saves an allocation; what it holds is counted as allocated. */
export function* insertAllocation({ amounts, ...allocation }: Allocation): Tx<void> {
  yield INSERT([allocation]);
  yield* insertRows(
    INSERT_ITEMS,
    amounts.map((amount) => ({ allocation: allocation.id, ...amount })),
  );
  if (allocation.state !== "waiting") yield* addAllocated(amounts, 1);
}

/** Grants a waiting allocation: its amounts are counted as allocated. */
export function* grantAllocation(
  { id, amounts }: Allocation,
  { state, expiresAt }: Pick<Allocation, "state" | "expiresAt">,
): Tx<void> {
  yield ["UPDATE allocations SET state = $1, expires_at = $2 WHERE id = $3", [state, expiresAt, id]];
  yield* addAllocated(amounts, 1);
}

/** Sets the state and the end of an allocation that has its resources already, or still waits. */
export function* extendAllocation(id: string, { state, expiresAt }: Pick<Allocation, "state" | "expiresAt">): Tx<void> {
  yield ["UPDATE allocations SET state = $1, expires_at = $2 WHERE id = $3", [state, expiresAt, id]];
}

/** Deletes allocations; what they held is free again. */
export function* deleteAllocations(allocations: readonly Allocation[]): Tx<void> {
  const ids = allocations.map(({ id }) => id);
  yield* eachIn(ids, (chunk) => [
    `DELETE FROM allocation_items WHERE allocation IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
  yield* eachIn(ids, (chunk) => [`DELETE FROM allocations WHERE id IN (${placeholders(chunk.length)})`, chunk]);
  yield* addAllocated(
    allocations.flatMap(({ state, amounts }) => (state === "waiting" ? [] : amounts)),
    -1,
  );
}

function* withAmounts(rows: readonly AllocationRow[]): Tx<Allocation[]> {
  const items = yield* manyIn(
    ITEMS.read,
    rows.map(({ id }) => id),
    (chunk) => [
      `SELECT ${ITEMS.columns} FROM allocation_items WHERE allocation IN (${placeholders(chunk.length)}) ORDER BY allocation, resource, unit`,
      chunk,
    ],
  );
  const amounts = grouped(items, ({ allocation }) => allocation);
  return rows.map((row) => ({
    ...row,
    amounts: (amounts.get(row.id) ?? []).map(({ resource, unit, amount }) => ({ resource, unit, amount })),
  }));
}

export function* findAllocation(id: string): Tx<Allocation | undefined> {
  return (yield* withAmounts(
    yield* many(ALLOCATIONS.read, [`SELECT ${ALLOCATIONS.columns} FROM allocations WHERE id = $1`, [id]]),
  ))[0];
}

/** Allocations of a holder that no task has, oldest first. */
export function* allocationsOf(holder: string, limit: number): Tx<Allocation[]> {
  return yield* withAmounts(
    yield* many(ALLOCATIONS.read, [
      `SELECT ${ALLOCATIONS.columns} FROM allocations WHERE holder = $1 AND task IS NULL ORDER BY id LIMIT $2`,
      [holder, limit],
    ]),
  );
}

export function* allocationsOfTasks(tasks: readonly string[]): Tx<Allocation[]> {
  return yield* withAmounts(
    yield* manyIn(ALLOCATIONS.read, tasks, (chunk) => [
      `SELECT ${ALLOCATIONS.columns} FROM allocations WHERE task IN (${placeholders(chunk.length)})`,
      chunk,
    ]),
  );
}

/** Allocations and requests of all holders, oldest first. */
export function* allAllocations(limit: number): Tx<Allocation[]> {
  return yield* withAmounts(
    yield* many(ALLOCATIONS.read, [
      `SELECT ${ALLOCATIONS.columns} FROM allocations ORDER BY asked_at, id LIMIT $1`,
      [limit],
    ]),
  );
}

/** Requests that wait, oldest first; those that are over are not among them. */
export function* waitingAllocations(now: number, limit: number): Tx<Allocation[]> {
  return yield* withAmounts(
    yield* many(ALLOCATIONS.read, [
      `SELECT ${ALLOCATIONS.columns} FROM allocations WHERE state = 'waiting' AND expires_at > $1 ORDER BY asked_at, id LIMIT $2`,
      [now, limit],
    ]),
  );
}

/** Allocations and requests whose time is over, the first to end first. */
export function* dueAllocations(now: number, limit: number): Tx<Allocation[]> {
  return yield* withAmounts(
    yield* many(ALLOCATIONS.read, [
      `SELECT ${ALLOCATIONS.columns} FROM allocations WHERE expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at, id LIMIT $2`,
      [now, limit],
    ]),
  );
}

const USE = columns({
  ...ITEM,
  allocation: text,
  holder: text,
  task: textOrNull,
  state: oneOf(ALLOCATION_STATES),
  expiresAt: intOrNull,
});
/** The part of an allocation that is of one resource and unit. */
export interface ResourceUse extends RowOf<typeof USE> {}

/** The allocations of a resource, oldest first, waiting ones last. */
export function usesOf(resource: string, limit: number): Tx<ResourceUse[]> {
  return many(USE.read, [
    `SELECT i.resource, i.unit, i.amount, i.allocation, a.holder, a.task, a.state, a.expires_at
     FROM allocation_items i JOIN allocations a ON a.id = i.allocation
     WHERE i.resource = $1 ORDER BY CASE WHEN a.state = 'waiting' THEN 1 ELSE 0 END, a.asked_at, a.id, i.unit LIMIT $2`,
    [resource, limit],
  ]);
}

const USER = columns({ resource: text, holder: text });

/** The holders that have some of these resources, each once a resource. */
export function usersOf(resources: readonly string[]): Tx<RowOf<typeof USER>[]> {
  return manyIn(USER.read, resources, (chunk) => [
    `SELECT DISTINCT i.resource, a.holder FROM allocation_items i JOIN allocations a ON a.id = i.allocation
     WHERE a.state <> 'waiting' AND i.resource IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
}

const SHARE = columns({ holder: text, ...ITEM });

/** The sum that each of these holders has of each resource. */
export function sumsOf(holders: readonly string[]): Tx<RowOf<typeof SHARE>[]> {
  return manyIn(SHARE.read, holders, (chunk) => [
    `SELECT a.holder, i.resource, i.unit, CAST(sum(i.amount) AS BIGINT) AS amount
     FROM allocations a JOIN allocation_items i ON i.allocation = a.id
     WHERE a.state <> 'waiting' AND a.holder IN (${placeholders(chunk.length)}) GROUP BY a.holder, i.resource, i.unit`,
    chunk,
  ]);
}

/** The amounts that requests wait for, by resource and unit. */
export function sumsWaiting(now: number): Tx<ResourceAmount[]> {
  return many(AMOUNTS.read, [
    `SELECT i.resource, i.unit, CAST(sum(i.amount) AS BIGINT) AS amount
     FROM allocations a JOIN allocation_items i ON i.allocation = a.id
     WHERE a.state = 'waiting' AND a.expires_at > $1 GROUP BY i.resource, i.unit`,
    [now],
  ]);
}
