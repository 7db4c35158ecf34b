import type { RunStatus, TaskStatus, TriggerRule } from "../../../src/base/statuses.js";
import type { Counters } from "../../../src/store/runs/counters.js";
import type { Run } from "../../../src/store/runs/runs.js";
import { readTogether, type Together } from "./together/rows.js";
import { type ApprovalRow, approvalOf, type ArtifactRow, artifactOf } from "./artifact-rows.js";
import { flag, int, intOrNull, json, jsonOrNull, text, textOrNull } from "../../../src/store/rows.js";
import type { Row, Store, Tx } from "../../../src/store/tx.js";

/** A database as the checker sees it: every row that its invariants speak of, read in one transaction. */
export interface Snapshot {
  readonly at: number;
  readonly projects: ReadonlyMap<string, { readonly caseInsensitive: boolean }>;
  readonly runs: ReadonlyMap<string, RunRow>;
  readonly counters: ReadonlyMap<string, Row>;
  readonly budgets: ReadonlyMap<string, BudgetRow>;
  /** Questions of the server to raise a budget. */
  readonly overrides: readonly OverrideRow[];
  readonly tasks: ReadonlyMap<string, TaskRow>;
  /** Keys of the steps whose agents do not take a task, by task. */
  readonly notBy: ReadonlyMap<string, readonly string[]>;
  /** By dependent. */
  readonly needs: ReadonlyMap<string, readonly string[]>;
  readonly attempts: readonly AttemptRow[];
  readonly usages: readonly UsageRow[];
  readonly demands: ReadonlyMap<string, DemandRow>;
  readonly lanes: readonly LaneRow[];
  readonly scopeLanes: readonly ScopeLaneRow[];
  readonly locks: readonly LockRow[];
  readonly requests: ReadonlySet<string>;
  readonly artifacts: readonly ArtifactRow[];
  /** By hash. */
  readonly contents: ReadonlyMap<string, { readonly bytes: number }>;
  readonly approvals: readonly ApprovalRow[];
  readonly together: Together;
  /** Agents that have been unregistered and have not come back. */
  readonly unregistered: ReadonlySet<string>;
  readonly sessions: ReadonlyMap<string, { readonly endedAt: number | null; readonly expiresAt: number }>;
  /** In the order in which they were written. */
  readonly events: readonly EventRow[];
}

export interface RunRow {
  readonly id: string;
  readonly kind: string;
  readonly status: RunStatus;
  readonly maxParallel: number;
  readonly endedAt: number | null;
  readonly stage: Run["stage"];
  readonly onFailure: string;
  readonly parentRun: string | null;
  readonly budgetOf: string | null;
  readonly overBudget: boolean;
}

export interface BudgetRow {
  readonly id: string;
  readonly scope: string;
  readonly limit: number;
  readonly spent: number;
  readonly blockAt: number;
  /** Whether the tick is still to look whether it has to be asked to be raised. */
  readonly toAsk: boolean;
}

export interface OverrideRow {
  readonly id: string;
  readonly budget: string;
  readonly isOpen: boolean;
}

export interface UsageRow {
  readonly project: string | null;
  readonly run: string | null;
  readonly task: string | null;
  /** Null for one that no attempt ended with. */
  readonly attempt: number | null;
  readonly agent: string | null;
  readonly cost: number;
}

export interface DemandRow {
  readonly role: string | null;
  readonly requires: readonly string[];
  readonly reservedFor: string | null;
  readonly alone: boolean;
}

export interface OrderKey {
  readonly bucket: number;
  readonly latestStart: number;
  readonly rankOrder: number;
  readonly id: string;
}

export interface TaskRow extends OrderKey {
  readonly run: string;
  readonly project: string;
  readonly key: string;
  readonly status: TaskStatus;
  readonly demand: string;
  readonly scope: string;
  readonly trigger: TriggerRule;
  readonly depsTotal: number;
  readonly depsSucceeded: number;
  readonly depsFailed: number;
  readonly depsSkipped: number;
  readonly dependents: number;
  /** The kinds of its reasons. */
  readonly reasons: readonly string[];
  readonly estimateMs: number;
  readonly attempt: number;
  readonly token: number;
  readonly agent: string | null;
  readonly session: string | null;
  readonly reservedFor: string | null;
  readonly reservedUntil: number | null;
  readonly holdsFiles: boolean;
  readonly availableAt: number | null;
  readonly dueAt: number | null;
  readonly endedAt: number | null;
  readonly losses: number;
  readonly lossesTotal: number;
}

export interface AttemptRow {
  readonly task: string;
  readonly number: number;
  readonly token: number;
  readonly agent: string;
  readonly outcome: string;
  readonly usage: Readonly<Record<string, unknown>> | null;
}

