import { int, many, only, placeholders, sole, text } from "../rows.js";
import type { Tx } from "../tx.js";

/** Keeps other transactions from recording usage until this one ends, so that a sum of it stays true. */
export function* holdUsage(): Tx<void> {
  yield ["%HOLD_USAGE%", []];
}

const COST = only("cost", int);
const SUM = "SELECT COALESCE(CAST(sum(cost_micros) AS BIGINT), 0) AS cost FROM usage_records";

/** Returns the cost of all usage in a project, of an agent, or of all, in millionths of a US dollar. */
export function* recordedCost({
  project,
  agent,
}: {
  project?: string | undefined;
  agent?: string | undefined;
}): Tx<number> {
  if (project !== undefined) return yield* sole(COST, [`${SUM} WHERE project = $1`, [project]]);
  if (agent !== undefined) return yield* sole(COST, [`${SUM} WHERE agent = $1`, [agent]]);
  return yield* sole(COST, [SUM, []]);
}

/** Returns the cost of all usage in each of these projects that has any, in millionths of a US dollar. */
export function* costsOfProjects(ids: readonly string[]): Tx<Map<string, number>> {
  if (ids.length === 0) return new Map();
  // sql: placeholders alone.
  const rows = yield* many(
    (row) => [text(row, "project"), int(row, "cost")] as const,
    [
      `SELECT project, CAST(sum(cost_micros) AS BIGINT) AS cost FROM usage_records WHERE project IN (${placeholders(ids.length)}) GROUP BY project`,
      ids,
    ],
  );
  return new Map(rows);
}

/** Removes records of no run that are older than an instant: those of a run go with it. */
export function* deleteOldUsage(before: number): Tx<void> {
  yield ["DELETE FROM usage_records WHERE run IS NULL AND at < $1", [before]];
}
