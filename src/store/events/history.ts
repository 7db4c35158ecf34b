import { fittingEntries } from "../../base/lists/paging.js";
import { BatonError } from "../../base/errors.js";
import type { EventType } from "../../base/notifications/event-types.js";
import { int, intOrNull, json, only, placeholders, sole, text, textOrNull } from "../rows.js";
import { columns, type RowOf } from "../tables.js";
import type { SqlValue, Tx } from "../tx.js";
import { decodeCursor, encodeCursor, type Position, positionOf, START } from "./positions.js";

export const EVENTS = columns({
  seq: int,
  /** Milliseconds since the epoch. */
  at: int,
  type: text,
  project: textOrNull,
  run: textOrNull,
  task: textOrNull,
  agent: textOrNull,
  data: json<Readonly<Record<string, unknown>>>,
});
/** An event as it stands in the history. */
export interface StoredEvent extends RowOf<typeof EVENTS> {}

/** An event with its own place: a reader goes on behind it. */
export interface PlacedEvent extends StoredEvent {
  readonly cursor: string;
}

export interface EventFilters {
  readonly project?: string | undefined;
  readonly run?: string | undefined;
  readonly task?: string | undefined;
  readonly agent?: string | undefined;
  /** At most 32. Empty is the same as none given: every type. */
  readonly types?: readonly string[] | undefined;
}

export interface EventPage {
  readonly events: readonly PlacedEvent[];
  /** Where the next page begins; moves on even where nothing matched. */
  readonly cursor: string;
  /** Whether there is more to read at once, matching or not. */
  readonly more: boolean;
}

/** Rows looked at for one page, so that a filter which matches little costs no more than one which matches all. */
const WINDOW = 2_000;
const TYPES_MAX = 32;

// xid < horizon: every transaction below it has ended, so nothing can be added before a row once read.
const WINDOW_END = `SELECT xid, seq, count(*) OVER () AS seen FROM (
    SELECT xid, seq FROM events WHERE %EVENT_AFTER% AND xid < %XID_HORIZON% ORDER BY %EVENT_ORDER% LIMIT $3
  ) AS window_rows ORDER BY %EVENT_ORDER_BACK% LIMIT 1`;
const WINDOW_END_OF_RUN = `SELECT xid, seq, count(*) OVER () AS seen FROM (
    SELECT xid, seq FROM %RUN_EVENTS% = $4 AND %RUN_EVENT_AFTER% AND xid < %XID_HORIZON%
    ORDER BY %RUN_EVENT_ORDER% LIMIT $3
  ) AS window_rows ORDER BY %EVENT_ORDER_BACK% LIMIT 1`;

const MATCHING = `(CAST($6 AS TEXT) IS NULL OR project = $6) AND (CAST($7 AS TEXT) IS NULL OR task = $7)
  AND (CAST($8 AS TEXT) IS NULL OR agent = $8)`;
const WINDOW_OF_ALL = "events WHERE %EVENT_AFTER% AND %EVENT_UP_TO%";
const WINDOW_OF_RUN = "%RUN_EVENTS% = $9 AND %RUN_EVENT_AFTER% AND %RUN_EVENT_UP_TO%";

/**
 * The next events after a cursor (undefined: from the beginning), in order. Never skips an event: sequence numbers are given
 * before commits, so on PostgreSQL a later number can commit first; readers therefore go by the number of the
 * transaction, and only as far as the oldest one still under way: an event may show some milliseconds after its commit, and
 * `Store.onWake` wakes its listeners again then. Throws `invalid_input` for a cursor that is none.
 */
export function* readEvents(query: {
  after?: string | undefined;
  filters?: EventFilters;
  limit: number;
}): Tx<EventPage> {
  const after = query.after === undefined ? START : decodeCursor(query.after);
  const filters = query.filters ?? {};
  const end = yield* windowEnd(after, filters.run);
  if (end === undefined) return { events: [], cursor: encodeCursor(after), more: false };
  const found = yield [
    pageText(filters),
    [after.xid, after.seq, end.xid, end.seq, query.limit, ...filterValues(filters)],
  ];
  const rows = found.slice(
    0,
    fittingEntries(found, (row) => String(row["data"]).length),
  );
  const last = rows.length < found.length || rows.length === query.limit ? rows.at(-1) : undefined;
  const reached = last === undefined ? end : positionOf(last);
  const behindEnd = reached.xid !== end.xid || reached.seq !== end.seq;
  const events = rows.map((row) => ({ ...EVENTS.read(row), cursor: encodeCursor(positionOf(row)) }));
  return { events, cursor: encodeCursor(reached), more: behindEnd || end.full };
}

const NEWEST_OF_RUN = `SELECT xid, ${EVENTS.columns} FROM %RUN_EVENTS% = $1 AND xid < %XID_HORIZON%
  ORDER BY %RUN_EVENT_ORDER_BACK% LIMIT $2`;

/** The newest events of a run, oldest first, and the cursor that reads on from them. */
export function* newestEventsOf(run: string, limit: number): Tx<{ events: readonly StoredEvent[]; cursor: string }> {
  const rows = yield [NEWEST_OF_RUN, [run, limit]];
  const newest = rows[0];
  return {
    events: rows.toReversed().map(EVENTS.read),
    cursor: encodeCursor(newest === undefined ? START : positionOf(newest)),
  };
}

const NEWEST_OF_TASK = `SELECT xid, ${EVENTS.columns} FROM %RUN_EVENTS% = $1 AND task = $2 AND type IN (${placeholders(TYPES_MAX, 3)})
  AND xid < %XID_HORIZON% ORDER BY %RUN_EVENT_ORDER_BACK% LIMIT 1`;

