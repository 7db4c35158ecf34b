import type { Row, SqlValue } from "../tx.js";

/** A table as an export has it. */
export interface ExportedTable {
  readonly name: string;
  /** Columns of its primary key, in order: an export reads it page by page. */
  readonly key: readonly string[];
  /** A column with a position in the history. The numbers of events differ from database to database. */
  readonly cursor?: string;
  /** Whether a row may be large. */
  readonly large?: true;
}

/** Every table but `events`, which comes first in an export, what the database itself derives from it, and rows that are only locked. */
export const EXPORTED_TABLES: readonly ExportedTable[] = [
  { name: "projects", key: ["id"] },
  { name: "settings", key: ["scope", "name"] },
  { name: "access_tokens", key: ["id"] },
  { name: "workflows", key: ["id"] },
  { name: "workflow_versions", key: ["workflow", "version"], large: true },
  { name: "runs", key: ["id"], large: true },
  { name: "run_definitions", key: ["run"], large: true },
  { name: "run_counters", key: ["run"] },
  { name: "budgets", key: ["id"] },
  { name: "usage_records", key: ["id"] },
  { name: "usage_exports", key: ["session", "model"] },
  { name: "metric_samples", key: ["at"] },
  { name: "tasks", key: ["id"] },
  { name: "task_specs", key: ["task"], large: true },
  { name: "dependencies", key: ["dependency", "task"] },
  { name: "attempts", key: ["task", "number"], large: true },
  { name: "signals", key: ["id"], large: true },
  { name: "askings", key: ["task"] },
  { name: "takerless", key: ["task"] },
  { name: "dead_letters", key: ["id"] },
  { name: "checkpoints", key: ["id"], cursor: "cursor" },
  { name: "checkpoint_parts", key: ["checkpoint", "number"], large: true },
  { name: "checkpoint_turns", key: ["run"] },
  { name: "demands", key: ["id"] },
  { name: "lanes", key: ["run", "demand"] },
  { name: "scopes", key: ["id"] },
  { name: "scope_lanes", key: ["run", "demand", "scope"] },
  { name: "file_locks", key: ["id"] },
  { name: "lock_requests", key: ["id"] },
  { name: "agents", key: ["name"], cursor: "event_cursor" },
  { name: "circuit_breakers", key: ["target"] },
  { name: "learning_evidence", key: ["id"] },
  { name: "feedback", key: ["subject", "author"] },
  { name: "wants", key: ["agent", "kind"] },
  { name: "sessions", key: ["id"] },
  { name: "executors", key: ["session"] },
  { name: "host_clocks", key: ["host"] },
  { name: "milestones", key: ["id"] },
  { name: "milestone_links", key: ["milestone", "target"] },
  { name: "schedules", key: ["id"] },
  { name: "work_sessions", key: ["id"] },
  { name: "work_session_runs", key: ["session", "run"] },
  { name: "requests", key: ["subject", "request_id"], large: true },
  { name: "imports", key: ["run"], large: true },
  { name: "message_clock", key: ["id"] },
  { name: "messages", key: ["seq"], large: true },
  { name: "message_acks", key: ["agent", "seq"] },
  { name: "channel_members", key: ["agent", "address"] },
  { name: "handoffs", key: ["id"], large: true },
  { name: "escalations", key: ["id"], large: true },
  { name: "approvals", key: ["id"], large: true },
  { name: "notification_targets", key: ["id"], cursor: "cursor" },
  { name: "deliveries", key: ["id"], large: true },
  { name: "reviews", key: ["id"], large: true },
  { name: "review_bases", key: ["task"] },
  { name: "meetings", key: ["id"], large: true },
  { name: "meeting_posts", key: ["meeting", "number"], large: true },
  { name: "artifacts", key: ["id"] },
  { name: "artifact_contents", key: ["hash"] },
  { name: "artifact_parts", key: ["hash", "number"], large: true },
  { name: "context_windows", key: ["id"] },
  { name: "context_messages", key: ["context_window", "number"], large: true },
  { name: "resources", key: ["id"] },
  { name: "resource_units", key: ["resource", "unit"] },
  { name: "allocations", key: ["id"] },
  { name: "allocation_items", key: ["allocation", "resource", "unit"] },
  { name: "conflicts", key: ["id"], large: true },
  { name: "conflict_strategies", key: ["scope"] },
  { name: "strategy_evidence", key: ["kind", "strategy"] },
  { name: "added_tasks", key: ["task"] },
  { name: "written_bytes", key: ["writer"] },
];

/** Columns of `events` that an export has. The others are given anew. */
export const EVENT_COLUMNS = ["at", "type", "project", "run", "task", "agent", "data"] as const;

/**
 * First line of an export. Then, for each table, a line `{table, columns}` and for each row an array of the values of these columns;
 * the last line is `{end: true, rows}`, without which the file was cut off.
 */
export interface ExportHeader {
  readonly baton: "export";
  readonly format: typeof EXPORT_FORMAT;
  /** Version of the schema that its tables are of. */
  readonly schema: number;
  /** Version of the program that made it. */
  readonly version: string;
  readonly at: string;
}

export const EXPORT_FORMAT = 1;

export function valuesOf(row: Row, columns: readonly string[]): SqlValue[] {
  return columns.map((column) => row[column] ?? null);
}
