import type { Requirements } from "../resources/resources.js";
import type { ScopePaths } from "./file-sets.js";
import { HAS_MESSAGES, TASKS, taskAndSpecOf, type TaskAndSpec } from "../tasks/tasks.js";
import {
  list,
  many,
  manyIn,
  bySize,
  chunksOf,
  flag,
  int,
  json,
  jsonOrNull,
  one,
  oneOf,
  only,
  placeholders,
  text,
  textOrNull,
} from "../rows.js";
import { columns, insertInto, insertRows, type RowOf, table } from "../tables.js";
import { first, type Tx } from "../tx.js";

/**
 * Lanes: the first ready task of each (run, demand), so that a claim looks at one row per demand it can meet and never at
 * tasks it cannot take. Under a lane whose tasks declare files stands a scope lane per set of files.
 */

export const DEMANDS = table("demands", {
  id: text,
  project: text,
  executor: oneOf(["agent", "command", "tool"]),
  role: textOrNull,
  requires: json<readonly string[]>,
  reservedFor: textOrNull,
  /** The subject of the question to the executor's allow list: the command line, or `server/tool`. */
  command: textOrNull,
  scoped: flag,
  /** Agents, connections and tasks (`agent:ann`, `session:…`, `client:…`, `task:…`): an agent that is one of them, or worked on one, does not take it. */
  notBy: list<string>,
  /** Agents that have failed the task, the latest: others are preferred, see `Offer.excluded`. */
  failedBy: list<string>,
  /** Resources that the task takes with its claim; null for none. */
  resources: jsonOrNull<Requirements>,
  /** Whether the task runs alone in its run. */
  alone: flag,
});
/** The demand of a task on its agent or executor. */
export interface Demand extends RowOf<typeof DEMANDS> {}

/** The scope of a claim: one run, or all of a project. */
export type ClaimTarget = { readonly run: string } | { readonly project: string };

const ORDER_KEY = {
  bucket: int,
  latestStart: int,
  rankOrder: int,
  /** The first task that had the key. It may have left since, if others have the key too. */
  head: text,
};
export const ORDER_KEYS = columns(ORDER_KEY);
export interface OrderKey extends RowOf<typeof ORDER_KEYS> {}

const INSERT_DEMANDS = insertInto(DEMANDS, "ON CONFLICT (id) DO NOTHING");

export function saveDemands(demands: readonly Demand[]): Tx<void> {
  // In order of their ids: two that save the same demands at once then cannot wait for each other.
  return insertRows(
    INSERT_DEMANDS,
    demands.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  );
}

export function findDemand(id: string): Tx<Demand | undefined> {
  return one(DEMANDS.read, [`SELECT ${DEMANDS.columns} FROM demands WHERE id = $1`, [id]]);
}

