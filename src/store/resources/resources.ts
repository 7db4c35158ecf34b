import { RESOURCE_TYPES } from "../../base/statuses.js";
import { eachIn, idOf, int, intOrNull, many, manyIn, oneOf, placeholders, text, textOrNull } from "../rows.js";
import { insertInto, insertRows, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

const RESOURCES = table("resources", {
  id: text,
  type: oneOf(RESOURCE_TYPES),
  name: textOrNull,
  /** How many holders may have some of it at once; null for any number. */
  usersMax: intOrNull,
  /** The machine that it is part of, where that machine's server made it known. */
  host: textOrNull,
  registeredBy: text,
  updatedAt: int,
});
/** A resource that is shared. */
export interface Resource extends RowOf<typeof RESOURCES> {}

const UNITS = table("resource_units", { resource: text, unit: text, capacity: int, allocated: int });
/** The capacity of a resource in one unit, and how much of it is allocated, in thousandths. */
export interface ResourceUnit extends RowOf<typeof UNITS> {}

const SAVE = insertInto(
  RESOURCES,
  `ON CONFLICT (id) DO UPDATE SET type = excluded.type, name = excluded.name, users_max = excluded.users_max,
     host = excluded.host, registered_by = excluded.registered_by, updated_at = excluded.updated_at`,
);
const SAVE_UNITS = insertInto(UNITS, "ON CONFLICT (resource, unit) DO UPDATE SET capacity = excluded.capacity");

/** All resources, by id. Their number is bounded where they are registered. */
export function allResources(): Tx<Resource[]> {
  return many(RESOURCES.read, [`SELECT ${RESOURCES.columns} FROM resources ORDER BY id`]);
}

export function findResources(ids: readonly string[]): Tx<Resource[]> {
  return manyIn(RESOURCES.read, ids, (chunk) => [
    `SELECT ${RESOURCES.columns} FROM resources WHERE id IN (${placeholders(chunk.length)}) ORDER BY id`,
    chunk,
  ]);
}

export function unitsOf(ids: readonly string[]): Tx<ResourceUnit[]> {
  return manyIn(UNITS.read, ids, (chunk) => [
    `SELECT ${UNITS.columns} FROM resource_units WHERE resource IN (${placeholders(chunk.length)}) ORDER BY resource, unit`,
    chunk,
  ]);
}

/** Writes a resource, and the capacity of its units; those that it has no more are removed. */
export function* saveResource(resource: Resource, units: readonly ResourceUnit[]): Tx<void> {
  yield SAVE([resource]);
  const names = units.map(({ unit }) => unit);
  yield [
    // sql: a number of parameters.
    `DELETE FROM resource_units WHERE resource = $1 AND unit NOT IN (${placeholders(names.length, 2)})`,
    [resource.id, ...names],
  ];
  yield* insertRows(SAVE_UNITS, units);
}

/** Deletes the resources of other machines without an open session, where none of them is allocated or waited for, but for those that are kept. */
export function* forgetMachinesBut(host: string, kept: ReadonlySet<string>): Tx<void> {
  const found = yield* many(idOf, [
    `SELECT id FROM resources WHERE host IS NOT NULL AND host <> $1
       AND NOT EXISTS (SELECT 1 FROM allocation_items i WHERE i.resource = resources.id)
       AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.host = resources.host AND s.ended_at IS NULL)
     ORDER BY id LIMIT 500`,
    [host],
  ]);
  const gone = found.filter((id) => !kept.has(id));
  yield* eachIn(gone, (chunk) => [
    `DELETE FROM resource_units WHERE resource IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
  yield* eachIn(gone, (chunk) => [`DELETE FROM resources WHERE id IN (${placeholders(chunk.length)})`, chunk]);
}

/** Requirements as they are written: `{cpu: {cores: 2}}`. */
export type Requirements = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** An amount of a resource in one unit, in thousandths. */
export interface ResourceAmount {
  readonly resource: string;
  readonly unit: string;
  readonly amount: number;
}

/** Counts amounts as allocated, or, with the sign -1, as free again. The table refuses more than there is. */
export function* addAllocated(amounts: readonly ResourceAmount[], sign: 1 | -1): Tx<void> {
  for (const { resource, unit, amount } of amounts)
    yield [
      "UPDATE resource_units SET allocated = allocated + $1 WHERE resource = $2 AND unit = $3",
      [sign * amount, resource, unit],
    ];
}
