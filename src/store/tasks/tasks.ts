import { insertRows, int, intOrNull, json, jsonOrNull, text, textOrNull } from "../rows.js";
import { first, type Row, type SqlValue, type Tx } from "../tx.js";

export type TaskStatus =
  | "pending"
  | "ready"
  | "running"
  | "waiting"
  | "in_review"
  | "succeeded"
  | "skipped"
  | "blocked"
  | "cancelled"
  | "dead_letter";

export type TaskKind = "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";

export type TriggerRule = "all_succeeded" | "all_done" | "one_succeeded" | "one_failed" | "none_failed";

/** The latest start of a task without a deadline: later than any, and exact in a double. */
export const NO_DEADLINE = 9_000_000_000_000_000;

/** Why a task cannot start or go on. `blocking` holds the ids of what stands in the way. */
export interface Reason {
  readonly kind: string;
  readonly detail: string;
  readonly blocking: readonly string[];
}

/** What the holder of a task is to do at its next call. */
export type Orders = "cancel_requested";

export interface Task {
  readonly id: string;
  readonly run: string;
  readonly project: string;
  readonly key: string;
  readonly kind: TaskKind;
  readonly title: string;
  readonly role: string | null;
  readonly status: TaskStatus;
  readonly priority: number;
  readonly demand: string;
  /** Id of the set of files it declares; empty when it declares none. */
  readonly scope: string;
  readonly trigger: TriggerRule;
  readonly depsTotal: number;
  readonly depsSucceeded: number;
  readonly depsFailed: number;
  readonly depsSkipped: number;
  readonly dependents: number;
  readonly bucket: number;
  readonly latestStart: number;
  /** The negative of the upward rank, so that ascending order serves the longest chain first. */
  readonly rankOrder: number;
  readonly estimateMs: number;
  /**
   * Whether its spec is to be read when its dependencies let it go on: it has a timeout that begins then, an expression, or a
   * kind that the server does itself. The column is called `timed`.
   */
  readonly readsSpecOnStart: boolean;
  /** Number of the current or last attempt; 0 before the first. */
  readonly attempt: number;
  /** Attempts that count against the retry policy. */
  readonly failures: number;
  /** Fencing token: grows with every claim and every taking away. */
  readonly token: number;
  readonly agent: string | null;
  readonly session: string | null;
  readonly startedAt: number | null;
  /** The attempt's own expiry; its session's may be later. */
  readonly leaseExpiresAt: number | null;
  readonly heartbeatAt: number | null;
  readonly percent: number | null;
  readonly reservedFor: string | null;
  readonly reservedUntil: number | null;
  readonly orders: Orders | null;
  /** Whether it holds or waits for file locks. */
  readonly holdsFiles: boolean;
  readonly availableAt: number | null;
  readonly readyAt: number | null;
  /** When schedule_to_close is over. */
  readonly closeBy: number | null;
  /** The earliest instant at which the tick must look at the task. */
  readonly dueAt: number | null;
  readonly reasons: readonly Reason[];
  readonly createdAt: number;
  readonly endedAt: number | null;
}

/** What does not change while a task runs. */
export interface TaskSpec {
  readonly prompt?: string;
  readonly criteria?: readonly string[];
  readonly requires: readonly string[];
  readonly files: { readonly write: readonly string[]; readonly read: readonly string[] };
  readonly retry: RetryPolicy;
  readonly timeouts: Timeouts;
  /** JSON Schema of the result. */
  readonly output?: boolean | Readonly<Record<string, unknown>>;
  readonly command?: CommandSpec;
  readonly tool?: ToolCall;
  /** Of a human step. */
  readonly ask?: string;
  readonly form?: Readonly<Record<string, unknown>>;
  /** Of a wait step: the event, or the instant in ms since the epoch. */
  readonly event?: string;
  readonly until?: number;
  /** Of a workflow step: what its child run is of, and that run, once it has been started. */
  readonly workflow?: string;
  readonly given?: Readonly<Record<string, unknown>>;
  readonly child?: string;
  /** The step that undoes it, as the definition has it, for the engine. */
  readonly compensate?: Readonly<Record<string, unknown>>;
  /** What this task alone is given beside, or instead of, the inputs of its run. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Of a step that has expressions, or that the server does itself. */
  readonly dynamic?: Dynamic;
}

/** What becomes of a task only when its dependencies have ended. */
export interface Dynamic {
  /** The step as the definition has it, for the engine. */
  readonly step: Readonly<Record<string, unknown>>;
  /** Keys of the steps whose results its expressions read. */
  readonly reads: readonly string[];
  /** How many tasks were made of it: it ends when they have. */
  readonly elements?: number;
}