/** Returns those of these demands that some parties may not meet. */
export function findDemandsWithParties(ids: readonly string[]): Tx<Demand[]> {
  return manyIn(DEMANDS.read, ids, (chunk) => [
    `SELECT ${DEMANDS.columns} FROM demands WHERE not_by IS NOT NULL AND id IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
}

/** The best open lane of a demand. */
export interface LaneHead extends OrderKey {
  readonly demand: Demand;
  readonly run: string;
}

export const LANE_FIELDS = "b.run, b.bucket, b.latest_start, b.rank_order, b.head";

// A loose index scan: each step of the recursion is one seek to the next demand that has an open lane, so that demands without
// work cost nothing however many there are.
const HEADS_OF_PROJECT = `WITH RECURSIVE live (demand) AS (
    SELECT min(demand) FROM lanes WHERE project = $1 AND open = 1 AND head IS NOT NULL
    UNION ALL
    SELECT (SELECT min(l.demand) FROM lanes l WHERE l.project = $1 AND l.demand > live.demand AND l.open = 1 AND l.head IS NOT NULL)
    FROM live WHERE live.demand IS NOT NULL
  )
  SELECT ${DEMANDS.columnsOf("d")}, ${LANE_FIELDS} FROM live JOIN demands d ON d.id = live.demand
  JOIN lanes b ON b.demand = live.demand AND b.run = (
    SELECT x.run FROM lanes x WHERE x.project = $1 AND x.demand = live.demand AND x.open = 1 AND x.head IS NOT NULL
    ORDER BY x.bucket, x.latest_start, x.rank_order, x.head LIMIT 1)
  ORDER BY b.bucket, b.latest_start, b.rank_order, b.head`;

const HEADS_OF_RUN = `SELECT ${DEMANDS.columnsOf("d")}, ${LANE_FIELDS} FROM lanes b JOIN demands d ON d.id = b.demand
  WHERE b.run = $1 AND b.open = 1 AND b.head IS NOT NULL
  ORDER BY b.bucket, b.latest_start, b.rank_order, b.head`;

/** The best open lane of every demand that has one, best first, in one project or one run. */
export function* laneHeads(where: ClaimTarget): Tx<LaneHead[]> {
  const rows = yield "run" in where ? [HEADS_OF_RUN, [where.run]] : [HEADS_OF_PROJECT, [where.project]];
  return rows.map((row) => ({ demand: DEMANDS.read(row), run: text(row, "run"), ...ORDER_KEYS.read(row) }));
}

/** The runs that have ready tasks of a demand, in the order of those. */
export function* runsOfDemand({ id, project }: Demand, limit: number): Tx<string[]> {
  return yield* many(only("run", text), [
    `SELECT run FROM lanes WHERE project = $1 AND demand = $2 AND open = 1 AND head IS NOT NULL
     ORDER BY bucket, latest_start, rank_order, head LIMIT $3`,
    [project, id, limit],
  ]);
}

/** The place of the best open lane of a demand in another run of its project. */
export function* bestOtherRun({ run, demand }: Pick<LaneHead, "run" | "demand">): Tx<OrderKey | undefined> {
  return yield* one(ORDER_KEYS.read, [
    `SELECT ${ORDER_KEYS.columns} FROM lanes WHERE project = $1 AND demand = $2 AND run <> $3 AND open = 1 AND head IS NOT NULL
     ORDER BY bucket, latest_start, rank_order, head LIMIT 1`,
    [demand.project, demand.id, run],
  ]);
}

/** The first ready task of a lane, and how many tasks the agent is running. */
export interface Candidate extends TaskAndSpec {
  readonly live: number;
  /** Whether messages are bound to it. */
  readonly hasMessages: boolean;
  /** The files it declares; undefined in a lane whose tasks declare none. */
  readonly files: ScopePaths | undefined;
}

const LIVE = "(SELECT count(*) FROM tasks a WHERE a.agent = $3) AS live";
// The lane may have been closed between the look and the lock.
const STILL_OPEN = "EXISTS (SELECT 1 FROM lanes o WHERE o.run = $1 AND o.demand = $2 AND o.open = 1)";
const HEAD_OF_LANE = `SELECT ${TASKS.columnsOf("t")}, s.spec, ${LIVE}, ${HAS_MESSAGES} FROM tasks t JOIN task_specs s ON s.task = t.id
  WHERE t.run = $1 AND t.demand = $2 AND t.scope = '' AND t.status = 'ready' AND ${STILL_OPEN}
  ORDER BY t.bucket, t.latest_start, t.rank_order, t.id LIMIT 1`;
const HEAD_OF_SCOPES = `SELECT ${TASKS.columnsOf("t")}, s.spec, f.patterns, ${LIVE}, ${HAS_MESSAGES}
  FROM scope_lanes l JOIN tasks t ON t.id = l.head JOIN task_specs s ON s.task = t.id JOIN scopes f ON f.id = l.scope
  WHERE l.run = $1 AND l.demand = $2 AND l.parked_on IS NULL AND l.head IS NOT NULL AND t.status = 'ready' AND ${STILL_OPEN}
  ORDER BY l.bucket, l.latest_start, l.rank_order, l.head LIMIT 1`;

export function* firstOfLane(lane: Pick<LaneHead, "run" | "demand">, agent: string): Tx<Candidate | undefined> {
  const row = yield* first([lane.demand.scoped ? HEAD_OF_SCOPES : HEAD_OF_LANE, [lane.run, lane.demand.id, agent]]);
  if (!row) return undefined;
  const files = lane.demand.scoped ? json<ScopePaths>(row, "patterns") : undefined;
  return { ...taskAndSpecOf(row), live: int(row, "live"), hasMessages: flag(row, "has_messages"), files };
}

const KEY_COLUMNS = "bucket, latest_start, rank_order, head";
const EARLIER = (lanes: string) =>
  `${lanes}.head IS NULL OR (excluded.bucket, excluded.latest_start, excluded.rank_order, excluded.head)
    < (${lanes}.bucket, ${lanes}.latest_start, ${lanes}.rank_order, ${lanes}.head)`;
const TAKE_OVER = `DO UPDATE SET bucket = excluded.bucket, latest_start = excluded.latest_start,
  rank_order = excluded.rank_order, head = excluded.head`;

const LANE = { run: text, demand: text, project: text, open: flag };
const LANES = table("lanes", { ...LANE, ...ORDER_KEY });
const SCOPE_LANES = table("scope_lanes", { run: text, demand: text, scope: text, project: text, ...ORDER_KEY });
const ENSURE_LANES = insertInto(table("lanes", LANE), "ON CONFLICT DO NOTHING");
const ENTER_LANES = insertInto(LANES, `ON CONFLICT (run, demand) ${TAKE_OVER} WHERE ${EARLIER("lanes")}`);
const ENTER_SCOPE_LANES = insertInto(
  SCOPE_LANES,
  `ON CONFLICT (run, demand, scope) ${TAKE_OVER} WHERE ${EARLIER("scope_lanes")}`,
);

export interface LaneEntry extends RowOf<typeof LANES> {}

/** Puts a newly ready task at the head of its lane where it comes first. At most one entry per lane. */
export function enterLanes(entries: readonly LaneEntry[]): Tx<void> {
  return insertRows(ENTER_LANES, entries);
}

export function ensureLanes(lanes: readonly Omit<LaneEntry, keyof OrderKey>[]): Tx<void> {
  return insertRows(ENSURE_LANES, lanes);
}

export interface ScopeEntry extends RowOf<typeof SCOPE_LANES> {}

/** The same for the lane of a set of files; a parked one stays parked. At most one entry per scope lane. */
export function enterScopeLanes(entries: readonly ScopeEntry[]): Tx<void> {
  return insertRows(ENTER_SCOPE_LANES, entries);
}

// A lane is written only when its key changes, so `head` may be a task that has left. No ready task with the key is older.
// sql: one of the two texts below.
const refreshFrom = (best: string): string => `UPDATE lanes SET (${KEY_COLUMNS}) = (${best})
  WHERE run = $1 AND demand = $2 AND NOT EXISTS (SELECT 1 FROM (${best}) b WHERE b.bucket = lanes.bucket
    AND b.latest_start = lanes.latest_start AND b.rank_order = lanes.rank_order AND b.head >= lanes.head)`;
const REFRESH_FROM_TASKS = refreshFrom(`SELECT bucket, latest_start, rank_order, id AS head FROM tasks
  WHERE run = $1 AND demand = $2 AND scope = '' AND status = 'ready' ORDER BY bucket, latest_start, rank_order, id LIMIT 1`);
const REFRESH_SCOPE = `UPDATE scope_lanes SET (${KEY_COLUMNS}) = (
  SELECT bucket, latest_start, rank_order, id FROM tasks
  WHERE run = $1 AND demand = $2 AND scope = $3 AND status = 'ready' ORDER BY bucket, latest_start, rank_order, id LIMIT 1)
  WHERE run = $1 AND demand = $2 AND scope = $3`;
const REFRESH_FROM_SCOPES = refreshFrom(`SELECT bucket, latest_start, rank_order, head FROM scope_lanes
  WHERE run = $1 AND demand = $2 AND parked_on IS NULL AND head IS NOT NULL
  ORDER BY bucket, latest_start, rank_order, head LIMIT 1`);

export type LaneOfTask = Pick<ScopeEntry, "run" | "demand" | "scope">;

/** Names the first task of a lane, where it is compared with another lane of the same key. */
export function* setHead({ run, demand }: Pick<LaneHead, "run" | "demand">, head: string): Tx<void> {
  yield ["UPDATE lanes SET head = $1 WHERE run = $2 AND demand = $3", [head, run, demand.id]];
}

/** Finds the key of a lane afresh, after a task has left it. */
export function* refreshLane(lane: LaneOfTask): Tx<void> {
  if (lane.scope === "") {
    yield [REFRESH_FROM_TASKS, [lane.run, lane.demand]];
    return;
  }
  yield [REFRESH_SCOPE, [lane.run, lane.demand, lane.scope]];
  yield* refreshFromScopes(lane);
}

export function* refreshFromScopes(lane: { run: string; demand: string }): Tx<void> {
  yield [REFRESH_FROM_SCOPES, [lane.run, lane.demand]];
}

/** Opens or closes all lanes of a run: few rows, however many tasks it has. */
export function* setLanesOpen(run: string, open: boolean): Tx<void> {
  yield ["UPDATE lanes SET open = $1 WHERE run = $2 AND open <> $1", [open ? 1 : 0, run]];
}

export function* deleteLanes(run: string): Tx<void> {
  yield ["DELETE FROM scope_lanes WHERE run = $1", [run]];
  yield ["DELETE FROM lanes WHERE run = $1", [run]];
}

/** Takes a whole set of files out of the order until the lock request is gone. Gives the demands concerned. */
export function* parkScope(lane: { run: string; scope: string }, request: string): Tx<string[]> {
  return yield* many(only("demand", text), [
    // The demands are named so that the key of the table leads to the rows: without them SQLite reads every scope of the run.
    `UPDATE scope_lanes SET parked_on = $1
     WHERE run = $2 AND demand IN (SELECT demand FROM lanes WHERE run = $2) AND scope = $3 AND parked_on IS NULL RETURNING demand`,
    [request, lane.run, lane.scope],
  ]);
}

const PARKED_ON = bySize((size) => `SELECT DISTINCT run FROM scope_lanes WHERE parked_on IN (${placeholders(size)})`);

/** The demands of the file sets that are parked on these lock requests. */
export function* demandsParkedOn(requests: readonly string[]): Tx<Demand[]> {
  const found: Demand[] = [];
  for (const chunk of chunksOf(requests)) {
    const rows = yield [
      `SELECT DISTINCT ${DEMANDS.columnsOf("d")} FROM scope_lanes l JOIN demands d ON d.id = l.demand
       WHERE l.parked_on IN (${placeholders(chunk.length)}) LIMIT 100`,
      chunk,
    ];
    found.push(...rows.map(DEMANDS.read));
  }
  return found;
}

/** The runs that have something parked on any of these lock requests. */
export function* runsParkedOn(requests: readonly string[]): Tx<string[]> {
  const runs = yield* manyIn(only("run", text), requests, (chunk) => [PARKED_ON(chunk.length), chunk]);
  return [...new Set(runs)].sort();
}

const PARKED_SCOPES = columns({
  demand: text,
  run: text,
  scope: text,
  /** The position of its first task in the order: what it would wait behind. */
  bucket: int,
  readyAt: int,
});
/** A set of files that is parked on a lock request. */
export interface ParkedScope extends RowOf<typeof PARKED_SCOPES> {}

// A request has a row for each pattern: each is to meet what is parked on it once.
const PARKED_ON_OWN = `(SELECT DISTINCT request FROM file_locks
    WHERE agent = $1 AND task IS NULL AND (state <> 'held' OR expires_at IS NOT NULL)) f
  JOIN scope_lanes l ON l.parked_on = f.request
  JOIN lanes o ON o.run = l.run AND o.demand = l.demand AND o.open = 1`;
const DEMANDS_ON_OWN = `SELECT DISTINCT ${DEMANDS.columnsOf("d")} FROM ${PARKED_ON_OWN} JOIN demands d ON d.id = l.demand`;
const DEMANDS_ON_OWN_IN_RUN = `${DEMANDS_ON_OWN} WHERE l.run = $2`;
const DEMANDS_ON_OWN_IN_PROJECT = `${DEMANDS_ON_OWN} WHERE l.project = $2`;

/** Returns the demands of tasks parked on locks that an agent holds without a task: those locks block all others, and not the agent. */
export function* demandsOnOwn(agent: string, where: ClaimTarget): Tx<Demand[]> {
  const [sql, id] = "run" in where ? [DEMANDS_ON_OWN_IN_RUN, where.run] : [DEMANDS_ON_OWN_IN_PROJECT, where.project];
  return yield* many(DEMANDS.read, [sql, [agent, id]]);
}

const SCOPES_ON_OWN = bySize(
  (size) => `SELECT l.run, l.demand, l.scope, l.bucket, t.ready_at FROM ${PARKED_ON_OWN} JOIN tasks t ON t.id = l.head
    WHERE l.demand IN (${placeholders(size, 3)}) AND (l.run = $2 OR l.project = $2)
    ORDER BY l.bucket, l.latest_start, l.rank_order, l.head LIMIT 32`,
);

/** The first of it that asks for one of these demands, in the order of the claims. At most 32. */
export function* scopesOnOwn(
  agent: string,
  { where, demands }: { where: ClaimTarget; demands: readonly string[] },
): Tx<ParkedScope[]> {
  const [target, some] = ["run" in where ? where.run : where.project, demands.slice(0, DEMANDS_AT_ONCE_MAX)];
  return yield* many(PARKED_SCOPES.read, [SCOPES_ON_OWN(some.length), [agent, target, ...some]]);
}

const DEMANDS_AT_ONCE_MAX = 100;

/** Returns one set of files to the order, whatever it was parked on. */
export function* unparkScope({ run, demand, scope }: LaneOfTask): Tx<void> {
  yield ["UPDATE scope_lanes SET parked_on = NULL WHERE run = $1 AND demand = $2 AND scope = $3", [run, demand, scope]];
  yield* refreshFromScopes({ run, demand });
}

/** Returns what was parked on the requests to the order. Gives the lanes whose head must be found afresh. */
export function* unparkScopes(requests: readonly string[]): Tx<{ run: string; demand: string }[]> {
  const lanes = new Map<string, { run: string; demand: string }>();
  for (const chunk of chunksOf(requests)) {
    const rows = yield [
      `UPDATE scope_lanes SET parked_on = NULL WHERE parked_on IN (${placeholders(chunk.length)}) RETURNING run, demand`,
      chunk,
    ];
    for (const row of rows) {
      const lane = { run: text(row, "run"), demand: text(row, "demand") };
      lanes.set(`${lane.run}/${lane.demand}`, lane);
    }
  }
  return [...lanes.values()];
}

/** Returns the request on which a file set is parked in a run; undefined when it is not. */
export function* parkedOn(lane: LaneOfTask): Tx<string | undefined> {
  return yield* one(only("parked_on", text), [
    "SELECT parked_on FROM scope_lanes WHERE run = $1 AND demand = $2 AND scope = $3 AND parked_on IS NOT NULL",
    [lane.run, lane.demand, lane.scope],
  ]);
}
