import { many, json, text } from "../rows.js";
import { columns, type RowOf } from "../tables.js";
import type { Tx } from "../tx.js";

// Names of entities for completions, narrow and newest first.

/** An entity with what it is called besides its id. */
export interface Reference {
  readonly id: string;
  readonly names: readonly string[];
}

const NEWEST = {
  project: "SELECT id, name, name AS other FROM projects WHERE id < $1 ORDER BY id DESC LIMIT $2",
  run: "SELECT id, name, name AS other FROM runs WHERE id < $1 ORDER BY id DESC LIMIT $2",
  task: "SELECT id, key AS name, title AS other FROM tasks WHERE id < $1 ORDER BY id DESC LIMIT $2",
  artifact: "SELECT id, name, name AS other FROM artifacts WHERE id < $1 ORDER BY id DESC LIMIT $2",
} as const;
export type Referable = keyof typeof NEWEST;

/** Sorts behind every id that begins with a text, and alone behind every id: ids are lower-case letters, digits and `_`. */
export const BEHIND = "~";

/** The newest `limit` whose ids sort before `before`. Ids sort by creation; the primary key serves it. */
export function* newestReferences(kind: Referable, before: string, limit: number): Tx<Reference[]> {
  const rows = yield [NEWEST[kind], [before, limit]];
  return rows.map((row) => ({ id: text(row, "id"), names: [text(row, "name"), text(row, "other")] }));
}

const OFFERED = columns({ roles: json<readonly string[]>, capabilities: json<readonly string[]> });
export interface Offered extends RowOf<typeof OFFERED> {}

/** Returns the offers of the agents seen last, the latest first. */
export function* offeredByAgents(limit: number): Tx<Offered[]> {
  return yield* many(OFFERED.read, [
    "SELECT roles, capabilities FROM agents WHERE status = 'active' ORDER BY seen_at DESC LIMIT $1",
    [limit],
  ]);
}

/** Returns the roles and capabilities of recorded demands. */
export function* askedByTasks(limit: number): Tx<Offered[]> {
  const rows = yield ["SELECT COALESCE(role, '') AS role, requires FROM demands ORDER BY id LIMIT $1", [limit]];
  return rows.map((row) => ({
    roles: [text(row, "role")].filter((role) => role !== ""),
    capabilities: json<string[]>(row, "requires"),
  }));
}
