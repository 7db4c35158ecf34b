import { BatonError, callOperation } from "../../base/errors.js";
import { hint } from "../../base/names.js";
import { grouped } from "../../base/lists/groups.js";
import { sumsOf, usersOf, waitingAllocations, type Allocation } from "../../store/resources/allocations.js";
import {
  allResources,
  type ResourceAmount,
  findResources,
  forgetMachinesBut,
  saveResource,
  unitsOf,
} from "../../store/resources/resources.js";
import { together, type Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { ageingBucket } from "../scheduling/order.js";
import { machineStock, ofMachine, type Stock } from "./machine.js";
import { Pool, serve, type Shortage, summed } from "./pool.js";

/** Requests in line at once, of all holders. */
const WAITING_MAX = 200;

const LIST = callOperation("list_resources", {});

/** The resources of these ids with their units. */
function* storedStock(ids: readonly string[]): Tx<Stock[]> {
  const [found, units] = yield* together([findResources(ids), unitsOf(ids)]);
  const ofResource = grouped(units, ({ resource }) => resource);
  return found.map((one) => ({ ...one, units: ofResource.get(one.id) ?? [], stored: true }));
}

/** The same; those of the caller's machine are there without a row, and have what the machine has now. */
export function* stockOf(ctx: EngineContext, ids: readonly string[]): Tx<Stock[]> {
  const stored = yield* storedStock(ids);
  const machine = machineStock(ctx, ids);
  const missing = machine.filter(({ id }) => !stored.some((one) => one.id === id));
  return [...stored.map((one) => asItIsNow(one, machine)), ...missing];
}

/** A machine's resource whose row is of an earlier capacity; below what is allocated it keeps that until some is freed. */
function asItIsNow(stored: Stock, machine: readonly Stock[]): Stock {
  const own = machine.find(({ id, host }) => id === stored.id && host === stored.host);
  const [unit] = own?.units ?? [];
  const [before] = stored.units;
  if (!unit || !before || unit.capacity === before.capacity || unit.capacity < before.allocated) return stored;
  return { ...stored, units: [{ ...before, capacity: unit.capacity }], stored: false };
}

/** All resources, those of the caller's machine among them. */
export function* wholeStock(ctx: EngineContext): Tx<Stock[]> {
  const ids = [...(yield* allResources()), ...machineStock(ctx)].map(({ id }) => id);
  return (yield* stockOf(ctx, [...new Set(ids)])).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * The amounts under the ids of the resources that are meant: `cpu` is the caller's machine's where no resource is called so. Those of
 * resources or units that do not exist keep their names; `stock` is without them.
 */
export function* resolved(
  ctx: EngineContext,
  amounts: readonly ResourceAmount[],
): Tx<{ amounts: ResourceAmount[]; stock: readonly Stock[] }> {
  const names = [...new Set(amounts.map(({ resource }) => resource))];
  const found = yield* stockOf(ctx, [...names, ...names.map((name) => ofMachine(name, ctx.caller.host))]);
  const known = new Set(found.map(({ id }) => id));
  const idOf = (name: string): string =>
    known.has(name) || !known.has(ofMachine(name, ctx.caller.host)) ? name : ofMachine(name, ctx.caller.host);
  const ids = new Set(names.map(idOf));
  return {
    amounts: amounts.map((amount) => ({ ...amount, resource: idOf(amount.resource) })),
    stock: found.filter(({ id }) => ids.has(id)),
  };
}

/** The same for a call, those that two names mean added up. Errors: `not_found` for a resource, `invalid_input` for a unit that it is not measured in. */
export function* requireAmounts(ctx: EngineContext, written: readonly ResourceAmount[]): Tx<ResourceAmount[]> {
  const { amounts, stock } = yield* resolved(ctx, written);
  for (const { resource, unit } of amounts) {
    const known = stock.find(({ id }) => id === resource);
    if (!known) {
      const names = (yield* wholeStock(ctx)).map(({ id }) => id);
      const message = `There is no resource "${resource}"${hint(resource, names)}. register_resource makes one known.`;
      throw new BatonError("not_found", message, { details: { resource }, next: [LIST] });
    }
    if (known.units.some((one) => one.unit === unit)) continue;
    const units = known.units.map((one) => one.unit);
    throw new BatonError("invalid_input", `${resource} is not measured in "${unit}", but in: ${units.join(", ")}.`, {
      details: { resource, unit, units },
      next: [LIST],
    });
  }
  yield* saveOwn(stock);
  return summed(amounts);
}

/**
 * Saves those of the resources that are a machine's own and that no row has as they are now, and forgets those of machines where no
 * process works any more. The queue is locked.
 */
export function* saveOwn(stock: readonly Stock[]): Tx<void> {
  const own = stock.filter(({ stored }) => !stored);
  for (const { stored: _, units, ...resource } of own) yield* saveResource(resource, units);
  const [some] = own;
  if (some?.host !== undefined && some.host !== null)
    yield* forgetMachinesBut(some.host, new Set(stock.map(({ id }) => id)));
}

/** Returns the free amounts of these resources. */
export function* poolOf(stock: readonly Stock[]): Tx<Pool> {
  const bounded = stock.filter(({ usersMax }) => usersMax !== null).map(({ id }) => id);
  const users = bounded.length === 0 ? [] : yield* usersOf(bounded);
  return new Pool(
    stock.map((one) => ({
      ...one,
      users: users.flatMap(({ resource, holder }) => (resource === one.id ? [holder] : [])),
    })),
  );
}

/** The context of what changes the queue: an effect has no more. */
export type QueueContext = Pick<EngineContext, "now" | "newId" | "random" | "wrote" | "settings">;

export interface LineState {
  readonly waiting: readonly Allocation[];
  /** The parts of each request in line that do not fit. */
  readonly shortages: ReadonlyMap<string, readonly Shortage[]>;
  /** The free amounts behind them. */
  readonly pool: Pool;
}

/** Looks at who waits in line, and who of them could be served now. A query: the caller grants it. */
export function* lineState(ctx: QueueContext, more: readonly Stock[] = []): Tx<LineState> {
  const waiting = yield* waitingAllocations(ctx.now, WAITING_MAX);
  const known = new Set(more.map(({ id }) => id));
  const ids = new Set(waiting.flatMap(({ amounts }) => amounts.map(({ resource }) => resource)));
  // A request that waits has saved its resources.
  const stock = [...more, ...(yield* storedStock([...ids].filter((id) => !known.has(id))))];
  const pool = yield* poolOf(stock);
  const sums = waiting.length === 0 ? [] : yield* sumsOf([...new Set(waiting.map(({ holder }) => holder))]);
  const held = grouped(sums, ({ holder }) => holder);
  const line = waiting.map((one) => ({
    ...one,
    bucket: ageingBucket(one.askedAt, one.priority, ctx.settings.ageing_ms),
  }));
  return { waiting, shortages: serve(pool, line, held), pool };
}
