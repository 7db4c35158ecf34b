import { RUN_STATUSES, type RunStatus, CHECKPOINT_KINDS, type CheckpointKind } from "../../base/statuses.js";
import { many, flag, hit, idOf, int, intOrNull, json, one, oneOf, only, text, textOrNull } from "../rows.js";
import { columns, insertInto, insertRows, named, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

export const CHECKPOINTS = table("checkpoints", {
  id: text,
  run: text,
  project: text,
  kind: oneOf(CHECKPOINT_KINDS),
  label: textOrNull,
  /** Format of the content; a process reads formats up to its own. */
  format: int,
  /** SHA-256 of the parts. */
  hash: text,
  /** Size of the compressed content. */
  bytes: int,
  runStatus: oneOf(RUN_STATUSES),
  /** Tasks by state; states without any are left out. */
  counts: json<Readonly<Record<string, number>>>,
  /** Attempts of all tasks together, so far. */
  attempts: int,
  /** Cursor of the history: later events are read from here. */
  cursor: text,
  /** When the run had last changed. */
  changedAt: int,
  takenAt: int,
  createdBy: text,
});
/** A copy of a run, without its content. */
export interface Checkpoint extends RowOf<typeof CHECKPOINTS> {}

const INSERT = insertInto(CHECKPOINTS);
const INSERT_PARTS = insertInto(table("checkpoint_parts", { checkpoint: text, number: int, data: text }));

/** Inserts a checkpoint with its content, a row for each part. */
export function* insertCheckpoint(checkpoint: Checkpoint, parts: readonly string[]): Tx<void> {
  yield INSERT([checkpoint]);
  yield* insertRows(
    INSERT_PARTS,
    parts.map((data, number) => ({ checkpoint: checkpoint.id, number, data })),
  );
}

export function* findCheckpoint(id: string): Tx<Checkpoint | undefined> {
  return yield* one(CHECKPOINTS.read, [`SELECT ${CHECKPOINTS.columns} FROM checkpoints WHERE id = $1`, [id]]);
}

export function* partsOf(checkpoint: string): Tx<string[]> {
  return yield* many(only("data", text), [
    "SELECT data FROM checkpoint_parts WHERE checkpoint = $1 ORDER BY number",
    [checkpoint],
  ]);
}

/** Newest first; those before an id where one is given. */
export function* listCheckpoints(run: string, page: { before?: string | undefined; limit: number }): Tx<Checkpoint[]> {
  return yield* many(CHECKPOINTS.read, [
    `SELECT ${CHECKPOINTS.columns} FROM checkpoints WHERE run = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`,
    [run, page.before ?? "", page.limit],
  ]);
}

/** Removes the oldest of a kind beyond so many. At most 10 at once. Gives their ids. */
export function* removeOldest(run: string, kind: CheckpointKind, kept: number): Tx<string[]> {
  const ids = yield* many(idOf, [
    "SELECT id FROM checkpoints WHERE run = $1 AND kind = $2 ORDER BY id DESC LIMIT 10 OFFSET $3",
    [run, kind, kept],
  ]);
  for (const id of ids) {
    yield ["DELETE FROM checkpoint_parts WHERE checkpoint = $1", [id]];
    yield ["DELETE FROM checkpoints WHERE id = $1", [id]];
  }
  return ids;
}

/** The facts of a checkpoint that schedule the next. */
export interface TakenCheckpoint {
  readonly run: string;
  readonly at: number;
  readonly changedAt: number;
}

export function* recordTaken({ run, at, changedAt }: TakenCheckpoint): Tx<void> {
  yield [
    `INSERT INTO checkpoint_turns (run, at, changed_at) VALUES ($1, $2, $3)
     ON CONFLICT (run) DO UPDATE SET at = excluded.at, changed_at = excluded.changed_at`,
    [run, at, changedAt],
  ];
}

const SCHEDULED_RUNS = columns({
  run: named("id", text),
  /** Null for one that never was. */
  seenAt: named("at", intOrNull),
  since: int,
  /** Whether it has changed since then. */
  changed: flag,
  changedAt: named("updated_at", int),
});
/** A run under way, and when it had last been looked after. */
export interface ScheduledRun extends RowOf<typeof SCHEDULED_RUNS> {}

/** Runs in a state, by id, from after one on. Reads so many rows of an index and no more. */
export function* scheduledRuns(status: RunStatus, after: string, limit: number): Tx<ScheduledRun[]> {
  return yield* many(SCHEDULED_RUNS.read, [
    `SELECT r.id, k.at, COALESCE(k.at, r.created_at) AS since, c.updated_at,
       CASE WHEN c.updated_at > COALESCE(k.changed_at, -1) THEN 1 ELSE 0 END AS changed
     FROM (SELECT id, created_at FROM runs WHERE ended_at IS NULL AND status = $1 AND id > $2 ORDER BY id LIMIT $3) AS r
     JOIN run_counters c ON c.run = r.id LEFT JOIN checkpoint_turns k ON k.run = r.id ORDER BY r.id`,
    [status, after, limit],
  ]);
}

/** True for the one process that takes a checkpoint of the run as scheduled. */
export function* claimScheduled(scheduled: ScheduledRun, now: number): Tx<boolean> {
  return yield* hit([
    `INSERT INTO checkpoint_turns (run, at, changed_at) VALUES ($1, $2, $3)
     ON CONFLICT (run) DO UPDATE SET at = excluded.at, changed_at = excluded.changed_at
     WHERE checkpoint_turns.at = $4 RETURNING run`,
    [scheduled.run, now, scheduled.changedAt, scheduled.seenAt ?? -1],
  ]);
}

const REQUESTED = columns({
  run: text,
  label: named("wanted", text),
  kind: named("wanted_kind", oneOf(CHECKPOINT_KINDS)),
});
export interface RequestedCheckpoint extends RowOf<typeof REQUESTED> {}

/** Asks for a checkpoint that the next tick is to take. The first request stays, but for one of a gate where a phase begins. */
export function* requestCheckpoint({ run, label, kind }: RequestedCheckpoint, now: number): Tx<void> {
  yield [
    `INSERT INTO checkpoint_turns (run, at, changed_at, wanted, wanted_kind) VALUES ($1, $2, -1, $3, $4)
     ON CONFLICT (run) DO UPDATE SET wanted = excluded.wanted, wanted_kind = excluded.wanted_kind
     WHERE checkpoint_turns.wanted IS NULL OR (checkpoint_turns.wanted_kind <> 'phase' AND excluded.wanted_kind = 'phase')`,
    [run, now, label, kind],
  ];
}

export function* requestedCheckpoints(limit: number): Tx<RequestedCheckpoint[]> {
  return yield* many(REQUESTED.read, [
    `SELECT run, wanted, COALESCE(wanted_kind, 'gate') AS wanted_kind FROM checkpoint_turns WHERE wanted IS NOT NULL ORDER BY run LIMIT $1`,
    [limit],
  ]);
}

/** True for the one process that takes what is wanted. */
export function* claimRequested({ run, label }: RequestedCheckpoint): Tx<boolean> {
  return yield* hit([
    "UPDATE checkpoint_turns SET wanted = NULL WHERE run = $1 AND wanted = $2 RETURNING run",
    [run, label],
  ]);
}
