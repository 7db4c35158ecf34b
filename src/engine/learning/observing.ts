import { fadingPerMs } from "../../base/numbers/half-life.js";
import {
  addCommandEvidence,
  addEvidence,
  type CommandEvidence,
  EXECUTOR,
  type Fading,
  type StoredEvidence,
} from "../../store/learning/evidence.js";
import type { Tx, TxContext } from "../../store/tx.js";
import { EXECUTOR_PREFIX, RESERVED_HANDLES } from "../agents/agents.js";
import type { Consumption, EffectContext, EffectResult, EndedAttempt, RunOutcome } from "../effect.js";
import { MEMORY_EXCEEDED } from "../usage/consumption.js";
import { added, NO_SUMS, type Observation } from "../belief/belief.js";

/** One fact about an agent at a type of task. */
export interface Observed extends Observation {
  readonly agent: string;
  readonly type: string;
  /** In millionths of a US dollar. */
  readonly cost?: number | undefined;
  /** Memory and processor time of a command. */
  readonly consumed?: Consumption | undefined;
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
function observedOf(attempt: OfAgent, cost: number | undefined): Observed {
  const { agent, type, submitted, durationMs, consumed, errorType } = attempt;
  if (attempt.outcome === "succeeded")
    return { agent, type, success: submitted ? undefined : 1, durationMs, cost, consumed };
  // A command that had too much memory needs at least so much; any other failure may have come before it needed anything.
  const needed = errorType === MEMORY_EXCEEDED ? { memoryBytes: consumed?.memoryBytes } : undefined;
  return { agent, type, success: 0, cost, consumed: needed };
}

/** Adds observations to the evidence: one statement for up to 128 agents and types, and one for commands. */
export function* learn(ctx: TxContext & Pick<EffectContext, "settings">, observations: readonly Observed[]): Tx<void> {
  const ofAgents = new Map<string, StoredEvidence>();
  const ofCommands = new Map<string, CommandEvidence>();
  for (const one of observations) {
    if (RESERVED_HANDLES.has(one.agent)) continue;
    const agent = learnedAs(one.agent);
    const id = `${agent}/${one.type}`;
    const key = { id, agent, type: one.type, updatedAt: ctx.now };
    if (agent === EXECUTOR) ofCommands.set(id, withConsumed(ofCommands.get(id), one, key));
    else ofAgents.set(id, plus(ofAgents.get(id), one, key));
  }
  const { perMs } = fading(ctx);
  yield* addEvidence(inOrder(ofAgents), perMs);
  yield* addCommandEvidence(inOrder(ofCommands), perMs);
}

function inOrder<E extends StoredEvidence>(rows: ReadonlyMap<string, E>): E[] {
  return [...rows.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** How evidence weighs at the instant of a context. */
export function fading({ now, settings }: Pick<EffectContext, "now" | "settings">): Fading {
  return { now, perMs: fadingPerMs(settings.learning_rate) };
}

/** The name under which an agent is learned of. */
export function learnedAs(agent: string): string {
  return agent.startsWith(EXECUTOR_PREFIX) ? EXECUTOR : agent;
}

/** The id of the evidence of what the commands of a type have taken. */
export function idOfCommands(type: string): string {
  return `${EXECUTOR}/${type}`;
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

const NOTHING_CONSUMED = {
  memories: 0,
  memoryLogSum: 0,
  memoryLogSquares: 0,
  cpus: 0,
  cpuLogSum: 0,
  cpuLogSquares: 0,
  coresSum: 0,
  coresSquares: 0,
} as const;

/** Returns the sums of the processes that run commands, with one more; what an agent says of a command that it ran is no measurement. */
function withConsumed(before: CommandEvidence | undefined, observed: Observed, key: Key): CommandEvidence {
  const { memoryBytes, cpuMs, cores = 0 } = observed.consumed ?? {};
  const sums = { ...NOTHING_CONSUMED, ...before, ...plus(before, observed, key) };
  const [memory, cpu] = [logOf(memoryBytes), logOf(cpuMs)];
  return {
    ...sums,
    ...(memory !== undefined && {
      memories: sums.memories + 1,
      memoryLogSum: sums.memoryLogSum + memory,
      memoryLogSquares: sums.memoryLogSquares + memory ** 2,
    }),
    ...(cpu !== undefined && {
      cpus: sums.cpus + 1,
      cpuLogSum: sums.cpuLogSum + cpu,
      cpuLogSquares: sums.cpuLogSquares + cpu ** 2,
      coresSum: sums.coresSum + cores,
      coresSquares: sums.coresSquares + cores ** 2,
    }),
  };
}

function logOf(amount: number | undefined): number | undefined {
  return amount === undefined ? undefined : Math.log(Math.max(1, amount));
}
