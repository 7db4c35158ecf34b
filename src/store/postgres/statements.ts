import { createHash } from "node:crypto";
import { type ClientBase, TypeOverrides, types } from "pg";
import { type Dialect, type Row, type Statement, translate } from "../tx.js";

export const POSTGRES: Dialect = {
  NAME: "postgres",
  FOR_UPDATE: "FOR UPDATE",
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
};

/** Far more than there are texts; a caller that makes texts up would otherwise fill the memory. */
const NAMED_MAX = 2_000;

interface Named {
  readonly name: string;
  readonly text: string;
}

const named = new Map<string, Named>();

function namedOf(sql: string): Named {
  let entry = named.get(sql);
  if (entry === undefined) {
    // The name is the content's hash: it means the same text on every connection of every process.
    const name = `baton_${createHash("sha256").update(sql).digest("base64url").slice(0, 22)}`;
    entry = { name, text: translate(sql, POSTGRES) };
    if (named.size >= NAMED_MAX) named.clear();
    named.set(sql, entry);
  }
  return entry;
}

/** Columns come back as they do from SQLite: counts and sums as numbers, conditions as 0 or 1, JSON as its text. */
export const columnTypes = new TypeOverrides();
columnTypes.setTypeParser(types.builtins.INT8, Number);
columnTypes.setTypeParser(types.builtins.NUMERIC, Number);
columnTypes.setTypeParser(types.builtins.BOOL, (value: string) => (value === "t" ? 1 : 0));
columnTypes.setTypeParser(types.builtins.JSON, String);

export interface Answer {
  readonly rows: readonly Row[];
  readonly changed: boolean;
}

/** Runs one statement, prepared on this connection the first time. */
export async function ask(client: ClientBase, statement: Statement): Promise<Answer> {
  const [sql, values = []] = statement;
  const { name, text } = namedOf(sql);
  const result = await client.query<Row>({ name, text, values: [...values], types: columnTypes });
  return { rows: result.rows, changed: result.command !== "SELECT" && (result.rowCount ?? 0) > 0 };
}
