import type { Belief } from "../../base/numbers/log-normal.js";
import { type Page, type PageQuery, pageOf } from "../../base/lists/paging.js";
import { appendEvents } from "../../store/events/events.js";
import {
  anyEvidenceBefore,
  type ConsumedSums,
  consumedWithIds,
  deleteEvidence,
  evidenceByGroup,
  evidenceOf,
  evidenceOfPairs,
  type Fading,
  type PairEvidence,
  type WeighedEvidence,
} from "../../store/learning/evidence.js";
import { lockEvidence } from "../../store/lock-order.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import {
  asEvidence,
  durationBelief,
  type EvidenceLevels,
  judgedEvidence,
  NO_EVIDENCE,
  type SuccessBelief,
  successBelief,
} from "../belief/belief.js";
import { fading, idOfCommands } from "./observing.js";

/** The agent and the type of task that is asked about; without one of them: all. */
export interface LearnedOf {
  readonly agent?: string | undefined;
  readonly type?: string | undefined;
}

/** Evidence as it was observed, and the belief of the next attempt. */
export interface Believed<E extends WeighedEvidence> {
  readonly evidence: E;
  readonly success: SuccessBelief;
  readonly duration: Belief;
}

export interface Learned {
  /** All that is asked about, together. */
  readonly together: Believed<WeighedEvidence>;
  /** By agent and type, in that order. */
  readonly pairs: Page<Believed<PairEvidence>>;
  /** By the ids of pairs, where commands of their types were measured. */
  readonly consumed: ReadonlyMap<string, ConsumedSums>;
}

/** Returns what was learned of agents and types of tasks, weighed at this instant. */
export function* findLearned(ctx: EngineContext, { cursor, limit, ...asked }: LearnedOf & PageQuery): Tx<Learned> {
  const fades = fading(ctx);
  const evidence = yield* evidenceOf(asked, fades);
  const together = believed(evidence, yield* levelsOf(asked, evidence, fades));
  const found = yield* evidenceOfPairs({ ...asked, after: cursor, limit: limit + 1 }, fades);
  const { page, next } = pageOf(found, limit, ({ id }) => id);
  const agents = yield* evidenceByGroup("agent", unique(page.map(({ agent }) => agent)), fades);
  const types = yield* evidenceByGroup("type", unique(page.map(({ type }) => type)), fades);
  const pairs = page.map((pair) =>
    believed(pair, {
      pair: judgedEvidence(pair),
      agent: asEvidence(agents.get(pair.agent)),
      type: asEvidence(pair.type === "" ? undefined : types.get(pair.type)),
    }),
  );
  const ofCommands = page.flatMap(({ id, type }) => (id === idOfCommands(type) ? [id] : []));
  return { together, pairs: { page: pairs, next }, consumed: yield* consumedWithIds(ofCommands, fades) };
}

/** The evidence that a belief backs off to: where only an agent, or only a type, is asked about, that group is the narrowest. */
function* levelsOf({ agent, type }: LearnedOf, sums: WeighedEvidence, fades: Fading): Tx<EvidenceLevels> {
  const evidence = judgedEvidence(sums);
  if (agent === undefined) return { pair: NO_EVIDENCE, agent: NO_EVIDENCE, type: evidence };
  if (type === undefined) return { pair: NO_EVIDENCE, agent: evidence, type: NO_EVIDENCE };
  const [ofAgent, ofType] = [yield* evidenceOf({ agent }, fades), yield* evidenceOf({ type }, fades)];
  return { pair: evidence, agent: judgedEvidence(ofAgent), type: judgedEvidence(ofType) };
}

function believed<E extends WeighedEvidence>(evidence: E, levels: EvidenceLevels): Believed<E> {
  return { evidence, success: successBelief(levels), duration: durationBelief(levels) };
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

const FORGOTTEN_AT_ONCE_MAX = 500;

/**
 * Forgets what was learned of an agent, of a type, or of both together, a bounded number of rows. Returns how many; again until none is left.
 */
export function* forget(ctx: EngineContext, { agent, type }: LearnedOf): Tx<number> {
  const ids = yield* lockEvidence({ agent, type }, FORGOTTEN_AT_ONCE_MAX);
  const forgotten = ids.length;
  const data = { ...(agent !== undefined && { about: agent }), ...(type !== undefined && { type }), forgotten };
  if (forgotten === 0) return 0;
  yield* deleteEvidence(ids);
  yield* appendEvents(ctx, [{ type: "learning.forgotten", agent: ctx.caller.agent, data }]);
  return forgotten;
}

/**
 * Whether something was last learned longer ago than what has ended is kept: next to nothing of it is left. Nothing is where nothing fades.
 */
export function* anyFaded({ now, settings }: EngineContext): Tx<boolean> {
  return settings.learning_rate > 0 && (yield* anyEvidenceBefore(now - settings.retention_ms));
}

/** Removes a bounded number of such rows. */
export function* forgetFaded({ now, settings }: EngineContext): Tx<void> {
  const ids = yield* lockEvidence({ before: now - settings.retention_ms }, FORGOTTEN_AT_ONCE_MAX);
  if (ids.length > 0) yield* deleteEvidence(ids);
}
