import { chunksOf, placeholders, text } from "./rows.js";
import { RUN_COLUMNS } from "./runs.js";
import type { Row, Tx } from "./tx.js";

/**
 * The one order in which a transaction takes row locks on PostgreSQL, so that no two can wait for each other: the
 * project (whenever file locks are read or changed, or a run is started), its runs by id, the agent, the session, and last the
 * milestones by id that an end completes. A run within another has an id that sorts after that one's. Rows of tasks, lanes and
 * counters need no lock of their own under their run's. On SQLite the whole database has one writer and `%FOR_UPDATE%` is empty.
 * An agent that is not known yet is registered before all of them: its name is held, like a lock, until the commit. So is one that
 * is noted as coming from elsewhere than last time, seldom; should two of its calls meet just then, PostgreSQL ends one, which
 * is done again.
 * test/store/lock-order.test.ts records what each command takes and holds it against this list.
 */
export const LOCK_ORDER = ["projects", "runs", "agents", "sessions", "milestones"] as const;

export function* lockProject(id: string): Tx<Row | undefined> {
  return (yield ["SELECT * FROM projects WHERE id = $1 %FOR_UPDATE%", [id]])[0];
}

const LOCK_RUN = `SELECT ${RUN_COLUMNS} FROM runs WHERE id = $1 %FOR_UPDATE%`;
const LOCK_RUN_OF_TASK = `SELECT ${RUN_COLUMNS} FROM runs WHERE id = (SELECT run FROM tasks WHERE id = $1) %FOR_UPDATE%`;

export function* lockRun(id: string): Tx<Row | undefined> {
  return (yield [LOCK_RUN, [id]])[0];
}

/** Locks the open runs that a run has started, by id. */
export function* lockOpenChildren(run: string): Tx<string[]> {
  const sql = "SELECT id FROM runs WHERE parent_run = $1 AND ended_at IS NULL ORDER BY id %FOR_UPDATE%";
  return (yield [sql, [run]]).map((row) => text(row, "id"));
}

/** Locks several runs, by id. */
export function* lockRuns(ids: readonly string[]): Tx<void> {
  const ordered = [...new Set(ids)].sort();
  for (const chunk of chunksOf(ordered)) {
    yield [`SELECT id FROM runs WHERE id IN (${placeholders(chunk.length)}) ORDER BY id %FOR_UPDATE%`, chunk];
  }
}

export function* lockAgent(name: string): Tx<Row | undefined> {
  return (yield ["SELECT name, status FROM agents WHERE name = $1 %FOR_UPDATE%", [name]])[0];
}

/** Locks the run a task belongs to, given the task only. */
export function* lockRunOfTask(task: string): Tx<Row | undefined> {
  return (yield [LOCK_RUN_OF_TASK, [task]])[0];
}

/** Locks sessions that ended before an instant, by id. At most 100. */
export function* lockEndedSessions(before: number): Tx<string[]> {
  const sql = "SELECT id FROM sessions WHERE ended_at IS NOT NULL AND ended_at < $1 ORDER BY id LIMIT 100 %FOR_UPDATE%";
  return (yield [sql, [before]]).map((row) => text(row, "id"));
}

/** Locks several milestones, by id. */
export function* lockMilestones(ids: readonly string[]): Tx<Row[]> {
  const rows: Row[] = [];
  for (const chunk of chunksOf([...new Set(ids)].sort())) {
    const sql = `SELECT * FROM milestones WHERE id IN (${placeholders(chunk.length)}) ORDER BY id %FOR_UPDATE%`;
    rows.push(...(yield [sql, chunk]));
  }
  return rows;
}
