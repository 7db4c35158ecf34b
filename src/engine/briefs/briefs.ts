import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { headOf } from "./head.js";
import { type BriefSubject, readFacts } from "./facts.js";
import { filesOf } from "./files.js";
import { type FittedBrief, fitBrief } from "./fitting.js";
import { decisionsOf, handoffsOf } from "./decisions.js";
import { changesOf, failuresOf, workOf } from "./work.js";
import { openOf } from "./open.js";
import { reviewedOf } from "./reviewed.js";

export const BRIEF_TOKENS = { min: 200, default: 2_000, max: 20_000 } as const;

/**
 * Words a brief about a task or a run from recorded facts: for an agent that takes it over, or whose context was compacted. A query.
 * Errors: `not_found`.
 */
export function* getBrief(ctx: EngineContext, subject: BriefSubject, tokensMax: number): Tx<FittedBrief> {
  const facts = yield* readFacts(ctx, subject);
  const sections = [openOf, failuresOf, decisionsOf, reviewedOf, handoffsOf, workOf, filesOf, changesOf].map((of) =>
    of(facts),
  );
  return fitBrief(headOf(facts), sections, tokensMax);
}
