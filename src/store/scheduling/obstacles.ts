import { RUN_KINDS, RUN_STATUSES } from "../../base/statuses.js";
import { flag, int, intOrNull, many, manyIn, one, oneOf, only, placeholders, text, textOrNull } from "../rows.js";
import { TASKS, taskAndSpecOf, type TaskAndSpec } from "../tasks/tasks.js";
import { columns, named, type RowOf } from "../tables.js";
import type { Tx } from "../tx.js";
import { type ClaimTarget, type Demand, DEMANDS } from "./lanes.js";

/** Reads of the obstacles of a claim that found no task: each costs more than the claim itself. */

function columnOf(where: ClaimTarget): readonly [column: "run" | "project", id: string] {
  return "run" in where ? ["run", where.run] : ["project", where.project];
}

const LANE_AT_HAND = columns({
  run: text,
  open: flag,
  /** Its first ready task that no files keep back; null where there is none. */
  head: textOrNull,
  runName: text,
  runStatus: oneOf(RUN_STATUSES),
  overBudget: flag,
  maxParallel: int,
  /** How many of its run are running, and whether the one that was claimed last runs alone. */
  running: int,
  alone: named("runs_alone", flag),
  /** Ready tasks, parked ones too, counted as far as `COUNTED_MAX` and one more. */
  ready: int,
  /** Whether files that others hold keep some of them back. */
  parked: flag,
});
export interface LaneAtHand extends RowOf<typeof LANE_AT_HAND> {
  readonly demand: Demand;
}

/** Ready tasks of a lane that are counted. */
export const COUNTED_MAX = 100;
const LANES_MAX = 200;

/** The lanes with ready tasks, open or not, at most 200. */
export function* lanesAtHand(where: ClaimTarget): Tx<LaneAtHand[]> {
  const [column, id] = columnOf(where);
  const parked =
    "EXISTS (SELECT 1 FROM scope_lanes s WHERE s.run = l.run AND s.demand = l.demand AND s.parked_on IS NOT NULL)";
  return yield* many(
    (row) => ({ ...LANE_AT_HAND.read(row), demand: DEMANDS.read(row) }),
    [
      // sql: one of two columns, and constants.
      `SELECT ${DEMANDS.columnsOf("d")}, l.run, l.open, l.head, r.name AS run_name, r.status AS run_status, r.over_budget, r.max_parallel,
         c.running, c.alone AS runs_alone,
         CASE WHEN ${parked} THEN 1 ELSE 0 END AS parked,
         (SELECT count(*) FROM (SELECT 1 FROM tasks t WHERE t.run = l.run AND t.demand = l.demand AND t.status = 'ready'
            LIMIT ${COUNTED_MAX + 1}) AS first_ready) AS ready
       FROM lanes l JOIN demands d ON d.id = l.demand JOIN runs r ON r.id = l.run JOIN run_counters c ON c.run = l.run
       WHERE l.${column} = $1 AND (l.head IS NOT NULL OR ${parked}) ORDER BY l.run, l.demand LIMIT ${LANES_MAX}`,
      [id],
    ],
  );
}

const COMMAND_AT_HAND = columns({ run: text, command: text });

/** The command lines of ready steps in the open runs of a project, each once in a run. */
export function* commandsAtHand(project: string, limit: number): Tx<RowOf<typeof COMMAND_AT_HAND>[]> {
  return yield* many(COMMAND_AT_HAND.read, [
    `SELECT DISTINCT l.run, d.command FROM lanes l JOIN demands d ON d.id = l.demand
     WHERE l.project = $1 AND l.open = 1 AND l.head IS NOT NULL AND d.executor = 'command' ORDER BY l.run, d.command LIMIT $2`,
    [project, limit],
  ]);
}

const PARKED = columns({ project: text, scope: text });

/** The files of the first ready task of a demand that locks keep back. */
export function* scopeKeptBack(lane: {
  readonly run: string;
  readonly demand: Demand;
}): Tx<RowOf<typeof PARKED> | undefined> {
  return yield* one(PARKED.read, [
    `SELECT ${PARKED.columns} FROM scope_lanes WHERE run = $1 AND demand = $2 AND parked_on IS NOT NULL
     ORDER BY bucket, latest_start, rank_order, head LIMIT 1`,
    [lane.run, lane.demand.id],
  ]);
}

const RESERVED = columns({ key: text, reservedFor: text, reservedUntil: int });

/** Ready tasks of a demand that are reserved until later than now. */
export function* reservedAtHand(
  lane: { readonly run: string; readonly demand: Demand },
  now: number,
  limit: number,
): Tx<RowOf<typeof RESERVED>[]> {
  return yield* many(RESERVED.read, [
    `SELECT ${RESERVED.columns} FROM tasks WHERE run = $1 AND demand = $2 AND status = 'ready' AND reserved_until > $3
     ORDER BY reserved_until, id LIMIT $4`,
    [lane.run, lane.demand.id, now, limit],
  ]);
}

/** Ready tasks of a demand with their specs, oldest first. */
export function* readyOfDemand(
  lane: { readonly run: string; readonly demand: Demand },
  limit: number,
): Tx<TaskAndSpec[]> {
  return yield* many(taskAndSpecOf, [
    `SELECT ${TASKS.columnsOf("t")}, s.spec FROM tasks t JOIN task_specs s ON s.task = t.id
     WHERE t.run = $1 AND t.demand = $2 AND t.status = 'ready' ORDER BY t.id LIMIT $3`,
    [lane.run, lane.demand.id, limit],
  ]);
}

const READY = columns({ id: text, readyAt: int });

