import { hit, int, many, text } from "../rows.js";
import { columns, type RowOf } from "../tables.js";
import type { Tx } from "../tx.js";

/** Tasks that have not begun; one that waits for its retry has. */
const NOT_BEGUN =
  "(status = 'pending' AND available_at IS NULL) OR status = 'blocked' OR status = 'skipped' OR status = 'cancelled'";
const ENDED =
  "status = 'succeeded' OR status = 'skipped' OR status = 'cancelled' OR status = 'blocked' OR status = 'dead_letter'";

/** Returns those of some phases of a run of which no task has begun. */
export function* phasesNotBegun(run: string, phases: ReadonlySet<string>): Tx<string[]> {
  const found: string[] = [];
  for (const phase of phases) {
    // sql: the constant above.
    const begun = yield* hit([
      `SELECT id FROM tasks WHERE run = $1 AND phase = $2 AND NOT (${NOT_BEGUN}) LIMIT 1`,
      [run, phase],
    ]);
    if (!begun) found.push(phase);
  }
  return found;
}

const PHASES = columns({ phase: text, tasks: int, begun: int, ended: int });
/** A phase of a run, with how many of its tasks have begun and have ended. */
export interface Phase extends RowOf<typeof PHASES> {}

/** The phases of a run, in the order in which they were made. */
export function* phasesOf(run: string, limit: number): Tx<Phase[]> {
  // sql: the constants above, and columns.
  return yield* many(PHASES.read, [
    `SELECT phase, count(*) AS tasks, CAST(sum(CASE WHEN NOT (${NOT_BEGUN}) THEN 1 ELSE 0 END) AS BIGINT) AS begun,
       CAST(sum(CASE WHEN ${ENDED} THEN 1 ELSE 0 END) AS BIGINT) AS ended
     FROM tasks WHERE run = $1 AND phase IS NOT NULL GROUP BY phase ORDER BY min(id) LIMIT $2`,
    [run, limit],
  ]);
}
