import { SUPERVISION_TIERS, type SupervisionTier } from "../../base/statuses.js";
import type { ProjectConfig } from "../../store/projects/projects.js";

/** The tiers that supervise; the roles that a map does not name are of the tier of execution. */
export type SupervisingTier = Exclude<SupervisionTier, "execution">;

/** The roles of each supervising tier where a project names none. The first one of a tier is asked where one role has to be named. */
export const DEFAULT_SUPERVISION = {
  lead: ["code_reviewer", "project_manager", "lead"],
  architect: ["tech_lead", "security_reviewer", "architect"],
} as const satisfies Record<SupervisingTier, readonly string[]>;

/** A configuration with a project's own map, where it has one. */
export type Supervised = Pick<ProjectConfig, "supervision">;

/** The roles of a supervising tier: those that the project names for it, or the default ones that it names for no other tier. */
export function rolesOfTier({ supervision = {} }: Supervised, tier: SupervisingTier): readonly string[] {
  const other = supervision[tier === "lead" ? "architect" : "lead"] ?? [];
  return supervision[tier] ?? DEFAULT_SUPERVISION[tier].filter((role) => !other.includes(role));
}

/** The tier of a role; execution for one that no supervising tier has, and without a role. */
export function tierOfRole(config: Supervised, role: string | undefined): SupervisionTier {
  if (role === undefined) return "execution";
  if (rolesOfTier(config, "architect").includes(role)) return "architect";
  return rolesOfTier(config, "lead").includes(role) ? "lead" : "execution";
}

/** The tier that supervises a tier; a person above the last. */
export function tierOver(tier: SupervisionTier): SupervisingTier | "human" {
  if (tier === "execution") return "lead";
  return tier === "lead" ? "architect" : "human";
}

/** The highest tier of several roles, such as those of an agent. */
export function highestTier(config: Supervised, roles: readonly string[]): SupervisionTier {
  const places = roles.map((role) => SUPERVISION_TIERS.indexOf(tierOfRole(config, role)));
  return SUPERVISION_TIERS[Math.max(0, ...places)] ?? "execution";
}

/** Roles whose agents speak for a tier: its own, then those of the tiers above it. */
export function rolesFrom(config: Supervised, tier: SupervisingTier): readonly string[] {
  const above = tier === "lead" ? rolesOfTier(config, "architect") : [];
  return [...rolesOfTier(config, tier), ...above];
}
