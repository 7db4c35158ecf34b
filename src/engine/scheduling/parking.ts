import * as lanes from "../../store/scheduling/lanes.js";
import { lockRuns } from "../../store/lock-order.js";
import { RestartTransaction, type Tx } from "../../store/tx.js";

/**
 * Locks, in order, the runs that have tasks parked on these lock requests, and the others named. To be called after the
 * project's row is locked and before any agent's: unparking changes lanes of those runs.
 */
export function* lockRunsParkedOn(requests: readonly string[], also: readonly string[] = []): Tx<ReadonlySet<string>> {
  const locked = new Set([...also, ...(yield* lanes.runsParkedOn(requests))]);
  yield* lockRuns([...locked]);
  return locked;
}

/**
 * Brings back what was parked on lock requests that are gone. Errors: `RestartTransaction` when a run appears that was not
 * among the locked ones (another claim parked it meanwhile; parking needs the project's row, so this is rare).
 */
export function* unpark(requests: readonly string[], locked?: ReadonlySet<string>): Tx<void> {
  if (requests.length === 0) return;
  for (const lane of yield* lanes.unparkScopes(requests)) {
    if (locked && !locked.has(lane.run)) throw new RestartTransaction(`run ${lane.run} is parked on a freed lock`);
    yield* lanes.refreshFromScopes(lane);
  }
}
