import { type Agent, AGENTS } from "./agents/agents.js";
import { type Breaker, BREAKERS } from "./breakers/breakers.js";
import { type Budget, BUDGETS } from "./cost/budgets.js";
import { type ContextWindow, WINDOWS } from "./context-windows/windows.js";
import { type Milestone, MILESTONES } from "./milestones/milestones.js";
import { type Project, PROJECTS } from "./projects/projects.js";
import { conditionsOf, many, manyIn, eachIn, flag, idOf, one, oneOf, placeholders, sole } from "./rows.js";
import { AGENT_STATUSES } from "../base/statuses.js";
import { EXECUTOR } from "./learning/evidence.js";
import { columns, type RowOf } from "./tables.js";
import { type Run, RUNS } from "./runs/runs.js";
import type { Tx } from "./tx.js";
import { type ExportLedger, USAGE_EXPORTS } from "./usage/exports.js";

/**
 * The one order in which a transaction takes row locks on PostgreSQL, so that no two can wait for each other: the
 * exports of a conversation's usage, the project (whenever file locks are read or changed, or a run is started), a schedule, the queue of runs, the runs by id, the agent, the session, the circuit breakers by
 * target, the milestones by id that an end completes, the budgets by id that an end is paid from, the queue for resources, the evidence by
 * agent and type that an end adds to, a context window, and last the token of a client that is asked. A child run has an id that sorts after
 * that one's. Rows of tasks, lanes and counters need no lock of their own under their run's. On SQLite the whole database has one
 * writer and `%FOR_UPDATE%` is empty.
 * An agent that is not known yet is registered before all of them: its name is held, like a lock, until the commit. So is one that
 * is noted as coming from elsewhere than last time, seldom; should two of its calls meet just then, PostgreSQL ends one, which
 * is done again.
 * test/store/lock-order.test.ts records what each command takes and holds it against this list.
 */
export const LOCK_ORDER = [
  "usage_exports",
  "projects",
  "schedules",
  "run_queue",
  "runs",
  "agents",
  "sessions",
  "circuit_breakers",
  "milestones",
  "budgets",
  "resource_queue",
  "learning_evidence",
  "context_windows",
  "access_tokens",
] as const;

// Files of a project may be those of another around it: the row of the outermost is locked first, and stands for all inside of it.
const LOCK_PROJECT = `SELECT ${PROJECTS.columns} FROM projects
  WHERE id = $1 OR id = (SELECT outermost FROM projects WHERE id = $1) ORDER BY CASE WHEN id = $1 THEN 1 ELSE 0 END %FOR_UPDATE%`;
const LOCK_RUN = `SELECT ${RUNS.columns} FROM runs WHERE id = $1 %FOR_UPDATE%`;
const LOCK_RUN_OF_PLAIN_TASK = `SELECT ${RUNS.columns} FROM runs WHERE id = (SELECT run FROM tasks
  WHERE id = $1 AND holds_files = 0) %FOR_UPDATE%`;
const AGENT_STATUS = AGENTS.pick("name", "status");
const LOCK_AGENT = `SELECT ${AGENT_STATUS.columns} FROM agents WHERE name = $1 %FOR_UPDATE%`;

/** Locks a project, and before it the outermost one that it lies in. */
export function* lockProject(id: string): Tx<Project | undefined> {
  return (yield* many(PROJECTS.read, [LOCK_PROJECT, [id]])).find((project) => project.id === id);
}

export function lockRun(id: string): Tx<Run | undefined> {
  return one(RUNS.read, [LOCK_RUN, [id]]);
}

/** Locks the run of a task that holds no files, given the task only; where it holds some, its project is locked first. */
export function lockRunOfPlainTask(task: string): Tx<Run | undefined> {
  return one(RUNS.read, [LOCK_RUN_OF_PLAIN_TASK, [task]]);
}

/** Locks the open runs that a run has started and whose task waits for them no longer, by id. */
export function lockPartedChildren(run: string): Tx<string[]> {
  return many(idOf, [
    `SELECT id FROM runs WHERE parent_run = $1 AND ended_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.id = runs.parent_task AND t.status = 'waiting') ORDER BY id %FOR_UPDATE%`,
    [run],
  ]);
}

/** Locks the exports of a conversation's use of a model, whose row is there. */
export function* lockUsageExport(session: string, model: string): Tx<ExportLedger> {
  const { columns: ledger, read } = USAGE_EXPORTS.pick("ledger");
  const found = yield* sole(read, [
    // sql: a column
    `SELECT ${ledger} FROM usage_exports WHERE session = $1 AND model = $2 %FOR_UPDATE%`,
    [session, model],
  ]);
  return found.ledger;
}

/** Locks several runs, by id. */
export function lockRuns(ids: readonly string[]): Tx<void> {
  return eachIn([...new Set(ids)].sort(), (chunk) => [
    `SELECT id FROM runs WHERE id IN (${placeholders(chunk.length)}) ORDER BY id %FOR_UPDATE%`,
    chunk,
  ]);
}

export function lockAgent(name: string): Tx<Pick<Agent, "name" | "status"> | undefined> {
  return one(AGENT_STATUS.read, [LOCK_AGENT, [name]]);
}

const CLAIMER = columns({ status: oneOf(AGENT_STATUSES), hasBudget: flag });
// The budgets that are not of runs: a claim without any pays no statement for them.
const LOCK_CLAIMER = `SELECT name, status, CASE WHEN EXISTS (SELECT 1 FROM budgets WHERE id = 'global' OR id = $2 OR id = $3)
  THEN 1 ELSE 0 END AS has_budget FROM agents WHERE name = $1 %FOR_UPDATE%`;

