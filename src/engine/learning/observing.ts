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
  readonly cost?: number | undefined;
}

/** Learns from the attempts of agents that a change has ended, and from verdicts on their work. */
export function* learnFromChange(ctx: EffectContext, { attempts, usages, verdicts }: RunOutcome): Tx<EffectResult> {
  if (!ctx.settings.learning_enabled) return NOTHING;
  const observed: Observed[] = [];
  for (const attempt of attempts) if (isTelling(attempt)) observed.push(observedOf(attempt, costOf(attempt, usages)));
  for (const { agent, type, quality } of verdicts) observed.push({ agent, type, success: quality, judged: true });
  yield* learn(ctx, observed);
  return NOTHING;
}

const NOTHING: EffectResult = {};

type OfAgent = EndedAttempt & { readonly agent: string };

/** A released or cancelled attempt says nothing of who had it. */
function isTelling(attempt: EndedAttempt): attempt is OfAgent {
  return attempt.agent !== null && attempt.outcome !== "released" && attempt.outcome !== "cancelled";
}

function costOf({ task }: EndedAttempt, usages: RunOutcome["usages"]): number | undefined {
  if (usages.length === 0) return undefined;
  const own = usages.filter((usage) => usage.task === task && usage.price !== "unknown");
  return own.length === 0 ? undefined : own.reduce((sum, { cost }) => sum + cost, 0);
}

/** A submitted attempt waits for its verdict: only its duration counts. */
function observedOf({ agent, type, outcome, submitted, durationMs }: OfAgent, cost: number | undefined): Observed {
  const hasSucceeded = outcome === "succeeded";
  return {
    agent,
    type,
    success: hasSucceeded ? (submitted ? undefined : 1) : 0,
    durationMs: hasSucceeded ? durationMs : undefined,
    cost,
  };
}

/** Adds observations to the evidence: one statement for up to 128 agents and types. */
export function* learn(ctx: TxContext & Pick<EffectContext, "settings">, observations: readonly Observed[]): Tx<void> {
  const rows = new Map<string, StoredEvidence>();
  for (const one of observations) {
    if (RESERVED_HANDLES.has(one.agent)) continue;
    const agent = learnedAs(one.agent);
    const id = `${agent}/${one.type}`;
    rows.set(id, plus(rows.get(id), one, { id, agent, type: one.type, updatedAt: ctx.now }));
  }
  if (rows.size === 0) return;
  const sorted = rows.size === 1 ? [...rows.values()] : [...rows.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
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

type Key = Pick<StoredEvidence, "id" | "agent" | "type" | "updatedAt">;

/** Returns the sums with one more observation. Each by its name: a spread in its place costs a completion 15 µs. */
function plus(
  before: StoredEvidence | undefined,
  observed: Observed,
  { id, agent, type, updatedAt }: Key,
): StoredEvidence {
  const { cost } = observed;
  const sums = added(before ?? NO_SUMS, observed);
  return {
    id,
    agent,
    type,
    successes: sums.successes,
    failures: sums.failures,
    durations: sums.durations,
    logSum: sums.logSum,
    logSquares: sums.logSquares,
    judged: sums.judged,
    quality: sums.quality,
    costs: (before?.costs ?? 0) + (cost === undefined ? 0 : 1),
    cost: (before?.cost ?? 0) + (cost ?? 0),
    observations: (before?.observations ?? 0) + 1,
    updatedAt,
  };
}