/** Since when each of these tasks has been ready, of those that have been. */
export function* readyAtOf(tasks: readonly string[]): Tx<Map<string, number>> {
  const rows = yield* manyIn(READY.read, tasks, (chunk) => [
    `SELECT ${READY.columns} FROM tasks WHERE ready_at IS NOT NULL AND id IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
  return new Map(rows.map(({ id, readyAt }) => [id, readyAt]));
}

/** Returns those of these demands that require resources. */
export function* demandsWithResources(ids: readonly string[]): Tx<string[]> {
  return yield* manyIn(only("id", text), [...new Set(ids)], (chunk) => [
    `SELECT id FROM demands WHERE resources IS NOT NULL AND id IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
}

const RETRY = columns({ key: text, availableAt: int, runName: text });
export interface RetryAtHand extends RowOf<typeof RETRY> {}

/** Failed tasks whose next try starts later than now, the soonest first. */
export function* retriesAtHand(where: ClaimTarget, now: number, limit: number): Tx<RetryAtHand[]> {
  const [column, id] = columnOf(where);
  return yield* many(RETRY.read, [
    // sql: one of two columns.
    `SELECT t.key, t.available_at, r.name AS run_name FROM tasks t JOIN runs r ON r.id = t.run
     WHERE t.${column} || '' = $1 AND t.due_at IS NOT NULL AND t.agent IS NULL AND t.status = 'pending' AND t.available_at > $2
     ORDER BY t.available_at, t.id LIMIT $3`,
    [id, now, limit],
  ]);
}

const HELD = columns({
  id: text,
  key: text,
  kind: text,
  agent: text,
  startedAt: intOrNull,
  orders: textOrNull,
  runName: text,
});
export interface HeldAtHand extends RowOf<typeof HELD> {}

/** Tasks that agents hold, oldest first. */
export function* heldAtHand(where: ClaimTarget, limit: number): Tx<HeldAtHand[]> {
  const [column, id] = columnOf(where);
  return yield* many(HELD.read, [
    // sql: one of two columns.
    `SELECT t.id, t.key, t.kind, t.agent, t.started_at, t.orders, r.name AS run_name FROM tasks t JOIN runs r ON r.id = t.run
     WHERE t.agent IS NOT NULL AND t.${column} || '' = $1 ORDER BY t.id LIMIT $2`,
    [id, limit],
  ]);
}

/** Tasks of a run that wait for a time, an event or a child run, the next due first. */
export function* waitsOf(run: string, limit: number): Tx<TaskAndSpec[]> {
  return yield* many(taskAndSpecOf, [
    `SELECT ${TASKS.columnsOf("t")}, s.spec FROM tasks t JOIN task_specs s ON s.task = t.id
     WHERE t.run = $1 AND t.status = 'waiting' AND t.kind <> 'human' ORDER BY CASE WHEN t.due_at IS NULL THEN 1 ELSE 0 END, t.due_at, t.id LIMIT $2`,
    [run, limit],
  ]);
}

const RUN_AT_HAND = columns({
  id: text,
  name: text,
  kind: oneOf(RUN_KINDS),
  status: oneOf(RUN_STATUSES),
});
export interface RunAtHand extends RowOf<typeof RUN_AT_HAND> {}

/** The open runs of a project, newest first; its standing run counts while it has open tasks. */
export function* openRunsOf(project: string, limit: number): Tx<RunAtHand[]> {
  return yield* many(RUN_AT_HAND.read, [
    `SELECT r.id, r.name, r.kind, r.status FROM runs r JOIN run_counters c ON c.run = r.id
     WHERE r.ended_at IS NULL AND r.project || '' = $1
       AND (r.kind <> 'standing' OR c.pending + c.ready + c.running + c.waiting + c.in_review > 0)
     ORDER BY r.id DESC LIMIT $2`,
    [project, limit],
  ]);
}

const LAST_RUN = columns({ name: text, status: oneOf(RUN_STATUSES), kind: oneOf(RUN_KINDS), at: int });
export interface LastRun extends RowOf<typeof LAST_RUN> {}

/** The run of a project that ended last. The standing run ends, for this, with its last open task. */
export function* lastRunOf(project: string): Tx<LastRun | undefined> {
  return yield* one(LAST_RUN.read, [
    `SELECT name, status, kind, at FROM (
       SELECT name, status, kind, ended_at AS at FROM runs WHERE project = $1 AND ended_at = (
         SELECT max(ended_at) FROM runs WHERE project = $1 AND ended_at IS NOT NULL)
       UNION ALL SELECT r.name, r.status, r.kind, c.updated_at AS at FROM runs r JOIN run_counters c ON c.run = r.id
         WHERE r.project = $1 AND r.kind = 'standing' AND c.total > 0) AS runs_by_end ORDER BY at DESC LIMIT 1`,
    [project],
  ]);
}

/** The demands that ask for more than any agent, of ready tasks in open runs, with how many of them are ready; at most `limit`. */
export function* demandsAtHand(limit: number): Tx<{ demand: Demand; ready: number }[]> {
  return yield* many(
    (row) => ({ demand: DEMANDS.read(row), ready: int(row, "ready") }),
    [
      // sql: constants.
      `SELECT ${DEMANDS.columnsOf("d")}, (SELECT count(*) FROM lanes l JOIN tasks t ON t.run = l.run AND t.demand = l.demand
         WHERE l.demand = d.id AND t.status = 'ready') AS ready
       FROM demands d WHERE d.executor = 'agent' AND (d.role IS NOT NULL OR d.requires <> '[]' OR d.not_by IS NOT NULL)
         AND EXISTS (SELECT 1 FROM lanes o WHERE o.project = d.project AND o.demand = d.id AND o.open = 1 AND o.head IS NOT NULL)
       ORDER BY d.id LIMIT $1`,
      [limit],
    ],
  );
}
