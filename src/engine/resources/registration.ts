import { lockResources } from "../../store/lock-order.js";
import { BatonError, callOperation } from "../../base/errors.js";
import type { ResourceType } from "../../base/statuses.js";
import { appendEvents } from "../../store/events/events.js";
import { usersOf, usesOf } from "../../store/resources/allocations.js";
import { allResources, type ResourceUnit, saveResource } from "../../store/resources/resources.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { serveWaiting } from "./allocations.js";
import { fromThousandths, thousandths } from "./amounts.js";
import type { Stock } from "./machine.js";
import { stockOf } from "./stock.js";

/** Resources that may be registered, beside those of machines: lists of them have no pages. */
const RESOURCES_MAX = 200;
const UNITS_MAX = 16;

export interface ResourceInput {
  readonly id: string;
  readonly type: ResourceType;
  readonly name?: string | undefined;
  readonly capacity: Readonly<Record<string, number>>;
  readonly limits?: { readonly max_concurrent_users?: number | undefined } | undefined;
}

/**
 * Makes a resource known, or gives a known one another capacity, and other limits where it names some, and serves who waits for it.
 * Errors: `conflict` for a capacity below what is allocated, or fewer users than there are, `invalid_input` for none, `limit_exceeded` where there are too many.
 */
export function* registerResource(ctx: EngineContext, agent: string, input: ResourceInput): Tx<Stock> {
  const written = Object.entries(input.capacity);
  if (written.length === 0 || written.length > UNITS_MAX) {
    const message = `The capacity of ${input.id} names ${written.length} units; write from one to ${UNITS_MAX}: {units: 1}.`;
    throw new BatonError("invalid_input", message, { details: { resource: input.id } });
  }
  yield* lockResources();
  const [before] = yield* stockOf(ctx, [input.id]);
  if (!before && (yield* allResources()).filter(({ host }) => host === null).length >= RESOURCES_MAX) {
    const message = `There are ${RESOURCES_MAX} resources registered already, and no more fit. A resource has any number of units: give one of them more.`;
    throw new BatonError("limit_exceeded", message, { next: [callOperation("list_resources", {})] });
  }
  const units = written.map(([unit, capacity]) => ({ resource: input.id, unit, capacity: thousandths(capacity) }));
  for (const unit of before?.units ?? []) yield* requireAllocatedToFit(unit, units);
  const { limits = { max_concurrent_users: before?.usersMax ?? undefined } } = input;
  const usersMax = limits.max_concurrent_users ?? null;
  if (before && usersMax !== null) yield* requireUsersToFit(before.id, usersMax);
  const resource = {
    id: input.id,
    type: input.type,
    name: input.name ?? before?.name ?? null,
    usersMax,
    host: null,
    registeredBy: agent,
    updatedAt: ctx.now,
  };
  const kept = units.map((unit) => ({
    ...unit,
    allocated: before?.units.find((one) => one.unit === unit.unit)?.allocated ?? 0,
  }));
  yield* saveResource(resource, kept);
  yield* serveWaiting(ctx);
  const data = { resource: input.id, type: input.type, capacity: input.capacity };
  yield* appendEvents(ctx, [{ type: "resource.registered", agent, data }]);
  return { ...resource, units: kept, stored: true };
}

function* requireAllocatedToFit(
  { resource, unit, allocated }: ResourceUnit,
  units: readonly Omit<ResourceUnit, "allocated">[],
): Tx<void> {
  const capacity = units.find((one) => one.unit === unit)?.capacity ?? 0;
  if (capacity >= allocated) return;
  const now = fromThousandths(allocated);
  const holders = [...new Set((yield* usesOf(resource, NAMED_MAX)).map(({ holder }) => holder))];
  const message = `${resource} has ${now} ${unit} allocated, to ${holders.join(", ")}: its capacity cannot be ${fromThousandths(capacity)}. Nothing was changed; deallocate_resources first, or wait until they end.`;
  throw new BatonError("conflict", message, {
    details: { resource, unit, allocated: now, capacity: fromThousandths(capacity), holders },
    next: [callOperation("list_resources", {})],
  });
}

function* requireUsersToFit(resource: string, usersMax: number): Tx<void> {
  const users = (yield* usersOf([resource])).map(({ holder }) => holder).toSorted();
  if (users.length <= usersMax) return;
  const holders = users.slice(0, NAMED_MAX);
  const message = `${resource} has ${users.length} users, ${holders.join(", ")}: its max_concurrent_users cannot be ${usersMax}. Nothing was changed; deallocate_resources first, or wait until they end.`;
  throw new BatonError("conflict", message, {
    details: { resource, users: users.length, max_concurrent_users: usersMax, holders },
    next: [callOperation("list_resources", {})],
  });
}

const NAMED_MAX = 20;
