import { type Page, type PageQuery, pageOf } from "../../base/lists/paging.js";
import { appendEvents } from "../../store/events/events.js";
import {
  deleteEvidence,
  evidenceOf,
  evidenceOfPairs,
  type PairEvidence,
  type WeighedEvidence,
} from "../../store/learning/evidence.js";
import { lockEvidence } from "../../store/lock-order.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { fading } from "./observing.js";

/** The agent and the type of task that is asked about; without one of them: all. */
export interface LearnedOf {
  readonly agent?: string | undefined;
  readonly type?: string | undefined;
}

export interface Learned {
  /** All that is asked about, together. */
  readonly together: WeighedEvidence;
  /** By agent and type, in that order. */
  readonly pairs: Page<PairEvidence>;
}

/** Returns what was learned of agents and types of tasks, weighed at this instant. */
export function* findLearned(ctx: EngineContext, { cursor, limit, ...asked }: LearnedOf & PageQuery): Tx<Learned> {
  const fades = fading(ctx);
  const together = yield* evidenceOf(asked, fades);
  const found = yield* evidenceOfPairs({ ...asked, after: cursor, limit: limit + 1 }, fades);
  return { together, pairs: pageOf(found, limit, ({ id }) => id) };
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

/** Removes what was last learned longer ago than what has ended is kept, a bounded number of rows: next to nothing of it is left. */
export function* forgetFaded({ now, settings }: EngineContext): Tx<void> {
  const ids = yield* lockEvidence({ before: now - settings.retention_ms }, FORGOTTEN_AT_ONCE_MAX);
  if (ids.length > 0) yield* deleteEvidence(ids);
}
