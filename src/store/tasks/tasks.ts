import type { Requirements } from "../resources/resources.js";
import { TASK_STATUSES, STEP_KINDS, TRIGGER_RULES } from "../../base/statuses.js";
import { type Edge, insertEdges } from "./dependencies.js";
import { many, flag, int, intOrNull, json, list, one, oneOf, oneOfOrNull, text, textOrNull } from "../rows.js";
import { insertInto, insertRows, named, type RowOf, table } from "../tables.js";
import type { Row, Tx } from "../tx.js";

/** The latest start of a task without a deadline: later than any, and exact in a double. */
export const NO_DEADLINE = 9_000_000_000_000_000;

/** Why a task cannot start or go on. `blocking` holds the ids of what stands in the way. */
export interface Reason {
  readonly kind: string;
  readonly detail: string;
  readonly blocking: readonly string[];
}

/** Orders for the holder of a task, given at its next call. */
const ORDERS = ["cancel_requested", "preempted"] as const;

/** Columns of a new task: a value less to bind, for each of thousands of rows. */
const NEW_TASK = {
  id: text,
  run: text,
  project: text,
  key: text,
  kind: oneOf(STEP_KINDS),
  title: text,
  /** The agent or person that wrote its texts; null where it was made before that was recorded. */
  author: textOrNull,
  role: textOrNull,
  status: oneOf(TASK_STATUSES),
  priority: int,
  demand: text,
  /** Id of the set of files it declares; empty when it declares none. */
  scope: text,
  trigger: named("trigger_rule", oneOf(TRIGGER_RULES)),
  depsTotal: int,
  depsSucceeded: int,
  depsFailed: int,
  depsSkipped: int,
  dependents: int,
  bucket: int,
  latestStart: int,
  /** The negative of the upward rank, so that ascending order serves the longest chain first. */
  rankOrder: int,
  estimateMs: int,
  /** The part of the run that it belongs to. */
  phase: textOrNull,
  /**
   * Whether its spec is to be read when its dependencies let it go on: it has a timeout that begins then, an expression, or a
   * kind that the server does itself. The column is called `timed`.
   */
  readsSpecOnStart: named("timed", flag),
  readyAt: intOrNull,
  /** When schedule_to_close is over. */
  closeBy: intOrNull,
  /** The earliest instant at which the tick must look at the task. */
  dueAt: intOrNull,
  createdAt: int,
};
export const TASKS = table("tasks", {
  ...NEW_TASK,
  /** Number of the current or last attempt; 0 before the first. */
  attempt: int,
  /** Attempts that count against the retry policy. */
  failures: int,
  /** Fencing token: grows with every claim and every taking away. */
  token: int,
  agent: textOrNull,
  session: textOrNull,
  startedAt: intOrNull,
  /** The attempt's own expiry; its session's may be later. */
  leaseExpiresAt: intOrNull,
  heartbeatAt: intOrNull,
  percent: intOrNull,
  /** The highest percent that any attempt has reported. */
  percentMax: int,
  /** The last note that the open attempt has reported. */
  progressNote: textOrNull,
  /** Time that its holder's host slept during the open attempt; counts for no time limit. */
  sleptMs: int,
  /** Leases lost in a row, and in all. */
  losses: int,
  lossesTotal: int,
  /** The session, or the client's own, that lost the last lease. */
  lostBy: textOrNull,
  reservedFor: textOrNull,
  reservedUntil: intOrNull,
  orders: oneOfOrNull(ORDERS),
  /** Whether it holds or waits for file locks. */
  holdsFiles: flag,
  availableAt: intOrNull,
  reasons: list<Reason>,
  endedAt: intOrNull,
});
export interface Task extends RowOf<typeof TASKS> {}

/** The part of a task that one line shows, and the graph of its run weighs: whole runs are read for it. */
export const LINE_TASKS = TASKS.pick(
  "id",
  "run",
  "key",
  "kind",
  "title",
  "author",
  "role",
  "status",
  "priority",
  "estimateMs",
  "dueAt",
  "failures",
  "agent",
  "percent",
  "reservedFor",
  "reservedUntil",
  "availableAt",
);
export interface LineTask extends RowOf<typeof LINE_TASKS> {}

/** The decision of a human step whose time is over. */
export type DefaultStepDecision = "reject" | "approve";

