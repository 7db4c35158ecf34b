import { createHash } from "node:crypto";
import { TypeOverrides, types } from "pg";
import { type Dialect, type Statement, translate } from "../tx.js";

export const POSTGRES: Dialect = {
  NAME: "postgres",
  FOR_UPDATE: "FOR UPDATE",
  HOLD_USAGE: "LOCK TABLE usage_records IN SHARE ROW EXCLUSIVE MODE",
  SERIAL: "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
  KEY: 'TEXT COLLATE "C"',
  CLUSTERED: "",
  JSON_LIST: "json_agg",
  XID: "(pg_current_xact_id()::text::bigint)",
  XID_HORIZON: "(pg_snapshot_xmin(pg_current_snapshot())::text::bigint)",
  EVENT_AFTER: "(xid, seq) > ($1, $2)",
  EVENT_UP_TO: "(xid, seq) <= ($3, $4)",
  EVENT_ORDER: "xid, seq",
  EVENT_ORDER_BACK: "xid DESC, seq DESC",
  RUN_EVENTS: "events WHERE run",
  RUN_EVENT_AFTER: "(xid, seq) > ($1, $2)",
  RUN_EVENT_UP_TO: "(xid, seq) <= ($3, $4)",
  RUN_EVENT_ORDER: "xid, seq",
  RUN_EVENT_ORDER_BACK: "xid DESC, seq DESC",
};

/** Far more than there are texts; a caller that makes texts up would otherwise fill the memory. */
const PREPARED_MAX = 2_000;

/** A text as the server prepares it, once for each connection. */
export interface PreparedText {
  readonly name: string;
  readonly text: string;
  readonly givesRows: boolean;
}

/** By text, for each number of rows that it must change: a key put together would be hashed anew at every call. */
const prepared = new Map<number | undefined, Map<string, PreparedText>>();

function preparedBy(hits: number | undefined): Map<string, PreparedText> {
  let known = prepared.get(hits);
  if (known === undefined) prepared.set(hits, (known = new Map<string, PreparedText>()));
  return known;
}

const GIVES_ROWS = /^\s*(?:SELECT|WITH|EXPLAIN)\b|\bRETURNING\b/i;

export function preparedOf([sql, , hits]: Statement): PreparedText {
  const known = preparedBy(hits);
  let entry = known.get(sql);
  if (entry === undefined) {
    const text = translate(sql, POSTGRES);
    entry = { ...textOf(hits === undefined ? text : missing(text, hits)), givesRows: GIVES_ROWS.test(sql) };
    if (known.size >= PREPARED_MAX) known.clear();
    known.set(sql, entry);
  }
  return entry;
}

/** The name is the content's hash: it means the same text on every connection of every process. */
export function textOf(text: string): Omit<PreparedText, "givesRows"> {
  return { name: `baton_${createHash("sha256").update(text).digest("base64url").slice(0, 22)}`, text };
}

/** SQLSTATE of the division by zero that `missing` raises. */
export const MISSED = "22012";

// The server itself raises it, so that no COMMIT which travels in the same round trip takes effect.
// sql: a text of a statement module, and how many rows it must change.
function missing(text: string, hits: number): string {
  return `WITH changed AS (${text} RETURNING 1) SELECT 1 / CAST(count(*) = ${hits} AS INTEGER) AS hit FROM changed`;
}

/** Columns come back as they do from SQLite: counts and sums as numbers, conditions as 0 or 1, JSON as its text. */
export const columnTypes = new TypeOverrides();
columnTypes.setTypeParser(types.builtins.INT8, Number);
columnTypes.setTypeParser(types.builtins.NUMERIC, Number);
columnTypes.setTypeParser(types.builtins.BOOL, (value: string) => (value === "t" ? 1 : 0));
columnTypes.setTypeParser(types.builtins.JSON, String);
