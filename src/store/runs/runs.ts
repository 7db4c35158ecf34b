import { ON_FAILURE, RUN_STATUSES, type RunStatus, RUN_KINDS } from "../../base/statuses.js";
import { appendEvents } from "../events/events.js";
import {
  many,
  conditionsOf,
  flag,
  hit,
  idOf,
  int,
  intOrNull,
  json,
  jsonOrNull,
  one,
  oneOf,
  oneOfOrNull,
  only,
  placeholders,
  sole,
  text,
  textOrNull,
} from "../rows.js";
import { columns, insertInto, type RowOf, table } from "../tables.js";
import { first, type Tx, type TxContext } from "../tx.js";

/** The graph's figures, computed when the run was made or changed. */
export interface RunShape {
  readonly depth: number;
  readonly width: number;
  /** Keys along the longest expected path, at most the first 100. */
  readonly criticalPath: readonly string[];
  readonly criticalPathMs: number;
}

/** The stage of a run that does not go on after a failure: nothing new starts, or what was done is undone. */
const RUN_STAGES = ["stopping", "undoing"] as const;
export type RunStage = (typeof RUN_STAGES)[number];

const FIELDS = {
  id: text,
  project: text,
  workflow: textOrNull,
  workflowVersion: intOrNull,
  name: text,
  kind: oneOf(RUN_KINDS),
  status: oneOf(RUN_STATUSES),
  revision: int,
  mode: text,
  maxParallel: int,
  priority: int,
  deadline: intOrNull,
  inputs: json<Readonly<Record<string, unknown>>>,
  reason: textOrNull,
  createdBy: text,
  createdAt: int,
  endedAt: intOrNull,
  /** The run and the task of it that wait for this one; null for one that was started by itself. */
  parentRun: textOrNull,
  parentTask: textOrNull,
  /** How many runs it is within. */
  depth: int,
  onFailure: oneOf(ON_FAILURE),
  stage: oneOfOrNull(RUN_STAGES),
  /** The nearest run, itself or one that it is within, that has a budget. */
  budgetOf: textOrNull,
  /** Whether it gives out no work because such a budget is spent. */
  overBudget: flag,
};
export const RUNS = table("runs", FIELDS);
export interface Run extends RowOf<typeof RUNS> {}

export interface NewRun extends Omit<
  Run,
  "revision" | "status" | "endedAt" | "reason" | "createdAt" | "stage" | "overBudget"
> {
  /** Default: none. */
  readonly reason?: string;
  readonly shape: RunShape;
  /** The definition as it was given, as JSON text. */
  readonly definition: string | null;
  /** Default: running. */
  readonly status?: "planning" | "running" | "paused";
}

const INSERT = insertInto(table("runs", { ...FIELDS, shape: json<RunShape> }));

/** Inserts a run, and returns it as it is then. */
export function* insertRun(ctx: TxContext, { definition, shape, ...given }: NewRun): Tx<Run> {
  const fresh = { revision: 1, createdAt: ctx.now, endedAt: null, stage: null, overBudget: false };
  const run: Run = { ...given, ...fresh, status: given.status ?? "running", reason: given.reason ?? null };
  yield INSERT([{ ...run, shape }]);
  if (definition !== null)
    yield ["INSERT INTO run_definitions (run, definition) VALUES ($1, $2)", [run.id, definition]];
  yield* insertCounters(ctx, run.id);
  return run;
}

/** Inserts the counters of a run without tasks. */
export function* insertCounters(ctx: TxContext, run: string): Tx<void> {
  yield ["INSERT INTO run_counters (run, updated_at) VALUES ($1, $2)", [run, ctx.now]];
}

export function* findRun(id: string): Tx<Run | undefined> {
  return yield* one(RUNS.read, [`SELECT ${RUNS.columns} FROM runs WHERE id = $1`, [id]]);
}

export function* findStandingRun(project: string): Tx<string | undefined> {
  return yield* one(idOf, ["SELECT id FROM runs WHERE project = $1 AND kind = 'standing'", [project]]);
}

export function* findRunShape(id: string): Tx<RunShape> {
  return yield* sole(only("shape", json<RunShape>), ["SELECT shape FROM runs WHERE id = $1", [id]]);
}

export interface RunChangeOfState {
  readonly run: string;
  readonly from: RunStatus;
  readonly to: RunStatus;
  readonly endedAt: number | null;
  readonly reason: string | null;
  readonly stage: RunStage | null;
  /** When the tick must look at the run again; without it, when it was to do so before. */
  readonly dueAt?: number | null;
}

/** Guarded by the state it expects; false when the run was in another. */
export function* setRunStatus(change: RunChangeOfState): Tx<boolean> {
  return yield* hit([
    "UPDATE runs SET status = $1, ended_at = $2, reason = $3, due_at = COALESCE($4, due_at), stage = $5 WHERE id = $6 AND status = $7 RETURNING id",
    [change.to, change.endedAt, change.reason, change.dueAt ?? null, change.stage, change.run, change.from],
  ]);
}