/** The part of a task that does not change while it runs. */
export interface TaskSpec {
  readonly prompt?: string;
  readonly criteria?: readonly string[];
  /** The kind of work, where its author named one. */
  readonly type?: string;
  readonly requires: readonly string[];
  readonly files: { readonly write: readonly string[]; readonly read: readonly string[] };
  readonly retry: RetryPolicy;
  readonly timeouts: Timeouts;
  /** Resources that it takes with its claim. */
  readonly resources?: Requirements;
  /** It runs alone in its run. */
  readonly parallelizable?: false;
  /** JSON Schema of the result. */
  readonly output?: boolean | Readonly<Record<string, unknown>>;
  readonly command?: CommandSpec;
  readonly tool?: ToolCall;
  /** Keys of steps: agents that worked on them do not take it; agents that completed one of these have it first. */
  readonly not_by?: readonly string[];
  readonly prefer_by?: readonly string[];
  /** The ways of working that it asks for, and the least probability of success, as its step has them. */
  readonly cognitive_style?: string;
  readonly creativity?: number;
  readonly analytical_depth?: number;
  readonly collaboration?: number;
  readonly quality?: number;
  /** Others look at its result before it counts. */
  readonly review?: ReviewPolicy;
  /** Key of the task that this one reviews. */
  readonly review_of?: string;
  /** Human steps: the question. */
  readonly ask?: string;
  readonly form?: Readonly<Record<string, unknown>>;
  /** The decision once their time is over. Default: reject. */
  readonly default_decision?: DefaultStepDecision;
  /** Wait steps: the event, or the instant in ms since the epoch. */
  readonly event?: string;
  readonly until?: number;
  /** Workflow steps: the child run's workflow, and that run, once it has been started. */
  readonly workflow?: string;
  readonly given?: Readonly<Record<string, unknown>>;
  readonly child?: string;
  /** The step that undoes it, as the definition has it, for the engine. */
  readonly compensate?: Readonly<Record<string, unknown>>;
  /** Inputs of this task alone, beside or instead of those of its run. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Steps with expressions, and steps that the server does itself. */
  readonly dynamic?: Dynamic;
}

/** The part of a task that is decided only when its dependencies have ended. */
export interface Dynamic {
  /** The step as the definition has it, for the engine. */
  readonly step: Readonly<Record<string, unknown>>;
  /** Keys of the steps whose results its expressions read. */
  readonly reads: readonly string[];
  /** How many tasks were made of it: it ends when they have. */
  readonly elements?: number;
}

/** The reviewer of a task, and the criteria. */
export interface ReviewPolicy {
  /** Role of the reviewer; human for a person. */
  readonly by: string;
  /** Reviews at one tier before the next one above takes over. */
  readonly max_rounds: number;
  /** Criteria of the reviewer, beside the task's own. */
  readonly criteria?: readonly string[] | undefined;
}

/** Exponential backoff with full jitter. */
export interface RetryPolicy {
  readonly initial_interval_ms: number;
  readonly backoff_coefficient: number;
  readonly max_interval_ms: number;
  /** Counts the first try. */
  readonly max_attempts: number;
  /** Error types after which no further try is made. */
  readonly non_retryable: readonly string[];
}

