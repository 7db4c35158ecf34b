import { rounded } from "../../base/numbers/rounding.js";
import { iso } from "../../base/time.js";
import { sumsWaiting, type Allocation, type ResourceUse, usesOf } from "../../store/resources/allocations.js";
import type { EngineContext } from "../context.js";
import { fromThousandths, requirementsOf } from "./amounts.js";
import type { Stock } from "./machine.js";
import type { Shortage } from "./pool.js";
import { wholeStock } from "./stock.js";

const HOLDERS_SHOWN_MAX = 20;

/** All resources with their use: capacity, allocated and waiting amounts, utilisation, and who holds them. */
export function* listResources(ctx: EngineContext) {
  const waiting = yield* sumsWaiting(ctx.now);
  const lines = [];
  for (const resource of yield* wholeStock(ctx)) {
    const uses = yield* usesOf(resource.id, HOLDERS_SHOWN_MAX);
    const wanted = waiting.filter((one) => one.resource === resource.id);
    lines.push({
      ...resourceView(resource),
      waiting: byUnit(wanted, ({ amount }) => amount),
      holders: uses.filter(({ state }) => state !== "waiting").map(holderView),
    });
  }
  return lines;
}

export function resourceView({ id, type, name, usersMax, units, registeredBy }: Stock) {
  const utilisation = units.map(({ capacity, allocated }) => (capacity === 0 ? 0 : allocated / capacity));
  return {
    id,
    type,
    ...(name === null ? {} : { name }),
    capacity: byUnit(units, ({ capacity }) => capacity),
    allocated: byUnit(units, ({ allocated }) => allocated),
    utilisation: rounded(Math.max(0, ...utilisation)),
    ...(usersMax === null ? {} : { limits: { max_concurrent_users: usersMax } }),
    registered_by: registeredBy,
  };
}

function byUnit<T extends { readonly unit: string }>(
  units: readonly T[],
  amountOf: (unit: T) => number,
): Record<string, number> {
  return Object.fromEntries(units.map((unit) => [unit.unit, fromThousandths(amountOf(unit))]));
}

function holderView({ allocation, holder, task, unit, amount, expiresAt }: ResourceUse) {
  return {
    holder,
    allocation,
    ...(task === null ? {} : { task }),
    amount: { [unit]: fromThousandths(amount) },
    ...(expiresAt === null ? {} : { expires_at: iso(expiresAt) }),
  };
}

export function allocationView({ id, holder, amounts, state, expiresAt }: Allocation) {
  return {
    id,
    holder,
    state,
    resources: requirementsOf(amounts),
    ...(expiresAt === null ? {} : { expires_at: iso(expiresAt) }),
  };
}

/** The parts of a request that do not fit, with who has them now. */
export function* missingView(shortages: readonly Shortage[]) {
  const lines = [];
  for (const { resource, unit, wanted, free, never } of shortages) {
    const uses = yield* usesOf(resource, HOLDERS_SHOWN_MAX);
    const holders = uses.filter((one) => one.state !== "waiting" && (unit === undefined || one.unit === unit));
    lines.push({
      resource,
      ...(unit === undefined
        ? { detail: "as many holders have some of it as may (max_concurrent_users)" }
        : { unit, wanted: fromThousandths(wanted), free: fromThousandths(free) }),
      ...(never ? { never: true } : {}),
      held_by: [...new Set(holders.map(({ holder }) => holder))],
    });
  }
  return lines;
}
