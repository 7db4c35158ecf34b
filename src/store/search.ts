import { HIT_KINDS, type HitKind } from "../base/statuses.js";
import { int, many, oneOf, text, textOrNull } from "./rows.js";
import { columns, type RowOf } from "./tables.js";
import type { SqlValue, Tx } from "./tx.js";

const HIT = columns({
  kind: oneOf(HIT_KINDS),
  id: text,
  title: text,
  /** Texts in which it was found beside the title; JSON for those that are stored so. */
  body: textOrNull,
  status: textOrNull,
  sender: textOrNull,
  run: textOrNull,
  task: textOrNull,
  at: int,
});
export interface Hit extends RowOf<typeof HIT> {}

export interface SearchedText {
  readonly text: string;
  /** Default: all of them. */
  readonly project?: string | undefined;
  /** The agent whose messages are searched beside those that all may read; absent for a reader of every message. */
  readonly reader?: string | undefined;
  readonly limit: number;
}

/** The rows of each table that are looked at, newest first: so much a search costs at most. */
export const LOOKED_AT = 20_000;

/** Where a kind is looked for. `n` are its newest rows. */
interface Searched {
  /** The columns of a hit but its kind. */
  readonly hit: string;
  readonly columns: string;
  readonly table: string;
  readonly joins?: string;
  /** The texts that are looked through. */
  readonly texts: readonly string[];
  readonly where?: string;
  /** Default: `id DESC`. */
  readonly order?: string;
}

const OF_PROJECT = "($4 = '' OR n.project = $4)";
const OF_READER = "($5 = '' OR n.address NOT LIKE 'agent:%' OR n.sender = $5 OR n.address = 'agent:' || $5)";
const NOWHERE = "NULL AS run, NULL AS task";

const SEARCHED: Readonly<Record<HitKind, Searched>> = {
  run: {
    hit: "n.id, n.name AS title, n.reason AS body, n.status, n.created_by AS sender, n.id AS run, NULL AS task, n.created_at AS at",
    columns: "id, project, name, reason, status, created_by, created_at",
    table: "runs",
    texts: ["n.name", "n.reason", "n.id"],
  },
  task: {
    hit: "n.id, n.title, s.spec AS body, n.status, r.created_by AS sender, n.run, n.id AS task, n.created_at AS at",
    columns: "id, project, run, key, title, status, created_at",
    table: "tasks",
    joins: "JOIN task_specs s ON s.task = n.id JOIN runs r ON r.id = n.run",
    texts: ["n.title", "n.key", "n.id", "s.spec"],
  },
  question: {
    hit: "n.id, n.title, n.details AS body, n.status, n.asked_by AS sender, n.run, n.task, n.created_at AS at",
    columns: "id, project, run, task, title, details, note, status, asked_by, created_at",
    table: "escalations",
    texts: ["n.title", "n.details", "n.note"],
  },
  dead_letter: {
    hit: "n.id, t.title, n.error AS body, n.status, n.closed_by AS sender, n.run, n.task, n.created_at AS at",
    columns: "id, project, run, task, error, note, status, closed_by, created_at",
    table: "dead_letters",
    joins: "JOIN tasks t ON t.id = n.task",
    texts: ["n.error", "n.note", "t.title"],
  },
  message: {
    hit: "n.id, COALESCE(n.subject, n.body) AS title, n.body, n.type AS status, n.sender, n.run, n.task, n.at",
    columns: "id, seq, project, address, run, task, subject, body, type, sender, at",
    table: "messages",
    texts: ["n.subject", "n.body"],
    where: `${OF_PROJECT} AND ${OF_READER}`,
    order: "seq DESC",
  },
  agent: {
    hit: `n.name AS id, n.name AS title, n.roles AS body, n.presence AS status, NULL AS sender, ${NOWHERE}, n.seen_at AS at`,
    columns: "name, roles, capabilities, presence, seen_at, status",
    table: "agents",
    texts: ["n.name", "n.roles", "n.capabilities"],
    where: "n.status = 'active'",
    order: "name",
  },
  event: {
    hit: "CAST(n.seq AS TEXT) AS id, n.type AS title, n.data AS body, NULL AS status, n.agent AS sender, n.run, n.task, n.at",
    columns: "xid, seq, at, type, project, run, task, agent, data",
    table: "events WHERE xid < %XID_HORIZON%",
    texts: ["n.type", "n.agent", "n.data"],
    order: "%EVENT_ORDER_BACK%",
  },
};

/** The statement of a kind; `$1` and `$2` the patterns, `$3` the limit, `$4` the project, `$5` the reader. */
function statementOf(kind: HitKind): string {
  const { hit, columns: fields, table, joins = "", texts, where = OF_PROJECT, order = "id DESC" } = SEARCHED[kind];
  const has = texts.map((field) => `lower(${field}) LIKE $1 ESCAPE '!' OR ${field} LIKE $2 ESCAPE '!'`).join(" OR ");
  const place = order.startsWith("%") ? order : `n.${order}`;
  // sql: made of the literals above, once for each kind.
  return `SELECT '${kind}' AS kind, ${hit} FROM (SELECT ${fields} FROM ${table} ORDER BY ${order} LIMIT ${LOOKED_AT}) AS n ${joins}
    WHERE ${where} AND (${has}) ORDER BY ${place} LIMIT $3`;
}

/** Agents are of no project, and messages have readers. */
const VALUES_OF: Partial<Record<HitKind, number>> = { agent: 3, message: 5 };

/** Finds a text in what is stored of a kind, newest first. The case of letters is of no matter, that of letters beyond ASCII by the database. */
export function* hitsOf(kind: HitKind, { text: wanted, project = "", reader = "", limit }: SearchedText): Tx<Hit[]> {
  const pattern = `%${wanted.replaceAll(/[!%_]/g, (sign) => `!${sign}`)}%`;
  const values: SqlValue[] = [pattern.toLowerCase(), pattern, limit, project, reader];
  return yield* many(HIT.read, [statementOf(kind), values.slice(0, VALUES_OF[kind] ?? 4)]);
}