/** Locks an agent that claims in a project, and says whether a budget of the agent, of the project or of all holds for it. */
export function lockClaimer(
  name: string,
  budgets: { readonly agent: string; readonly project: string },
): Tx<RowOf<typeof CLAIMER> | undefined> {
  return one(CLAIMER.read, [LOCK_CLAIMER, [name, budgets.agent, budgets.project]]);
}

/** Locks sessions that ended before an instant, by id. At most 100. */
export function lockEndedSessions(before: number): Tx<string[]> {
  return many(idOf, [
    "SELECT id FROM sessions WHERE ended_at IS NOT NULL AND ended_at < $1 ORDER BY id LIMIT 100 %FOR_UPDATE%",
    [before],
  ]);
}

/** Locks circuit breakers, by target. */
export function lockBreakers(targets: readonly string[]): Tx<Breaker[]> {
  return manyIn(BREAKERS.read, [...new Set(targets)].sort(), (chunk) => [
    `SELECT ${BREAKERS.columns} FROM circuit_breakers WHERE target IN (${placeholders(chunk.length)}) ORDER BY target %FOR_UPDATE%`,
    chunk,
  ]);
}

/** Locks several milestones, by id. */
export function lockMilestones(ids: readonly string[]): Tx<Milestone[]> {
  return manyIn(MILESTONES.read, [...new Set(ids)].sort(), (chunk) => [
    `SELECT ${MILESTONES.columns} FROM milestones WHERE id IN (${placeholders(chunk.length)}) ORDER BY id %FOR_UPDATE%`,
    chunk,
  ]);
}

const LOCK_TREE = `SELECT id FROM runs WHERE id IN (
    WITH RECURSIVE below (id) AS (
      SELECT id FROM runs WHERE id = $1 UNION ALL SELECT r.id FROM runs r JOIN below b ON r.parent_run = b.id
    ) SELECT id FROM below) ORDER BY id %FOR_UPDATE%`;

/** Locks a run and its descendants, ended ones too, so that none begins in it, goes on or is reopened. */
export function* lockTree(run: string): Tx<void> {
  // One of them may be starting another: that is there once its row was locked.
  for (let locked = -1, found = 0; found > locked;) {
    locked = found;
    found = (yield [LOCK_TREE, [run]]).length;
  }
}

const ABOVE = `WITH RECURSIVE above (id, parent_run) AS (
      SELECT id, parent_run FROM runs WHERE id = $1
      UNION ALL SELECT r.id, r.parent_run FROM runs r JOIN above a ON r.id = a.parent_run
    ) SELECT id FROM above`;

/** Locks, by id, the budgets of a run and of the runs that it is within, and those with the ids. */
export function lockBudgets(run: string | null, ids: readonly string[] = []): Tx<Budget[]> {
  const named = placeholders(ids.length + 1, 1);
  // The run is among them: where there is none, the empty text stands for it.
  return many(BUDGETS.read, [
    // sql: numbers of parameters.
    `SELECT ${BUDGETS.columns} FROM budgets WHERE id IN (${ABOVE}) OR id IN (${named}) ORDER BY id %FOR_UPDATE%`,
    [run ?? "", ...ids],
  ]);
}

/** Locks the row that every change of resources and of allocations locks first: no two of them run at once. */
export function* lockResources(): Tx<void> {
  yield* lockOnly("SELECT id FROM resource_queue WHERE id = 1 %FOR_UPDATE%");
}

/** Locks the row that every start of a run locks where the number of runs is bounded: no two of them take one place. */
export function* lockRunQueue(): Tx<void> {
  yield* lockOnly("SELECT id FROM run_queue WHERE id = 1 %FOR_UPDATE%");
}

/** Locks the only row of a table. A database that has lost it locks nothing: two transactions would free the same twice. */
function* lockOnly(sql: string): Tx<void> {
  if ((yield [sql]).length === 0)
    throw new Error(
      `the row that this locks is gone from the database, which was changed by another than Baton: ${sql}`,
    );
}

/** Locks a context window. */
export function lockWindow(id: string): Tx<ContextWindow | undefined> {
  return one(WINDOWS.read, [`SELECT ${WINDOWS.columns} FROM context_windows WHERE id = $1 %FOR_UPDATE%`, [id]]);
}

/** Locks the token of a client over the network, at which one form is open at a time. */
export function* lockAccessToken(id: string): Tx<void> {
  yield ["SELECT id FROM access_tokens WHERE id = $1 %FOR_UPDATE%", [id]];
}

/** Locks the evidence of an agent or a type, or that was last added to before an instant. Returns ids in their order, at most `limit`. */
export function* lockEvidence(
  { agent, type, before }: { agent?: string | undefined; type?: string | undefined; before?: number },
  limit: number,
): Tx<string[]> {
  const { where, params } = conditionsOf([
    ["agent =", agent],
    ["type =", type],
    ["updated_at <", before],
  ]);
  return yield* many(idOf, [
    // sql: columns of the table and numbers of parameters.
    `SELECT id FROM learning_evidence ${where} ORDER BY CASE WHEN agent = '${EXECUTOR}' THEN 1 ELSE 0 END, id LIMIT $${params.length + 1} %FOR_UPDATE%`,
    [...params, limit],
  ]);
}
