import { int, only, sole } from "../rows.js";
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
