import { insertRows, int, json, text, textOrNull } from "../rows.js";
import type { RunStatus } from "../runs/runs.js";
import { first, type Row, type Tx } from "../tx.js";

export type CheckpointKind = "manual" | "interval" | "gate";

/** A copy of a run, without its content. */
export interface Checkpoint {
  readonly id: string;
  readonly run: string;
  readonly project: string;
  readonly kind: CheckpointKind;
  readonly label: string | null;
  /** Of the content; a process reads those up to its own. */
  readonly format: number;
  /** SHA-256 of the parts. */
  readonly hash: string;
  /** Of the content, compressed. */
  readonly bytes: number;
  readonly runStatus: RunStatus;
  /** Tasks by state; states without any are left out. */
  readonly counts: Readonly<Record<string, number>>;
  /** Of all tasks together, so far. */
  readonly attempts: number;
  /** Of the history: what has happened since is read from here. */
  readonly cursor: string;
  /** When the run had last changed. */
  readonly changedAt: number;
  readonly takenAt: number;
  readonly createdBy: string;
}

const COLUMNS = [
  "id",
  "run",
  "project",
  "kind",
  "label",
  "format",
  "hash",
  "bytes",
  "run_status",
  "counts",
  "attempts",
  "cursor",
  "changed_at",
  "taken_at",
  "created_by",
];
const INSERT = { table: "checkpoints", columns: COLUMNS } as const;
const INSERT_PART = { table: "checkpoint_parts", columns: ["checkpoint", "number", "data"] } as const;
const SELECTED = COLUMNS.join(", ");

function checkpointOf(row: Row): Checkpoint {
  return {
    id: text(row, "id"),
    run: text(row, "run"),
    project: text(row, "project"),
    // Held to the unions by the tables' CHECKs.
    kind: text(row, "kind") as CheckpointKind,
    runStatus: text(row, "run_status") as RunStatus,
    label: textOrNull(row, "label"),
    format: int(row, "format"),
    hash: text(row, "hash"),
    bytes: int(row, "bytes"),
    counts: json(row, "counts"),
    attempts: int(row, "attempts"),
    cursor: text(row, "cursor"),
    changedAt: int(row, "changed_at"),
    takenAt: int(row, "taken_at"),
    createdBy: text(row, "created_by"),
  };
}

/** Keeps a checkpoint with its content, a row for each part. */
export function* insertCheckpoint(one: Checkpoint, parts: readonly string[]): Tx<void> {
  yield* insertRows(INSERT, [
    [
      one.id,
      one.run,
      one.project,
      one.kind,
      one.label,
      one.format,
      one.hash,
      one.bytes,
      one.runStatus,
      JSON.stringify(one.counts),
      one.attempts,
      one.cursor,
      one.changedAt,
      one.takenAt,
      one.createdBy,
    ],
  ]);
  yield* insertRows(
    INSERT_PART,
    parts.map((data, number) => [one.id, number, data]),
  );
}

export function* findCheckpoint(id: string): Tx<Checkpoint | undefined> {
  const row = yield* first([`SELECT ${SELECTED} FROM checkpoints WHERE id = $1`, [id]]);
  return row && checkpointOf(row);
}

export function* partsOf(checkpoint: string): Tx<string[]> {
  const rows = yield ["SELECT data FROM checkpoint_parts WHERE checkpoint = $1 ORDER BY number", [checkpoint]];
  return rows.map((row) => text(row, "data"));
}

/** Newest first; those before an id where one is given. */
export function* listCheckpoints(run: string, page: { before?: string | undefined; limit: number }): Tx<Checkpoint[]> {
  const rows = yield [
    `SELECT ${SELECTED} FROM checkpoints WHERE run = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`,
    [run, page.before ?? "", page.limit],
  ];
  return rows.map(checkpointOf);
}

