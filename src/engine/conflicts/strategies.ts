import type { ConflictKind, ConflictStrategy } from "../../base/statuses.js";
import type { StrategyEvidence } from "../../store/conflicts/strategies.js";
import { sampledBeta, type Uniform } from "../routing/sampling.js";

/** A task or request that goes before or after another. */
export interface Contender {
  /** Id of the task or of the request. */
  readonly id: string;
  /** Key of the task, or handle of the agent that requests. */
  readonly name: string;
  readonly priority: number;
  readonly deadline: number | null;
  /** Expected time of the longest chain of work that begins with it. */
  readonly chainMs: number;
  readonly remainingMs: number;
  /** Since when it is there. */
  readonly since: number;
}

/** A strategy that decides by itself: adaptive chooses one of them. */
export type FixedStrategy = Exclude<ConflictStrategy, "adaptive">;

/** The strategies that can resolve a conflict of a kind; of an edit without a lock there is none. */
export const APPLICABLE: Readonly<Record<ConflictKind, readonly FixedStrategy[]>> = {
  lock_contention: [
    "prioritize_critical",
    "protect_dependency_chain",
    "earliest_deadline",
    "shortest_first",
    "queue",
    "share",
  ],
  overlapping_scopes: [
    "prioritize_critical",
    "protect_dependency_chain",
    "earliest_deadline",
    "shortest_first",
    "queue",
  ],
  wait_cycle: ["prioritize_critical", "protect_dependency_chain", "earliest_deadline", "shortest_first", "queue"],
  deadline: ["prioritize_critical", "protect_dependency_chain", "earliest_deadline", "shortest_first", "rebalance"],
  resources: ["queue"],
  unlocked_edit: [],
  merge: ["prioritize_critical", "protect_dependency_chain", "earliest_deadline", "shortest_first", "queue"],
};

const MEASURES: Readonly<Record<FixedStrategy, readonly [value: (one: Contender) => number, words: string]>> = {
  prioritize_critical: [({ priority }) => -priority, "has the highest priority"],
  protect_dependency_chain: [({ chainMs }) => -chainMs, "has the longest chain of work behind it"],
  earliest_deadline: [({ deadline }) => deadline ?? Infinity, "has the earliest deadline"],
  shortest_first: [({ remainingMs }) => remainingMs, "is done soonest"],
  queue: [({ since }) => since, "was there first"],
  share: [({ since }) => since, "was there first"],
  rebalance: [({ since }) => since, "was there first"],
};

/** Returns who goes first, in order; among equals it is who was there first. */
export function inOrder(strategy: FixedStrategy, contenders: readonly Contender[]): Contender[] {
  const [valueOf] = MEASURES[strategy];
  return contenders.toSorted((a, b) => compared(valueOf(a), valueOf(b)) || a.since - b.since || compared(a.id, b.id));
}

function compared<T>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Why the first of these goes first. */
export function reasonOf(strategy: FixedStrategy, contenders: readonly Contender[]): string {
  const [first, second] = inOrder(strategy, contenders);
  if (first === undefined) return "it is served in order";
  const [valueOf, words] = MEASURES[strategy];
  const isEqual = second !== undefined && valueOf(first) === valueOf(second);
  return isEqual ? `${first.name} was there first: by ${strategy} they are equal` : `${first.name} ${words}`;
}

const LEVEL = 25;

/** Whether who waits is to take what the other holds: by a level of priority, a chain twice as long, or a deadline that waiting would miss. */
export function outranks(
  strategy: FixedStrategy,
  { first, holder }: { readonly first: Contender; readonly holder: Contender },
  now: number,
): boolean {
  if (strategy === "prioritize_critical") return first.priority >= holder.priority + LEVEL;
  if (strategy === "protect_dependency_chain") return first.chainMs >= 2 * holder.chainMs;
  if (strategy !== "earliest_deadline" || first.deadline === null) return false;
  const isTooLate = now + holder.remainingMs + first.remainingMs > first.deadline;
  return isTooLate && (holder.deadline === null || first.deadline < holder.deadline);
}

/** The other strategies of a kind under which another goes first. */
export function alternativesTo(
  strategy: FixedStrategy,
  kind: ConflictKind,
  contenders: readonly Contender[],
): string[] {
  const [first] = inOrder(strategy, contenders);
  return APPLICABLE[kind].flatMap((other) => {
    // Neither puts the contenders in an order.
    if (other === "share" || other === "rebalance") return [];
    const [its] = inOrder(other, contenders);
    const [valueOf] = MEASURES[other];
    return first !== undefined && its !== undefined && valueOf(its) < valueOf(first)
      ? [`${other}: ${reasonOf(other, contenders)}`]
      : [];
  });
}

/**
 * Chooses a strategy for a conflict of a kind by what came of earlier ones: Thompson sampling over a Beta distribution of the share of the
 * time that was not lost. Without chance it is the best mean.
 */
export function chosenStrategy(
  kind: ConflictKind,
  evidence: readonly Pick<StrategyEvidence, "kind" | "strategy" | "successes" | "failures">[],
  uniform: Uniform | undefined,
): FixedStrategy | undefined {
  const values = APPLICABLE[kind].map((strategy) => {
    const known = evidence.find((one) => one.kind === kind && one.strategy === strategy);
    const alpha = 1 + (known?.successes ?? 0) / 1000;
    const beta = 1 + (known?.failures ?? 0) / 1000;
    return { strategy, value: uniform ? sampledBeta({ alpha, beta }, uniform) : alpha / (alpha + beta) };
  });
  return values.reduce<(typeof values)[number] | undefined>((a, b) => (a && a.value >= b.value ? a : b), undefined)
    ?.strategy;
}

/** The share of a time that was not lost, in thousandths: what the work was to take, over what passed until it had ended. */
export function successOf({
  expectedMs,
  elapsedMs,
}: {
  readonly expectedMs: number;
  readonly elapsedMs: number;
}): number {
  return Math.round(1000 * Math.min(1, Math.max(1, expectedMs) / Math.max(1, elapsedMs)));
}
