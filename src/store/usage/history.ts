import { int, many, placeholders, text, textOrNull } from "../rows.js";
import { columns, named, type RowOf } from "../tables.js";
import type { Tx } from "../tx.js";

const PAST = columns({
  task: text,
  key: text,
  role: textOrNull,
  model: textOrNull,
  inputTokens: int,
  outputTokens: int,
  cachedTokens: int,
  cacheWriteTokens: int,
  cost: named("cost_micros", int),
  price: text,
  /** State in which the task has ended, its failed attempts, and the reviews that asked for a revision. */
  status: text,
  failures: int,
  revisions: int,
});
/** Use of a model for a task that has ended. */
export interface PastUsage extends RowOf<typeof PAST> {}

const COLUMNS = `u.task, t.key, u.role, u.model, u.input_tokens, u.output_tokens, u.cached_tokens, u.cache_write_tokens,
  u.cost_micros, u.price, t.status, t.failures,
  (SELECT count(*) FROM reviews r WHERE r.task = t.id AND r.verdict = 'revise') AS revisions`;
// The task's state decides, so that what an attempt in progress has used so far is not taken for all that it needs.
const OF_ENDED = "JOIN tasks t ON t.id = u.task AND t.status IN ('succeeded', 'dead_letter')";

/** A query for records of ended tasks, without tasks that have older ones than those: half of a task's use is not what a task costs. */
function wholeTasksOf(records: string): string {
  // sql: columns and conditions are those of this file.
  return `WITH newest AS MATERIALIZED (${records})
    SELECT ${COLUMNS} FROM newest u ${OF_ENDED}
    WHERE NOT EXISTS (SELECT 1 FROM usage_records o WHERE o.run = u.run AND o.task = u.task AND o.id < (SELECT min(id) FROM newest))`;
}

/** Returns the newest records of tasks that have ended: those among the newest of all, and the newest of each role. */
export function* pastUsage(
  roles: readonly string[],
  { all, perRole }: { all: number; perRole: number },
): Tx<PastUsage[]> {
  // sql: columns and conditions are those of this file.
  const newest = yield* many(PAST.read, [wholeTasksOf("SELECT * FROM usage_records ORDER BY id DESC LIMIT $1"), [all]]);
  const seen = new Set(newest.map(({ task }) => task));
  const found = [...newest];
  for (const role of roles) {
    const own = yield* many(PAST.read, [
      // sql: the same.
      wholeTasksOf("SELECT * FROM usage_records WHERE role = $1 ORDER BY at DESC, id DESC LIMIT $2"),
      [role, perRole],
    ]);
    found.push(...own.filter(({ task }) => !seen.has(task)));
  }
  return found;
}

const OPEN = columns({ key: text, role: textOrNull, spent: int });
/** An open task that an agent does, with what was reported of it so far, in millionths of a US dollar. */
export interface OpenWork extends RowOf<typeof OPEN> {}

/** Returns the open tasks of runs that agents do, in the order in which they were made. */
export function* openWork(runs: readonly string[], limit: number): Tx<OpenWork[]> {
  // sql: placeholders alone.
  return yield* many(OPEN.read, [
    `SELECT t.key, t.role, CAST(COALESCE(s.spent, 0) AS BIGINT) AS spent FROM tasks t
       LEFT JOIN (SELECT task, sum(cost_micros) AS spent FROM usage_records WHERE run IN (${placeholders(runs.length, 2)})
         AND task IS NOT NULL GROUP BY task) s ON s.task = t.id
       WHERE t.run IN (${placeholders(runs.length, 2)}) AND t.ended_at IS NULL AND t.kind IN ('agent', 'plan') ORDER BY t.id LIMIT $1`,
    [limit, ...runs],
  ]);
}
