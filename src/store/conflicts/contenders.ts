import { many, text } from "../rows.js";
import { columns, type RowOf } from "../tables.js";
import type { Tx } from "../tx.js";
import { NO_DEADLINE, type Task, TASKS } from "../tasks/tasks.js";

// Reads of the tasks that may be in each other's way: each is looked at on request alone.

export interface ContendingTasks {
  readonly project: string;
  readonly run?: string | undefined;
  readonly limit: number;
}

const AMONG = `t.run IN (SELECT id FROM runs WHERE project = $1 AND ended_at IS NULL AND ($2 = '' OR id = $2))`;

/** Tasks of open runs that are to be done or under way and declare files, in the order of claims. */
export function* tasksWithFiles({ project, run = "", limit }: ContendingTasks): Tx<Task[]> {
  return yield* many(TASKS.read, [
    `SELECT ${TASKS.columnsOf("t")} FROM tasks t WHERE ${AMONG} AND t.scope <> '' AND t.status IN ('pending', 'ready', 'running')
     ORDER BY t.bucket, t.latest_start, t.rank_order, t.id LIMIT $3`,
    [project, run, limit],
  ]);
}

/** Tasks with a deadline, of their own or their run's, that are ready or under way, in the order of claims. */
export function* tasksWithDeadlines({ project, run = "", limit }: ContendingTasks): Tx<Task[]> {
  return yield* many(TASKS.read, [
    `SELECT ${TASKS.columnsOf("t")} FROM tasks t WHERE ${AMONG} AND (t.close_by IS NOT NULL OR t.latest_start < ${NO_DEADLINE})
       AND t.status IN ('ready', 'running') ORDER BY t.bucket, t.latest_start, t.rank_order, t.id LIMIT $3`,
    [project, run, limit],
  ]);
}

const PLACED = columns({ workTree: text });
/** A task under way over a session that works in a git work tree. */
export type TaskInWorkTree = Task & RowOf<typeof PLACED>;

export interface WorkTreeTasks {
  readonly host: string;
  readonly project: string;
  /** Of its worktrees' projects. */
  readonly repository: string | null;
  readonly limit: number;
}

/** Tasks of agents under way in work trees of a machine, of a project and the others of its repository, by work tree, the oldest first. */
export function* tasksInWorkTrees({ host, project, repository, limit }: WorkTreeTasks): Tx<TaskInWorkTree[]> {
  return yield* many(
    (row) => ({ ...TASKS.read(row), ...PLACED.read(row) }),
    [
      `SELECT ${TASKS.columnsOf("t")}, s.work_tree FROM tasks t JOIN sessions s ON s.id = t.session
       WHERE t.agent IS NOT NULL AND t.status = 'running' AND t.kind = 'agent' AND s.host = $1 AND s.work_tree IS NOT NULL
         AND t.project IN (SELECT id FROM projects WHERE status = 'active' AND (id = $2 OR repository = $3))
       ORDER BY s.work_tree, t.started_at, t.id LIMIT $4`,
      [host, project, repository, limit],
    ],
  );
}

const PARKED = columns({ parkedOn: text });
/** A ready task that waits for the lock of a request. */
export interface ParkedTask extends RowOf<typeof PARKED> {
  readonly task: Task;
}

/** Ready tasks of a project that locks keep back, in the order of claims. */
export function* parkedTasks({ project, run = "", limit }: ContendingTasks): Tx<ParkedTask[]> {
  return yield* many(
    (row) => ({ ...PARKED.read(row), task: TASKS.read(row) }),
    [
      `SELECT ${TASKS.columnsOf("t")}, s.parked_on FROM scope_lanes s
         JOIN tasks t ON t.run = s.run AND t.demand = s.demand AND t.scope = s.scope AND t.status = 'ready'
       WHERE s.parked_on IS NOT NULL AND ${AMONG} ORDER BY t.bucket, t.latest_start, t.rank_order, t.id LIMIT $3`,
      [project, run, limit],
    ],
  );
}
