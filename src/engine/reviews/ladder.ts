import { REVIEW_TIERS, type ReviewTier } from "../../base/statuses.js";
import type { Review } from "../../store/reviews/reviews.js";
import type { ReviewPolicy } from "../../store/tasks/tasks.js";
import { rolesOfTier, type Supervised, tierOfRole } from "../supervision/tiers.js";

/** The role of a review that a person does. */
const HUMAN = "human";

/** The next review of a task. */
export interface NextReview {
  readonly tier: ReviewTier;
  /** Null for any agent of another connection, where a tier has no role. */
  readonly role: string | null;
  readonly round: number;
}

/**
 * The next review of a task, after those that were `decided`, of which `last` had the highest number: at the tier of the role that the step names, until that tier has asked for a
 * revision in each of its rounds; then at the tier above. A task that was decided begins anew.
 */
export function nextReview(
  config: Supervised,
  policy: ReviewPolicy,
  { decided, last }: { readonly decided: readonly Review[]; readonly last: number },
): NextReview {
  const own = policy.by === HUMAN ? HUMAN : tierOfRole(config, policy.by);
  const since = decided.slice(
    decided.findLastIndex(({ verdict, binding }) => binding && verdict !== "revise" && verdict !== null) + 1,
  );
  const revised = since.filter(({ verdict, binding }) => binding && verdict === "revise");
  const tiers = REVIEW_TIERS.slice(REVIEW_TIERS.indexOf(own));
  const tier = tiers.find((one) => revised.filter((review) => review.tier === one).length < policy.max_rounds) ?? HUMAN;
  return { tier, role: tier === own && own !== HUMAN ? policy.by : roleOf(config, tier), round: last + 1 };
}

function roleOf(config: Supervised, tier: ReviewTier): string | null {
  if (tier === "human" || tier === "execution") return null;
  return rolesOfTier(config, tier)[0] ?? null;
}
