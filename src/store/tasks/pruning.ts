import { TASKS } from "./tasks.js";
import { many, chunksOf, placeholders } from "../rows.js";
import type { RowOf } from "../tables.js";
import type { Tx } from "../tx.js";

const SETTLED = TASKS.pick("id", "status", "estimateMs");
export interface SettledTask extends RowOf<typeof SETTLED> {}

/** Tasks of a run that ended before an instant and that no open task depends on, oldest first. Reads the run's tasks. */
export function* settledTasks(wanted: { run: string; before: number; limit: number }): Tx<SettledTask[]> {
  return yield* many(SETTLED.read, [
    `SELECT ${SETTLED.columnsOf("t")} FROM tasks t WHERE t.run = $1 AND t.ended_at IS NOT NULL AND t.ended_at < $2
       AND t.status <> 'blocked' AND NOT EXISTS (
         SELECT 1 FROM dependencies d JOIN tasks o ON o.id = d.task WHERE d.dependency = t.id AND o.ended_at IS NULL)
     ORDER BY t.id LIMIT $3`,
    [wanted.run, wanted.before, wanted.limit],
  ]);
}

// Each for a list of ids in place of LIST.
const REMOVE = [
  `DELETE FROM events WHERE seq IN (
    SELECT seq FROM %RUN_EVENTS% IN (SELECT run FROM tasks WHERE id IN (LIST)) AND task IN (LIST))`,
  "DELETE FROM attempts WHERE task IN (LIST)",
  "DELETE FROM dependencies WHERE task IN (LIST) OR dependency IN (LIST)",
  "DELETE FROM task_specs WHERE task IN (LIST)",
  "DELETE FROM askings WHERE task IN (LIST)",
  "DELETE FROM review_bases WHERE task IN (LIST)",
  "DELETE FROM reviews WHERE id IN (LIST)",
  "DELETE FROM dead_letters WHERE run IN (SELECT run FROM tasks WHERE id IN (LIST)) AND task IN (LIST)",
  "DELETE FROM message_acks WHERE seq IN (SELECT seq FROM messages WHERE task IN (LIST))",
  "DELETE FROM messages WHERE task IN (LIST)",
  "DELETE FROM handoffs WHERE run IN (SELECT run FROM tasks WHERE id IN (LIST)) AND task IN (LIST)",
  "DELETE FROM escalations WHERE run IN (SELECT run FROM tasks WHERE id IN (LIST)) AND task IN (LIST)",
  "DELETE FROM approvals WHERE task IN (LIST)",
  "DELETE FROM deliveries WHERE run IN (SELECT run FROM tasks WHERE id IN (LIST)) AND task IN (LIST)",
  "UPDATE artifact_contents SET unused = 1 WHERE hash IN (SELECT hash FROM artifacts WHERE task IN (LIST))",
  "DELETE FROM artifacts WHERE task IN (LIST)",
  "DELETE FROM tasks WHERE id IN (LIST)",
];

/** Removes tasks with their attempts, edges and history. */
export function* deleteTasks(ids: readonly string[]): Tx<void> {
  for (const chunk of chunksOf(ids)) {
    const list = placeholders(chunk.length);
    for (const sql of REMOVE) yield [sql.replaceAll("LIST", list), chunk];
  }
}
