import { bySize, manyIn, one, only, placeholders, text } from "../rows.js";
import type { Tx } from "../tx.js";
import { type Demand, LANE_FIELDS, type LaneHead, ORDER_KEYS } from "./lanes.js";

/** Reads of claims that meet tasks which run alone in their run. */

/** Returns the ids of those of these demands whose tasks run alone in their run. */
export function* demandsAlone(ids: readonly string[]): Tx<ReadonlySet<string>> {
  const rows = yield* manyIn(only("id", text), [...new Set(ids)], (chunk) => [
    `SELECT id FROM demands WHERE alone = 1 AND id IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
  return new Set(rows);
}

const FIRST_BESIDE = bySize(
  (size) => `SELECT ${LANE_FIELDS} FROM lanes b JOIN run_counters c ON c.run = b.run
    WHERE b.project = $1 AND b.demand = $2 AND b.open = 1 AND b.head IS NOT NULL AND ($3 = 0 OR c.running = 0)
      AND b.run NOT IN (${placeholders(size, 4)})
    ORDER BY b.bucket, b.latest_start, b.rank_order, b.head LIMIT 1`,
);

/** The best open lane of a demand in its project beside these runs, for tasks that run alone in a run that is idle. */
export function* firstLaneBeside(demand: Demand, runs: readonly string[]): Tx<LaneHead | undefined> {
  return yield* one(
    (row) => ({ demand, run: text(row, "run"), ...ORDER_KEYS.read(row) }),
    [FIRST_BESIDE(runs.length), [demand.project, demand.id, demand.alone ? 1 : 0, ...runs]],
  );
}