export interface LaneRow {
  readonly run: string;
  readonly demand: string;
  readonly open: boolean;
  readonly head: string | null;
  readonly key: string;
}

export interface ScopeLaneRow extends Omit<LaneRow, "open"> {
  readonly scope: string;
  readonly parkedOn: string | null;
}

export interface LockRow {
  readonly id: string;
  readonly project: string;
  readonly request: string;
  readonly path: string;
  readonly state: string;
  readonly agent: string;
  readonly task: string | null;
  readonly session: string | null;
  readonly token: number;
  readonly expiresAt: number | null;
}

export interface EventRow {
  readonly seq: number;
  readonly at: number;
  readonly type: string;
  readonly project: string | null;
  readonly run: string | null;
  readonly task: string | null;
  readonly agent: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

export const COUNTED = [
  "pending",
  "ready",
  "running",
  "waiting",
  "in_review",
  "succeeded",
  "skipped",
  "blocked",
  "cancelled",
  "dead_letter",
] as const satisfies readonly (TaskStatus & keyof Counters)[];

export function readSnapshot(store: Store): Promise<Snapshot> {
  return store.read(function* (ctx): Tx<Snapshot> {
    return {
      at: ctx.now,
      projects: byKey(yield ["SELECT id, case_insensitive FROM projects"], "id", (row) => ({
        caseInsensitive: int(row, "case_insensitive") === 1,
      })),
      runs: byKey(yield ["SELECT * FROM runs"], "id", runOf),
      budgets: byKey(yield ["SELECT * FROM budgets"], "id", budgetOf),
      counters: byKey(yield ["SELECT * FROM run_counters"], "run", (row) => row),
      tasks: byKey(yield ["SELECT * FROM tasks ORDER BY id"], "id", taskOf),
      notBy: byKey(
        yield [`SELECT task, spec FROM task_specs WHERE spec LIKE '%"not_by"%'`],
        "task",
        (row) => json<{ not_by?: string[] }>(row, "spec").not_by ?? [],
      ),
      needs: needsOf(yield ["SELECT task, dependency FROM dependencies ORDER BY task, dependency"]),
      attempts: (yield ["SELECT task, number, token, agent, outcome, usage FROM attempts ORDER BY task, number"]).map(
        attemptOf,
      ),
      overrides: (yield ["SELECT * FROM escalations WHERE budget IS NOT NULL AND asked_by = 'baton' ORDER BY id"]).map(
        (row) => ({ id: text(row, "id"), budget: text(row, "budget"), isOpen: intOrNull(row, "decided_at") === null }),
      ),
      usages: (yield ["SELECT * FROM usage_records ORDER BY id"]).map(usageOf),
      demands: byKey(yield ["SELECT id, role, requires, reserved_for, alone FROM demands"], "id", (row) => ({
        role: textOrNull(row, "role"),
        requires: json<string[]>(row, "requires"),
        reservedFor: textOrNull(row, "reserved_for"),
        alone: flag(row, "alone"),
      })),
      lanes: (yield ["SELECT * FROM lanes ORDER BY run, demand"]).map(laneOf),
      scopeLanes: (yield ["SELECT * FROM scope_lanes ORDER BY run, demand, scope"]).map(scopeLaneOf),
      locks: (yield ["SELECT * FROM file_locks ORDER BY id"]).map(lockOf),
      requests: new Set((yield ["SELECT id FROM lock_requests"]).map((row) => text(row, "id"))),
      artifacts: (yield ["SELECT * FROM artifacts ORDER BY id"]).map(artifactOf),
      contents: byKey(yield ["SELECT hash, bytes FROM artifact_contents"], "hash", (row) => ({
        bytes: int(row, "bytes"),
      })),
      approvals: (yield ["SELECT * FROM approvals ORDER BY id"]).map(approvalOf),
      together: yield* readTogether(),
      unregistered: new Set(
        (yield ["SELECT name FROM agents WHERE status = 'unregistered'"]).map((row) => text(row, "name")),
      ),
      sessions: byKey(yield ["SELECT id, ended_at, expires_at FROM sessions"], "id", (row) => ({
        endedAt: intOrNull(row, "ended_at"),
        expiresAt: int(row, "expires_at"),
      })),
      events: (yield ["SELECT seq, at, type, project, run, task, agent, data FROM events ORDER BY seq"]).map(eventOf),
    };
  });
}

function byKey<T>(rows: readonly Row[], column: string, parse: (row: Row) => T): Map<string, T> {
  return new Map(rows.map((row) => [text(row, column), parse(row)]));
}

function needsOf(rows: readonly Row[]): Map<string, string[]> {
  const groups = groupsOf(rows, (row) => text(row, "task"));
  return new Map([...groups].map(([task, own]) => [task, own.map((row) => text(row, "dependency"))]));
}

export function groupsOf<T>(items: readonly T[], group: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const own = groups.get(group(item));
    if (own) own.push(item);
    else groups.set(group(item), [item]);
  }
  return groups;
}

