import { text } from "../../../src/store/rows.js";
import type { Row, Statement, Store, Tx } from "../../../src/store/tx.js";

/** Every table, and columns that differ from database to database or from try to try. */
const TABLES: Readonly<Record<string, readonly string[]>> = {
  projects: [],
  settings: [],
  workflows: [],
  workflow_versions: [],
  runs: [],
  run_counters: [],
  budgets: [],
  tasks: [],
  task_specs: [],
  dependencies: [],
  attempts: [],
  signals: [],
  dead_letters: [],
  // Compressed, and with ids inside that differ from database to database.
  checkpoints: ["hash", "bytes", "cursor"],
  demands: [],
  lanes: [],
  scope_lanes: [],
  scopes: [],
  file_locks: [],
  lock_requests: [],
  agents: [],
  circuit_breakers: [],
  learning_evidence: [],
  feedback: [],
  sessions: [],
  host_clocks: [],
  milestones: [],
  milestone_links: [],
  schedules: [],
  work_sessions: [],
  work_session_runs: [],
  requests: ["input_hash"],
  events: ["seq", "xid"],
};

export type Dump = Readonly<Record<string, readonly Row[]>>;

/** All that a database holds, table by table, rows in the order of their text; events in the order in which they happened. */
export function dumpOf(store: Store): Promise<Dump> {
  return store.read(function* (): Tx<Dump> {
    const dump: Record<string, readonly Row[]> = {};
    for (const [table, omitted] of Object.entries(TABLES)) {
      // sql: the table is one of those above.
      const all: Statement = [`SELECT * FROM ${table}${table === "events" ? " ORDER BY seq" : ""}`];
      const rows = (yield all).map((row) => omit(row, omitted));
      dump[table] = table === "events" ? rows : inOrder(rows);
    }
    return dump;
  });
}

function omit(row: Row, columns: readonly string[]): Row {
  return Object.fromEntries(
    Object.entries(row)
      .filter(([column]) => !columns.includes(column))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function inOrder(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

// The key of an ad-hoc task is made of an id too.
const ID = /\b[a-z]+[_-][0-9a-hjkmnp-tv-z]{16}\b/g;

const SIZE = /("size_bytes":)\d+/g;

/**
 * A dump in which ids are numbered by their order within their kind, and hashes of contents that have ids in them are named by
 * those contents: equal for the same history on another database. Without the requests that dispatch numbers by itself.
 */
export function normalised(dump: Dump): Dump {
  const requests = (dump["requests"] ?? []).filter((row) => !text(row, "request_id").startsWith("request_"));
  const plain: Dump = { ...dump, requests };
  const names = new Map<string, string>();
  const ids = [...new Set(JSON.stringify(plain).match(ID) ?? [])].sort();
  const counts = new Map<string, number>();
  for (const id of ids) {
    const kind = id.slice(0, -16);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    names.set(id, `${kind}${counts.get(kind)}`);
  }
  // How large a copy is, depends on the ids in it.
  const named = (value: string) => value.replace(ID, (id) => names.get(id) ?? id).replace(SIZE, "$10");
  const contents = new Map<string, string>();
  for (const table of ["demands", "scopes"]) {
    for (const row of plain[table] ?? []) {
      const { id, ...content } = row;
      contents.set(String(id), `${table} ${named(JSON.stringify(content))}`);
    }
  }
  // Ids of contents have no sign that means something in a pattern.
  const hashes = new RegExp([...contents.keys(), "^$"].join("|"), "g");
  const renamed = (value: string) => named(value.replace(hashes, (hash) => contents.get(hash) ?? hash));
  const rename = (row: Row): Row =>
    Object.fromEntries(
      Object.entries(row).map(([column, value]) => [column, typeof value === "string" ? renamed(value) : value]),
    );
  return Object.fromEntries(
    Object.entries(plain).map(([table, rows]) => {
      const all = rows.map(rename);
      return [table, table === "events" ? all : inOrder(all)];
    }),
  );
}
