import { rounded } from "../../base/numbers/rounding.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { findLearned } from "./learning.js";
import { correctedBy } from "../routing/scoring.js";

/** How good an agent is at an area, 0 to 1, and how many attempts, faded to now, say so. */
export interface Corrected {
  readonly value: number;
  readonly evidence: number;
}

const TYPES_MAX = 100;

/**
 * Returns what evidence makes of an agent's declared areas, and of the types of tasks that it has done, as `route_task` counts them. What it
 * declared and never did goes by all that it did.
 */
export function* correctedSpecialization(
  ctx: EngineContext,
  agent: string,
  declared: Readonly<Record<string, number>>,
): Tx<[string, Corrected][]> {
  const { together, pairs } = yield* findLearned(ctx, { agent, limit: TYPES_MAX });
  const shown = new Map(
    pairs.page.filter(({ evidence }) => evidence.type !== "").map((one) => [one.evidence.type, one]),
  );
  return [...new Set([...Object.keys(declared), ...shown.keys()])].toSorted().map((area) => {
    const pair = shown.get(area);
    const { alpha, beta } = pair?.success ?? together.success;
    const word = Object.hasOwn(declared, area) ? (declared[area] ?? null) : null;
    const { successes, failures } = pair?.evidence ?? { successes: 0, failures: 0 };
    return [area, { value: rounded(correctedBy({ alpha, beta }, word)), evidence: rounded(successes + failures) }];
  });
}
