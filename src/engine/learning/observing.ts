import { fadingPerMs } from "../../base/numbers/half-life.js";
import { addEvidence, type Fading, type StoredEvidence } from "../../store/learning/evidence.js";
import type { Tx, TxContext } from "../../store/tx.js";
import { EXECUTOR_PREFIX, RESERVED_HANDLES } from "../agents/agents.js";
import type { EffectContext, EffectResult, EndedAttempt, RunOutcome } from "../effect.js";

/** One fact about an agent at a type of task. */
export interface Observed {
  readonly agent: string;
  readonly type: string;
  /** From 0, a failure, to 1. Without it nothing is said of success. */
  readonly success?: number;
  /** Whether a review or feedback said so: then it counts as quality too. */
  readonly judged?: boolean;
  readonly durationMs?: number;
  /** In millionths of a US dollar. */
  readonly cost?: number;
}

/** Learns from the attempts of agents that a change has ended, and from verdicts on their work. */
export function* learnFromChange(ctx: EffectContext, { attempts, usages, verdicts }: RunOutcome): Tx<EffectResult> {
  if (!ctx.settings.learning_enabled) return {};
  const observed = attempts.flatMap((attempt) => {
    const own = usages.filter(({ task, price }) => task === attempt.task && price !== "unknown");
    return observedOf(attempt, own.length === 0 ? undefined : own.reduce((sum, { cost }) => sum + cost, 0));
  });
  const judged = verdicts.map(({ agent, type, quality }) => ({ agent, type, success: quality, judged: true }));
  yield* learn(ctx, [...observed, ...judged]);
  return {};
}

/** A released or cancelled attempt says nothing of who had it; a submitted one waits for its verdict. */
function observedOf(
  { agent, type, outcome, submitted, durationMs }: EndedAttempt,
  cost: number | undefined,
): Observed[] {
  if (agent === null || outcome === "released" || outcome === "cancelled") return [];
  const paid = cost === undefined ? {} : { cost };
  if (outcome !== "succeeded") return [{ agent, type, success: 0, ...paid }];
  return [{ agent, type, durationMs, ...paid, ...(submitted ? {} : { success: 1 }) }];
}

/** Adds observations to the evidence: one statement for up to 128 agents and types. */
export function* learn(ctx: TxContext & Pick<EffectContext, "settings">, observations: readonly Observed[]): Tx<void> {
  const rows = new Map<string, StoredEvidence>();
  for (const one of observations) {
    if (RESERVED_HANDLES.has(one.agent)) continue;
    const agent = learnedAs(one.agent);
    const id = `${agent}/${one.type}`;
    const before = rows.get(id) ?? { ...NONE, id, agent, type: one.type, updatedAt: ctx.now };
    rows.set(id, plus(before, one));
  }
  if (rows.size === 0) return;
  const sorted = [...rows.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  yield* addEvidence(sorted, fading(ctx).perMs);
}

/** How evidence weighs at the instant of a context. */
export function fading({ now, settings }: Pick<EffectContext, "now" | "settings">): Fading {
  return { now, perMs: fadingPerMs(settings.learning_rate) };
}

/** The name under which an agent is learned of: processes that run commands and tools come and go, and are one. */
export function learnedAs(agent: string): string {
  return agent.startsWith(EXECUTOR_PREFIX) ? "executor" : agent;
}

const NONE = {
  successes: 0,
  failures: 0,
  durations: 0,
  logSum: 0,
  logSquares: 0,
  judged: 0,
  quality: 0,
  costs: 0,
  cost: 0,
  observations: 0,
} as const;

function plus(sums: StoredEvidence, { success, judged, durationMs, cost }: Observed): StoredEvidence {
  const log = durationMs === undefined ? 0 : Math.log(Math.max(1, durationMs));
  return {
    ...sums,
    successes: sums.successes + (success ?? 0),
    failures: sums.failures + (success === undefined ? 0 : 1 - success),
    durations: sums.durations + (durationMs === undefined ? 0 : 1),
    logSum: sums.logSum + log,
    logSquares: sums.logSquares + log ** 2,
    judged: sums.judged + (judged === true ? 1 : 0),
    quality: sums.quality + (judged === true ? (success ?? 0) : 0),
    costs: sums.costs + (cost === undefined ? 0 : 1),
    cost: sums.cost + (cost ?? 0),
    observations: sums.observations + 1,
  };
}