/** The newest event of a task that is of one of these types, at most 32. Costs as many rows as its run has events since. */
export function* newestEventOfTask(
  { run, id }: { readonly run: string; readonly id: string },
  types: readonly EventType[],
): Tx<StoredEvent | undefined> {
  const [row] = yield [NEWEST_OF_TASK, [run, id, ...paddedTo(TYPES_MAX, types)]];
  return row && EVENTS.read(row);
}

/** The end of the history as it can be read now: what comes after it is news. */
export function* latestCursor(): Tx<string> {
  const [row] = yield ["SELECT xid, seq FROM events WHERE xid < %XID_HORIZON% ORDER BY %EVENT_ORDER_BACK% LIMIT 1"];
  return encodeCursor(row === undefined ? START : positionOf(row));
}

function* windowEnd(after: Position, run: string | undefined): Tx<(Position & { full: boolean }) | undefined> {
  const bounds = [after.xid, after.seq, WINDOW];
  const [row] = yield run === undefined ? [WINDOW_END, bounds] : [WINDOW_END_OF_RUN, [...bounds, run]];
  return row && { ...positionOf(row), full: int(row, "seen") === WINDOW };
}

function pageText(filters: EventFilters): string {
  const [window, order] =
    filters.run === undefined ? [WINDOW_OF_ALL, "%EVENT_ORDER%"] : [WINDOW_OF_RUN, "%RUN_EVENT_ORDER%"];
  const types = paddedTypes(filters).length;
  const ofTypes = types === 0 ? "" : `AND type IN (${placeholders(types, filters.run === undefined ? 9 : 10)})`;
  // sql: put together from the constants of this module; at most eight texts.
  return `SELECT xid, ${EVENTS.columns} FROM ${window} AND ${MATCHING} ${ofTypes} ORDER BY ${order} LIMIT $5`;
}

function filterValues(filters: EventFilters): SqlValue[] {
  const { project = null, task = null, agent = null, run } = filters;
  return [project, task, agent, ...(run === undefined ? [] : [run]), ...paddedTypes(filters)];
}

/** Repeats the last type up to one of a few sizes, so that there are few texts to prepare. */
function paddedTypes(filters: EventFilters): readonly string[] {
  const types = filters.types ?? [];
  if (types.length > TYPES_MAX) {
    throw new BatonError("limit_exceeded", `types: at most ${TYPES_MAX} at once, ${types.length} were given.`);
  }
  const size = [0, 1, 4, TYPES_MAX].find((fits) => types.length <= fits) ?? TYPES_MAX;
  return types.concat(types.slice(-1).flatMap((last) => Array.from({ length: size - types.length }, () => last)));
}

function paddedTo(size: number, types: readonly string[]): string[] {
  return Array.from({ length: size }, (_, at) => types[at] ?? types[0] ?? "");
}

/** Throws `invalid_input` for what is no cursor, before a call that needs it later does anything. */
export function requireCursor(cursor: string): void {
  decodeCursor(cursor);
}

/** Events that are looked at for those of a few types: a longer history is known by the rows that it left. */
const LOOKED_AT = 10_000;
const NEWEST_OF_TYPES = `SELECT ${EVENTS.columns} FROM (
    SELECT xid, ${EVENTS.columns} FROM %RUN_EVENTS% = $1 AND xid < %XID_HORIZON% ORDER BY %RUN_EVENT_ORDER_BACK% LIMIT ${LOOKED_AT}
  ) AS newest WHERE ($2 = '' OR task = $2) AND type IN (${placeholders(TYPES_MAX, 4)}) ORDER BY %EVENT_ORDER_BACK% LIMIT $3`;

export interface TypedEvents {
  readonly run: string;
  /** Default: those of every task, and of none. */
  readonly task?: string | undefined;
  /** At most 32. */
  readonly types: readonly EventType[];
  readonly limit: number;
}

/** The newest events of a few types among the last 10,000 of a run, newest first. */
export function* newestOfTypes({ run, task = "", types, limit }: TypedEvents): Tx<StoredEvent[]> {
  return (yield [NEWEST_OF_TYPES, [run, task, limit, ...paddedTo(TYPES_MAX, types)]]).map(EVENTS.read);
}

const LOOKED_AT_SINCE = `SELECT min(at) AS at FROM (
    SELECT at FROM events WHERE xid < %XID_HORIZON% ORDER BY %EVENT_ORDER_BACK% LIMIT ${LOOKED_AT}
  ) AS newest`;

/** The instant from which `newestAnywhere` has every event of some types; undefined where there is no event at all. */
export function* completeSince(found: readonly StoredEvent[]): Tx<number | undefined> {
  const since = yield* sole(only("at", intOrNull), [LOOKED_AT_SINCE, []]);
  const oldest = found.length === WINDOW ? found.at(-1)?.at : undefined;
  return since === null ? undefined : Math.max(since, oldest ?? 0);
}

const NEWEST_ANYWHERE = `SELECT ${EVENTS.columns} FROM (
    SELECT xid, ${EVENTS.columns} FROM events WHERE xid < %XID_HORIZON% ORDER BY %EVENT_ORDER_BACK% LIMIT ${LOOKED_AT}
  ) AS newest WHERE type IN (${placeholders(TYPES_MAX)}) ORDER BY %EVENT_ORDER_BACK% LIMIT ${WINDOW}`;

/** Events of a few types, at most 32, among the last 10,000 events of all runs and projects, newest first. */
export function* newestAnywhere(types: readonly EventType[]): Tx<StoredEvent[]> {
  return (yield [NEWEST_ANYWHERE, paddedTo(TYPES_MAX, types)]).map(EVENTS.read);
}
