import type { JsonObject } from "../../base/json.js";
import { MISSED_POLICIES } from "../../base/statuses.js";
import { flag, hit, idOf, int, intOrNull, json, many, one, oneOf, only, sole, text, textOrNull } from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

export const SCHEDULES = table("schedules", {
  id: text,
  project: text,
  name: text,
  /** The workflow's id. */
  workflow: text,
  cron: text,
  /** A zone of the IANA database, such as Europe/Berlin. */
  timezone: text,
  missed: oneOf(MISSED_POLICIES),
  /** Whether a run starts while the last one is open. */
  mayOverlap: flag,
  inputs: json<JsonObject>,
  /** Values that its runs are started with, as execute_workflow takes them. */
  options: json<JsonObject>,
  /** Null while it is paused, and where no more start comes. */
  nextAt: intOrNull,
  /** The instant the last run was due. */
  lastAt: intOrNull,
  lastRun: textOrNull,
  lastError: textOrNull,
  /** Starts that failed since the last one that did not. */
  failures: int,
  createdAt: int,
  createdBy: text,
});
export interface Schedule extends RowOf<typeof SCHEDULES> {}

const INSERT = insertInto(SCHEDULES);

export function* insertSchedule(schedule: Schedule): Tx<void> {
  yield INSERT([schedule]);
}

export function* findSchedule(id: string): Tx<Schedule | undefined> {
  return yield* one(SCHEDULES.read, [`SELECT ${SCHEDULES.columns} FROM schedules WHERE id = $1`, [id]]);
}

export function* findScheduleByName(project: string, name: string): Tx<Schedule | undefined> {
  return yield* one(SCHEDULES.read, [
    `SELECT ${SCHEDULES.columns} FROM schedules WHERE project = $1 AND name = $2`,
    [project, name],
  ]);
}

/** Writes what a schedule is to do. */
export function* saveSchedule(schedule: Schedule): Tx<void> {
  const { id, workflow, cron, timezone, missed, mayOverlap, inputs, options } = schedule;
  yield [
    `UPDATE schedules SET workflow = $1, cron = $2, timezone = $3, missed = $4, may_overlap = $5, inputs = $6, options = $7 WHERE id = $8`,
    [workflow, cron, timezone, missed, mayOverlap ? 1 : 0, JSON.stringify(inputs), JSON.stringify(options), id],
  ];
  yield* recordStart(schedule);
}

/** Writes when a schedule starts next, and what came of its last start. */
export function* recordStart({
  id,
  nextAt,
  lastAt,
  lastRun,
  lastError,
  failures,
}: Pick<Schedule, "id" | "nextAt" | "lastAt" | "lastRun" | "lastError" | "failures">): Tx<void> {
  yield [
    `UPDATE schedules SET next_at = $1, last_at = $2, last_run = $3, last_error = $4, failures = $5 WHERE id = $6`,
    [nextAt, lastAt, lastRun, lastError, failures, id],
  ];
}

export function* deleteSchedule(id: string): Tx<boolean> {
  return yield* hit(["DELETE FROM schedules WHERE id = $1 RETURNING id", [id]]);
}

/** Returns a project's schedules by name, after one of them. */
export function* schedulesOf(project: string, after: string, limit: number): Tx<Schedule[]> {
  return yield* many(SCHEDULES.read, [
    `SELECT ${SCHEDULES.columns} FROM schedules WHERE project = $1 AND name > $2 ORDER BY name LIMIT $3`,
    [project, after, limit],
  ]);
}

export function* countSchedules(project: string): Tx<number> {
  return yield* sole(only("n", int), ["SELECT count(*) AS n FROM schedules WHERE project = $1", [project]]);
}

/** Schedules whose next start has come, the longest due first. */
export function* dueSchedules(now: number, limit: number): Tx<string[]> {
  return yield* many(idOf, [
    "SELECT id FROM schedules WHERE next_at IS NOT NULL AND next_at <= $1 ORDER BY next_at, id LIMIT $2",
    [now, limit],
  ]);
}