export interface RunFilter {
  readonly project?: string | undefined;
  readonly status?: string | undefined;
  readonly workflow?: string | undefined;
  /** Runs older than this id. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Newest first. */
export function* listRuns(filter: RunFilter): Tx<Run[]> {
  const { where, params } = conditionsOf([
    ["project =", filter.project],
    ["status =", filter.status],
    ["workflow =", filter.workflow],
    ["id <", filter.before],
  ]);
  // sql: the comparisons are those above.
  const sql = `SELECT ${RUNS.columns} FROM runs ${where} ORDER BY id DESC LIMIT $${params.length + 1}`;
  return yield* many(RUNS.read, [sql, [...params, filter.limit]]);
}

const PAST_RUNS = columns({
  id: text,
  name: text,
  inputs: json<Readonly<Record<string, unknown>>>,
  /** JSON text. */
  definition: text,
});
export interface PastRun extends RowOf<typeof PAST_RUNS> {}

/** The newest runs of a project that have succeeded, but for those with a very long definition. At most 200. */
export function* succeededRuns(project: string): Tx<PastRun[]> {
  return yield* many(PAST_RUNS.read, [
    `SELECT r.id, r.name, r.inputs, d.definition FROM runs r JOIN run_definitions d ON d.run = r.id
     WHERE r.project = $1 AND r.status = 'succeeded' AND r.parent_run IS NULL AND length(d.definition) < 65536
     ORDER BY r.id DESC LIMIT 200`,
    [project],
  ]);
}

/** The runs that ad-hoc tasks live in, one per project that has any. */
export function* standingRuns(): Tx<string[]> {
  return yield* many(idOf, ["SELECT id FROM runs WHERE kind = 'standing' AND ended_at IS NULL ORDER BY id LIMIT 1000"]);
}

export function* activeRunsOf(project: string): Tx<string[]> {
  return yield* many(idOf, [
    "SELECT id FROM runs WHERE project = $1 AND kind = 'workflow' AND ended_at IS NULL ORDER BY id",
    [project],
  ]);
}

const OF_ITS_TASKS = "task IN (SELECT id FROM tasks WHERE run = $1)";
const REMOVE_RUN = [
  "DELETE FROM events WHERE seq IN (SELECT seq FROM %RUN_EVENTS% = $1)",
  "DELETE FROM event_blocks WHERE of_run = $1",
  `DELETE FROM attempts WHERE ${OF_ITS_TASKS}`,
  `DELETE FROM dependencies WHERE ${OF_ITS_TASKS}`,
  `DELETE FROM task_specs WHERE ${OF_ITS_TASKS}`,
  `DELETE FROM askings WHERE ${OF_ITS_TASKS}`,
  `DELETE FROM review_bases WHERE ${OF_ITS_TASKS}`,
  "DELETE FROM reviews WHERE run = $1",
  "DELETE FROM tasks WHERE run = $1",
  "DELETE FROM scope_lanes WHERE run = $1",
  "DELETE FROM lanes WHERE run = $1",
  "DELETE FROM signals WHERE run = $1",
  "DELETE FROM dead_letters WHERE run = $1",
  "DELETE FROM work_session_runs WHERE run = $1",
  "DELETE FROM checkpoint_parts WHERE checkpoint IN (SELECT id FROM checkpoints WHERE run = $1)",
  "DELETE FROM checkpoints WHERE run = $1",
  "DELETE FROM checkpoint_turns WHERE run = $1",
  "DELETE FROM budgets WHERE id = $1",
  "DELETE FROM usage_records WHERE run = $1",
  "DELETE FROM imports WHERE run = $1",
  "DELETE FROM message_acks WHERE seq IN (SELECT seq FROM messages WHERE run = $1)",
  "DELETE FROM messages WHERE run = $1",
  "DELETE FROM handoffs WHERE run = $1",
  "DELETE FROM meeting_posts WHERE meeting IN (SELECT id FROM meetings WHERE run = $1)",
  "DELETE FROM meetings WHERE run = $1",
  "DELETE FROM escalations WHERE run = $1",
  "DELETE FROM approvals WHERE run = $1",
  "DELETE FROM deliveries WHERE run = $1",
  "UPDATE artifact_contents SET unused = 1 WHERE hash IN (SELECT hash FROM artifacts WHERE run = $1)",
  "DELETE FROM artifacts WHERE run = $1",
  "DELETE FROM run_counters WHERE run = $1",
  "DELETE FROM run_definitions WHERE run = $1",
  "DELETE FROM runs WHERE id = $1",
];

/**
 * Removes a finished run and all that belongs to it. The removal itself becomes an event first: the newest event of the history is
 * never removed, so that numbers only grow.
 */
export function* deleteRun(ctx: TxContext, run: { readonly id: string; readonly project: string }): Tx<void> {
  yield* appendEvents(ctx, [{ type: "run.pruned", project: run.project, data: { run: run.id } }]);
  for (const statement of REMOVE_RUN) yield [statement, [run.id]];
}

export function* countRunsByStatus(project?: string): Tx<Record<string, number>> {
  const { where, params } = conditionsOf([
    ["kind =", "workflow"],
    ["project =", project],
  ]);
  // sql: the comparisons are those above.
  const rows = yield [`SELECT status, count(*) AS runs FROM runs ${where} GROUP BY status`, params];
  return Object.fromEntries(rows.map((row) => [text(row, "status"), int(row, "runs")]));
}

export function* findRuns(ids: readonly string[]): Tx<Run[]> {
  if (ids.length === 0) return [];
  return yield* many(RUNS.read, [
    `SELECT ${RUNS.columns} FROM runs WHERE id IN (${placeholders(ids.length)}) ORDER BY id`,
    ids,
  ]);
}

/** The next revision of a run, and what its graph looks like now. */
export function* setRevision(run: string, revision: number, shape: RunShape): Tx<void> {
  yield ["UPDATE runs SET revision = $1, shape = $2 WHERE id = $3", [revision, JSON.stringify(shape), run]];
}

/** The definition a run was started from; undefined for one of ad-hoc tasks. */
export function* findRunDefinition(run: string): Tx<Readonly<Record<string, unknown>> | undefined> {
  const row = yield* first(["SELECT definition FROM run_definitions WHERE run = $1", [run]]);
  return row && (jsonOrNull<Record<string, unknown>>(row, "definition") ?? undefined);
}