/** All in milliseconds. */
export interface Timeouts {
  /** From ready to running. */
  readonly schedule_to_start?: number;
  /** One attempt. */
  readonly start_to_close: number;
  /** From ready to the end, all attempts together. */
  readonly schedule_to_close?: number;
  /** Between two heartbeats of one attempt. */
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

export interface TaskAndSpec {
  readonly task: Task;
  readonly spec: TaskSpec;
}

/** A task as it is read by itself, and what is known of messages without a further look. */
export interface FoundTask extends TaskAndSpec {
  /** Whether messages are bound to it. */
  readonly hasMessages: boolean;
  /** Whether any message was sent since none waited for its holder. */
  readonly hasNews: boolean;
  /** Whether a success of its attempt changes a circuit breaker. */
  readonly hasBreaker: boolean;
}

export function taskAndSpecOf(row: Row): TaskAndSpec {
  return { task: TASKS.read(row), spec: json<TaskSpec>(row, "spec") };
}

export interface NewTask {
  readonly task: Task;
  /** JSON text of its `TaskSpec`. */
  readonly spec: string;
  /** Ids of tasks of the same run. */
  readonly dependencies: readonly string[];
}

const INSERT_TASK = insertInto(table("tasks", NEW_TASK));
const INSERT_SPEC = insertInto(table("task_specs", { task: text, spec: text }));

/** Adds unstarted tasks, with their specs and edges, in few statements. */
export function* insertTasks(tasks: readonly NewTask[]): Tx<void> {
  yield* insertRows(
    INSERT_TASK,
    tasks.map(({ task }) => task),
  );
  yield* insertRows(
    INSERT_SPEC,
    tasks.map(({ task, spec }) => ({ task: task.id, spec })),
  );
  yield* insertEdges(
    tasks.flatMap(({ task, dependencies }) => dependencies.map((dependency): Edge => [dependency, task.id])),
  );
}

// Texts of the everyday path stand outside their functions: inside they would be put together, and hashed, at every call.
const FIND = `SELECT ${TASKS.columns} FROM tasks WHERE id = $1`;
const FIND_BY_KEY = `SELECT ${TASKS.columns} FROM tasks WHERE run = $1 AND key = $2`;
/** Whether messages are bound to a task; for statements that call it t. */
export const HAS_MESSAGES =
  "CASE WHEN EXISTS (SELECT 1 FROM messages m WHERE m.task = t.id) THEN 1 ELSE 0 END AS has_messages";
/** 1 where messages are bound to the task, and 2 more where there is news for its holder. Without any message one look says 0. */
const MAIL = `CASE WHEN (SELECT newest FROM message_clock WHERE id = 1) IS NULL THEN 0
  ELSE (CASE WHEN EXISTS (SELECT 1 FROM messages m WHERE m.task = t.id) THEN 1 ELSE 0 END)
    + (CASE WHEN EXISTS (SELECT 1 FROM message_clock k JOIN agents h ON h.name = t.agent
        WHERE k.id = 1 AND (h.messages_seen IS NULL OR h.messages_seen < k.newest)) THEN 2 ELSE 0 END) END AS mail`;
/** Whether the end of an attempt concerns the circuit breaker of its agent though it succeeds. */
const HAS_BREAKER =
  "CASE WHEN EXISTS (SELECT 1 FROM circuit_breakers b WHERE b.target = 'agent:' || t.agent AND b.clean = 0) THEN 1 ELSE 0 END AS has_breaker";
const FIND_WITH_SPEC = `SELECT ${TASKS.columnsOf("t")}, s.spec, ${MAIL}, ${HAS_BREAKER} FROM tasks t JOIN task_specs s ON s.task = t.id WHERE t.id = $1`;
const HELD_BY_AGENT = `SELECT ${TASKS.columns} FROM tasks WHERE agent = $1 ORDER BY id LIMIT $2`;
const HELD_IN_SESSION = `SELECT ${TASKS.columns} FROM tasks WHERE agent IS NOT NULL AND session = $1 ORDER BY id LIMIT $2`;

export function* findTask(id: string): Tx<Task | undefined> {
  return yield* one(TASKS.read, [FIND, [id]]);
}

export function* findTaskByKey(run: string, key: string): Tx<Task | undefined> {
  return yield* one(TASKS.read, [FIND_BY_KEY, [run, key]]);
}

export function* findTaskAndSpec(id: string): Tx<FoundTask | undefined> {
  return yield* one(foundTaskOf, [FIND_WITH_SPEC, [id]]);
}

function foundTaskOf(row: Row): FoundTask {
  const mail = int(row, "mail");
  return {
    ...taskAndSpecOf(row),
    hasMessages: mail % 2 === 1,
    hasNews: mail >= 2,
    hasBreaker: flag(row, "has_breaker"),
  };
}

export function* runningTasksOf(agent: string, limit: number): Tx<Task[]> {
  return yield* many(TASKS.read, [HELD_BY_AGENT, [agent, limit]]);
}

export function* runningTasksOfSession(session: string, limit: number): Tx<Task[]> {
  return yield* many(TASKS.read, [HELD_IN_SESSION, [session, limit]]);
}

/** Returns unclaimed tasks that are reserved for an agent. The tick looks at each of them, so their index leads to them. */
export function* reservedTasksOf(agent: string, limit: number): Tx<Task[]> {
  return yield* many(TASKS.read, [
    `SELECT ${TASKS.columns} FROM tasks WHERE due_at IS NOT NULL AND agent IS NULL AND reserved_for = $1 ORDER BY id LIMIT $2`,
    [agent, limit],
  ]);
}

/** Returns the held tasks of a run, in order of creation. */
export function* heldTasksOf(run: string): Tx<TaskAndSpec[]> {
  return yield* many(taskAndSpecOf, [
    `SELECT ${TASKS.columnsOf("t")}, s.spec FROM tasks t JOIN task_specs s ON s.task = t.id WHERE t.agent IS NOT NULL AND t.run || '' = $1
     ORDER BY t.id`,
    [run],
  ]);
}
