import { ESCALATION_TIERS, type EscalationTier, type EscalationType } from "../../base/statuses.js";
import type { Settings } from "../../base/settings.js";
import { PRIORITIES } from "../scheduling/order.js";

/** The decision that is taken where none comes in time: the cautious choice. */
export const DEFAULT_DECISIONS = {
  gate_approval: "reject",
  budget_override: "reject",
  security_review: "reject",
  error_resolution: "retry",
  ambiguous_requirement: "pause",
  quality_concern: "reject",
  sensitive_data: "reject",
} as const satisfies Record<EscalationType, "reject" | "retry" | "pause">;

/** The tier at which an escalation begins. */
export function firstTier({ critical_always_human }: Settings, priority: number): EscalationTier {
  return critical_always_human && priority >= PRIORITIES.critical ? "human" : "agent";
}

/** The tier above; undefined above a person. */
export function tierAbove(tier: EscalationTier): EscalationTier | undefined {
  return ESCALATION_TIERS[ESCALATION_TIERS.indexOf(tier) + 1];
}

export function timeOf(settings: Settings, tier: EscalationTier): number {
  return settings[`escalation_${tier}_ms`];
}