/** Removes the oldest of a kind beyond so many. At most 10 at once. Gives their ids. */
export function* removeOldest(run: string, kind: CheckpointKind, kept: number): Tx<string[]> {
  const rows = yield [
    "SELECT id FROM checkpoints WHERE run = $1 AND kind = $2 ORDER BY id DESC LIMIT 10 OFFSET $3",
    [run, kind, kept],
  ];
  const ids = rows.map((row) => text(row, "id"));
  for (const id of ids) {
    yield ["DELETE FROM checkpoint_parts WHERE checkpoint = $1", [id]];
    yield ["DELETE FROM checkpoints WHERE id = $1", [id]];
  }
  return ids;
}

/** What a checkpoint that was taken says about the next. */
export interface TurnTaken {
  readonly run: string;
  readonly at: number;
  readonly changedAt: number;
}

export function* noteTaken({ run, at, changedAt }: TurnTaken): Tx<void> {
  yield [
    `INSERT INTO checkpoint_turns (run, at, changed_at) VALUES ($1, $2, $3)
     ON CONFLICT (run) DO UPDATE SET at = excluded.at, changed_at = excluded.changed_at`,
    [run, at, changedAt],
  ];
}

/** A run under way, and when it had last been looked after. */
export interface RunInTurn {
  readonly run: string;
  /** Null for one that never was. */
  readonly seenAt: number | null;
  readonly since: number;
  /** Whether it has changed since then. */
  readonly changed: boolean;
  readonly changedAt: number;
}

/** Runs in a state, by id, from after one on. Reads so many rows of an index and no more. */
export function* runsInTurn(status: RunStatus, after: string, limit: number): Tx<RunInTurn[]> {
  const rows = yield [
    `SELECT r.id, k.at, COALESCE(k.at, r.created_at) AS since, c.updated_at,
       CASE WHEN c.updated_at > COALESCE(k.changed_at, -1) THEN 1 ELSE 0 END AS changed
     FROM (SELECT id, created_at FROM runs WHERE ended_at IS NULL AND status = $1 AND id > $2 ORDER BY id LIMIT $3) AS r
     JOIN run_counters c ON c.run = r.id LEFT JOIN checkpoint_turns k ON k.run = r.id ORDER BY r.id`,
    [status, after, limit],
  ];
  return rows.map((row) => ({
    run: text(row, "id"),
    seenAt: row["at"] === null ? null : int(row, "at"),
    since: int(row, "since"),
    changed: int(row, "changed") === 1,
    changedAt: int(row, "updated_at"),
  }));
}

/** True for the one process that takes the turn. */
export function* takeTurn(turn: RunInTurn, now: number): Tx<boolean> {
  const rows = yield [
    `INSERT INTO checkpoint_turns (run, at, changed_at) VALUES ($1, $2, $3)
     ON CONFLICT (run) DO UPDATE SET at = excluded.at, changed_at = excluded.changed_at
     WHERE checkpoint_turns.at = $4 RETURNING run`,
    [turn.run, now, turn.changedAt, turn.seenAt ?? -1],
  ];
  return rows.length === 1;
}

/** Asks for a checkpoint that the next tick is to take. The first label stays. */
export function* wantCheckpoint(run: string, label: string, now: number): Tx<void> {
  yield [
    `INSERT INTO checkpoint_turns (run, at, changed_at, wanted) VALUES ($1, $2, -1, $3)
     ON CONFLICT (run) DO UPDATE SET wanted = COALESCE(checkpoint_turns.wanted, excluded.wanted)`,
    [run, now, label],
  ];
}

export interface Wanted {
  readonly run: string;
  readonly label: string;
}

export function* wantedCheckpoints(limit: number): Tx<Wanted[]> {
  const rows = yield [
    "SELECT run, wanted FROM checkpoint_turns WHERE wanted IS NOT NULL ORDER BY run LIMIT $1",
    [limit],
  ];
  return rows.map((row) => ({ run: text(row, "run"), label: text(row, "wanted") }));
}

/** True for the one process that takes what is wanted. */
export function* takeWanted({ run, label }: Wanted): Tx<boolean> {
  const rows = yield [
    "UPDATE checkpoint_turns SET wanted = NULL WHERE run = $1 AND wanted = $2 RETURNING run",
    [run, label],
  ];
  return rows.length === 1;
}