export interface RetryPolicy {
  readonly initial_interval_ms: number;
  readonly backoff_coefficient: number;
  readonly max_interval_ms: number;
  /** The first try counts. */
  readonly max_attempts: number;
  readonly non_retryable: readonly string[];
}

/** All in milliseconds. */
export interface Timeouts {
  readonly schedule_to_start?: number;
  readonly start_to_close: number;
  readonly schedule_to_close?: number;
  readonly heartbeat?: number;
}

export interface CommandSpec {
  readonly run: string;
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly shell?: string | undefined;
  /** Values of expressions of the command line, by the variables in which they reach it. */
  readonly values?: Readonly<Record<string, string>> | undefined;
}

/** A call of a tool of another MCP server. */
export interface ToolCall {
  readonly server: string;
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

const COLUMNS = [
  "id",
  "run",
  "project",
  "key",
  "kind",
  "title",
  "role",
  "status",
  "priority",
  "demand",
  "scope",
  "trigger_rule",
  "deps_total",
  "deps_succeeded",
  "deps_failed",
  "deps_skipped",
  "dependents",
  "bucket",
  "latest_start",
  "rank_order",
  "estimate_ms",
  "timed",
  "attempt",
  "failures",
  "token",
  "agent",
  "session",
  "started_at",
  "lease_expires_at",
  "heartbeat_at",
  "percent",
  "reserved_for",
  "reserved_until",
  "orders",
  "holds_files",
  "available_at",
  "ready_at",
  "close_by",
  "due_at",
  "reasons",
  "created_at",
  "ended_at",
] as const;

export const TASK_COLUMNS = COLUMNS.join(", ");
/** The same, of the table aliased `t`. */
export const T_COLUMNS = COLUMNS.map((column) => `t.${column}`).join(", ");

export function taskOf(row: Row): Task {
  return {
    id: text(row, "id"),
    run: text(row, "run"),
    project: text(row, "project"),
    key: text(row, "key"),
    // These four are written from the unions they are cast to; the status is held to its own by a CHECK too.
    kind: text(row, "kind") as Task["kind"],
    status: text(row, "status") as TaskStatus,
    trigger: text(row, "trigger_rule") as TriggerRule,
    orders: textOrNull(row, "orders") as Orders | null,
    title: text(row, "title"),
    role: textOrNull(row, "role"),
    priority: int(row, "priority"),
    demand: text(row, "demand"),
    scope: text(row, "scope"),
    depsTotal: int(row, "deps_total"),
    depsSucceeded: int(row, "deps_succeeded"),
    depsFailed: int(row, "deps_failed"),
    depsSkipped: int(row, "deps_skipped"),
    dependents: int(row, "dependents"),
    bucket: int(row, "bucket"),
    latestStart: int(row, "latest_start"),
    rankOrder: int(row, "rank_order"),
    estimateMs: int(row, "estimate_ms"),
    readsSpecOnStart: int(row, "timed") === 1,
    attempt: int(row, "attempt"),
    failures: int(row, "failures"),
    token: int(row, "token"),
    agent: textOrNull(row, "agent"),
    session: textOrNull(row, "session"),
    startedAt: intOrNull(row, "started_at"),
    leaseExpiresAt: intOrNull(row, "lease_expires_at"),
    heartbeatAt: intOrNull(row, "heartbeat_at"),
    percent: intOrNull(row, "percent"),
    reservedFor: textOrNull(row, "reserved_for"),
    reservedUntil: intOrNull(row, "reserved_until"),
    holdsFiles: int(row, "holds_files") === 1,
    availableAt: intOrNull(row, "available_at"),
    readyAt: intOrNull(row, "ready_at"),
    closeBy: intOrNull(row, "close_by"),
    dueAt: intOrNull(row, "due_at"),
    reasons: jsonOrNull<Reason[]>(row, "reasons") ?? [],
    createdAt: int(row, "created_at"),
    endedAt: intOrNull(row, "ended_at"),
  };
}

export interface TaskAndSpec {
  readonly task: Task;
  readonly spec: TaskSpec;
}

export function taskAndSpecOf(row: Row): TaskAndSpec {
  return { task: taskOf(row), spec: json<TaskSpec>(row, "spec") };
}

export interface NewTask {
  readonly task: Task;
  /** JSON text of its `TaskSpec`. */
  readonly spec: string;
  /** Ids of tasks of the same run. */
  readonly dependencies: readonly string[];
}

// All but what only an attempt, or the task's end, sets: a value less to bind, for each of thousands of rows.
const INSERT_TASK = {
  table: "tasks",
  columns: COLUMNS.slice(0, COLUMNS.indexOf("attempt")).concat("ready_at", "close_by", "due_at", "created_at"),
} as const;
const INSERT_SPEC = { table: "task_specs", columns: ["task", "spec"] } as const;
const INSERT_DEPENDENCY = { table: "dependencies", columns: ["task", "dependency"] } as const;

function valuesOf(task: Task): SqlValue[] {
  return [
    task.id,
    task.run,
    task.project,
    task.key,
    task.kind,
    task.title,
    task.role,
    task.status,
    task.priority,
    task.demand,
    task.scope,
    task.trigger,
    task.depsTotal,
    task.depsSucceeded,
    task.depsFailed,
    task.depsSkipped,
    task.dependents,
    task.bucket,
    task.latestStart,
    task.rankOrder,
    task.estimateMs,
    task.readsSpecOnStart ? 1 : 0,
    task.readyAt,
    task.closeBy,
    task.dueAt,
    task.createdAt,
  ];
}

/** Adds tasks that nobody has begun, with their specs and edges, in few statements. */
export function* insertTasks(tasks: readonly NewTask[]): Tx<void> {
  yield* insertRows(
    INSERT_TASK,
    tasks.map(({ task }) => valuesOf(task)),
  );
  yield* insertRows(
    INSERT_SPEC,
    tasks.map(({ task, spec }) => [task.id, spec]),
  );
  yield* insertRows(
    INSERT_DEPENDENCY,
    tasks.flatMap(({ task, dependencies }) => dependencies.map((dependency) => [task.id, dependency])),
  );
}

// Texts of the everyday path stand outside their functions: inside they would be put together, and hashed, at every call.
const FIND = `SELECT ${TASK_COLUMNS} FROM tasks WHERE id = $1`;
const FIND_BY_KEY = `SELECT ${TASK_COLUMNS} FROM tasks WHERE run = $1 AND key = $2`;
const FIND_WITH_SPEC = `SELECT ${T_COLUMNS}, s.spec FROM tasks t JOIN task_specs s ON s.task = t.id WHERE t.id = $1`;
const HELD_BY_AGENT = `SELECT ${TASK_COLUMNS} FROM tasks WHERE agent = $1 ORDER BY id LIMIT $2`;
const HELD_IN_SESSION = `SELECT ${TASK_COLUMNS} FROM tasks WHERE agent IS NOT NULL AND session = $1 ORDER BY id LIMIT $2`;

export function* findTask(id: string): Tx<Task | undefined> {
  const row = yield* first([FIND, [id]]);
  return row && taskOf(row);
}

export function* findTaskByKey(run: string, key: string): Tx<Task | undefined> {
  const row = yield* first([FIND_BY_KEY, [run, key]]);
  return row && taskOf(row);
}

export function* findTaskAndSpec(id: string): Tx<TaskAndSpec | undefined> {
  const row = yield* first([FIND_WITH_SPEC, [id]]);
  return row && taskAndSpecOf(row);
}

/** Where a task stands, read before any lock. */
export interface TaskPlace {
  readonly run: string;
  readonly project: string;
  readonly holdsFiles: boolean;
}

export function* findTaskPlace(id: string): Tx<TaskPlace | undefined> {
  const row = yield* first(["SELECT run, project, holds_files FROM tasks WHERE id = $1", [id]]);
  return row && { run: text(row, "run"), project: text(row, "project"), holdsFiles: int(row, "holds_files") === 1 };
}

export function* runningTasksOf(agent: string, limit: number): Tx<Task[]> {
  const rows = yield [HELD_BY_AGENT, [agent, limit]];
  return rows.map(taskOf);
}

export function* runningTasksOfSession(session: string, limit: number): Tx<Task[]> {
  const rows = yield [HELD_IN_SESSION, [session, limit]];
  return rows.map(taskOf);
}

/** What is held of a run, in order of creation. */
export function* heldTasksOf(run: string): Tx<TaskAndSpec[]> {
  const rows = yield [
    `SELECT ${T_COLUMNS}, s.spec FROM tasks t JOIN task_specs s ON s.task = t.id WHERE t.agent IS NOT NULL AND t.run || '' = $1
     ORDER BY t.id`,
    [run],
  ];
  return rows.map(taskAndSpecOf);
}