// The casts below name what the table's CHECKs hold.
function runOf(row: Row): RunRow {
  return {
    id: text(row, "id"),
    kind: text(row, "kind"),
    status: text(row, "status") as RunStatus,
    maxParallel: int(row, "max_parallel"),
    stage: textOrNull(row, "stage") as RunRow["stage"],
    onFailure: text(row, "on_failure"),
    endedAt: intOrNull(row, "ended_at"),
    parentRun: textOrNull(row, "parent_run"),
    budgetOf: textOrNull(row, "budget_of"),
    overBudget: int(row, "over_budget") === 1,
  };
}

function budgetOf(row: Row): BudgetRow {
  return {
    id: text(row, "id"),
    scope: text(row, "scope"),
    limit: int(row, "limit_micros"),
    spent: int(row, "spent_micros"),
    blockAt: int(row, "block_at"),
    toAsk: intOrNull(row, "ask_at") !== null,
  };
}

function usageOf(row: Row): UsageRow {
  return {
    project: textOrNull(row, "project"),
    run: textOrNull(row, "run"),
    task: textOrNull(row, "task"),
    attempt: intOrNull(row, "attempt"),
    agent: textOrNull(row, "agent"),
    cost: int(row, "cost_micros"),
  };
}

function taskOf(row: Row): TaskRow {
  return {
    id: text(row, "id"),
    run: text(row, "run"),
    project: text(row, "project"),
    key: text(row, "key"),
    status: text(row, "status") as TaskStatus,
    demand: text(row, "demand"),
    scope: text(row, "scope"),
    trigger: text(row, "trigger_rule") as TriggerRule,
    depsTotal: int(row, "deps_total"),
    depsSucceeded: int(row, "deps_succeeded"),
    depsFailed: int(row, "deps_failed"),
    depsSkipped: int(row, "deps_skipped"),
    dependents: int(row, "dependents"),
    bucket: int(row, "bucket"),
    latestStart: int(row, "latest_start"),
    rankOrder: int(row, "rank_order"),
    reasons: (jsonOrNull<{ kind: string }[]>(row, "reasons") ?? []).map(({ kind }) => kind),
    estimateMs: int(row, "estimate_ms"),
    attempt: int(row, "attempt"),
    token: int(row, "token"),
    agent: textOrNull(row, "agent"),
    session: textOrNull(row, "session"),
    reservedFor: textOrNull(row, "reserved_for"),
    reservedUntil: intOrNull(row, "reserved_until"),
    holdsFiles: int(row, "holds_files") === 1,
    availableAt: intOrNull(row, "available_at"),
    dueAt: intOrNull(row, "due_at"),
    endedAt: intOrNull(row, "ended_at"),
    losses: int(row, "losses"),
    lossesTotal: int(row, "losses_total"),
  };
}

function attemptOf(row: Row): AttemptRow {
  return {
    task: text(row, "task"),
    number: int(row, "number"),
    token: int(row, "token"),
    agent: text(row, "agent"),
    outcome: text(row, "outcome"),
    usage: jsonOrNull<Record<string, unknown>>(row, "usage"),
  };
}

function laneOf(row: Row): LaneRow {
  return {
    run: text(row, "run"),
    demand: text(row, "demand"),
    open: int(row, "open") === 1,
    head: textOrNull(row, "head"),
    key: keyOf(row),
  };
}

function scopeLaneOf(row: Row): ScopeLaneRow {
  return {
    run: text(row, "run"),
    demand: text(row, "demand"),
    scope: text(row, "scope"),
    parkedOn: textOrNull(row, "parked_on"),
    head: textOrNull(row, "head"),
    key: keyOf(row),
  };
}

function keyOf(row: Row): string {
  return [row["bucket"], row["latest_start"], row["rank_order"]].join(" ");
}

function lockOf(row: Row): LockRow {
  return {
    id: text(row, "id"),
    project: text(row, "project"),
    request: text(row, "request"),
    path: text(row, "path"),
    state: text(row, "state"),
    agent: text(row, "agent"),
    task: textOrNull(row, "task"),
    session: textOrNull(row, "session"),
    token: int(row, "token"),
    expiresAt: intOrNull(row, "expires_at"),
  };
}

function eventOf(row: Row): EventRow {
  return {
    seq: int(row, "seq"),
    at: int(row, "at"),
    type: text(row, "type"),
    project: textOrNull(row, "project"),
    run: textOrNull(row, "run"),
    task: textOrNull(row, "task"),
    agent: textOrNull(row, "agent"),
    data: json<Record<string, unknown>>(row, "data"),
  };
}
