import { countRunsByStatus } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import type { Figure, Figures } from "./targets.js";

/** Figures of what is recorded: runs that are kept. */
export function* recordedFigures(): Tx<Figures> {
  const rate = completionRate(yield* countRunsByStatus());
  return rate === undefined ? {} : { workflow_completion_rate: { ...rate, source: "history" } };
}

/** The share of ended runs that succeeded; those that were cancelled on purpose do not count. Undefined where none has ended. */
export function completionRate(runs: Readonly<Record<string, number>>): Omit<Figure, "source"> | undefined {
  const { succeeded = 0, failed = 0, compensating = 0, compensated = 0 } = runs;
  const sample = succeeded + failed + compensating + compensated;
  return sample === 0 ? undefined : { value: succeeded / sample, sample };
}
