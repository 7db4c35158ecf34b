import { SUPERVISION_TIERS, type SupervisionTier } from "../../base/statuses.js";
import { recentApprovals } from "../../store/approvals/approvals.js";
import type { Tx } from "../../store/tx.js";
import { liveAgents } from "../agents/agents.js";
import { approvalView, asTheyStand } from "../approvals/views.js";
import { rolesOf } from "../channels/addresses.js";
import type { EngineContext } from "../context.js";
import type { Project } from "../projects/projects.js";
import { listOpenReviews } from "../reviews/listing.js";
import { highestTier, rolesOfTier, tierOver } from "../supervision/tiers.js";

const AGENTS_SHOWN_MAX = 100;
const APPROVALS_SHOWN_MAX = 50;
const REVIEWS_SHOWN_MAX = 50;

interface SupervisedAgent {
  readonly agent: string;
  readonly tier: SupervisionTier;
  readonly roles: readonly string[];
}

/** Tiers with their roles and live agents, who supervises whom, open reviews, and the newest approvals of a project, those that wait for a decision first. */
export function* supervisionOf(ctx: EngineContext, project: Project) {
  const agents = yield* supervised(ctx, project);
  const approvals = yield* asTheyStand(yield* recentApprovals(project.id, APPROVALS_SHOWN_MAX));
  const open = approvals.filter(({ status }) => status === "open").toReversed();
  const others = approvals.filter(({ status }) => status !== "open");
  return {
    hierarchy: SUPERVISION_TIERS.toReversed().map((tier) => ({
      tier,
      // All roles that the tiers above do not have.
      roles: tier === "execution" ? ["*"] : [...rolesOfTier(project.config, tier)],
      agents: agents.filter((agent) => agent.tier === tier).map(({ agent, roles }) => ({ agent, roles: [...roles] })),
      supervised_by: supervisorsOf(tier, agents),
    })),
    reviews: yield* listOpenReviews({ project: project.id, limit: REVIEWS_SHOWN_MAX }),
    approvals: [...open, ...others].map(approvalView),
  };
}

function* supervised(ctx: EngineContext, { config }: Project): Tx<SupervisedAgent[]> {
  const live = (yield* liveAgents(ctx)).slice(0, AGENTS_SHOWN_MAX);
  return live.map((agent) => {
    const roles = rolesOf(agent);
    return { agent: agent.name, tier: highestTier(config, roles), roles };
  });
}

/** The live agents of the nearest tier above that has some, else a person. */
function supervisorsOf(tier: SupervisionTier, agents: readonly SupervisedAgent[]): string[] {
  for (let above = tierOver(tier); above !== "human"; above = tierOver(above)) {
    const found = agents.filter((agent) => agent.tier === above).map(({ agent }) => agent);
    if (found.length > 0) return found;
  }
  return ["human"];
}
