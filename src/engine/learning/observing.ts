import { fadingPerMs } from "../../base/numbers/half-life.js";
import { addEvidence, type Fading, type StoredEvidence } from "../../store/learning/evidence.js";
import type { Tx, TxContext } from "../../store/tx.js";
import { EXECUTOR_PREFIX, RESERVED_HANDLES } from "../agents/agents.js";
import type { EffectContext, EffectResult, EndedAttempt, RunOutcome } from "../effect.js";
import { added, NO_SUMS, type Observation } from "../belief/belief.js";

/** One fact about an agent at a type of task. */
export interface Observed extends Observation {
  readonly agent: string;
  readonly type: string;
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

const NONE = { ...NO_SUMS, costs: 0, cost: 0, observations: 0 } as const;

function plus(sums: StoredEvidence, observed: Observed): StoredEvidence {
  const { cost } = observed;
  return {
    ...sums,
    ...added(sums, observed),
    costs: sums.costs + (cost === undefined ? 0 : 1),
    cost: sums.cost + (cost ?? 0),
    observations: sums.observations + 1,
  };
}
