import { z } from "zod";
import type { ProjectConfig } from "../../store/projects/projects.js";
import { withPresentNames } from "../../base/settings.js";
import { NAME_LENGTH_MAX, NAME_PATTERN, NAME_RULE } from "../../base/names.js";
import { closedObject } from "../../base/strict-object.js";
import { DEFAULT_CONFIG } from "./projects.js";
import { missingFirst, problemsError, zodProblems } from "../../base/problems.js";

// Permission roles of agents are decided with permissions (spec 03), which come later.
const LATER: ReadonlySet<string> = new Set(["agents"]);

const TIER_ROLES_MAX = 20;

const tierRoles = z
  .array(
    z
      .string()
      .max(NAME_LENGTH_MAX)
      .regex(NAME_PATTERN, { error: `must be the name of a role: ${NAME_RULE}` }),
  )
  .min(1)
  .max(TIER_ROLES_MAX)
  .refine((roles) => new Set(roles).size === roles.length, { error: "names a role twice" })
  .optional();

/** The roles of the supervising tiers. A role in both would be its own supervisor. */
const supervisionSchema = closedObject({ lead: tierRoles, architect: tierRoles }, new Set(), {
  execution: "all roles that lead and architect do not name execute",
  human: "a person is above all tiers and needs no role",
}).refine(({ lead = [], architect = [] }) => !lead.some((role) => architect.includes(role)), {
  error: "names a role in both lead and architect: it belongs to one tier",
});

/** A project's configuration, checked as a whole. */
export const projectConfigSchema = closedObject(
  {
    worktrees: z.enum(["per_worktree", "shared"]).default(DEFAULT_CONFIG.worktrees),
    max_parallel: z.int().min(1).max(10_000).optional(),
    retention_days: z.number().min(0).max(36_500).optional(),
    /** The parties that `not_by` tells apart: connections, or handles, so that subagents of one connection may review each other. */
    reviewers: z.enum(["connection", "handle"]).optional(),
    dead_letter_replays: z.int().min(0).max(100).optional(),
    supervision: supervisionSchema.optional(),
    require_lead_approval: z.boolean().optional(),
  },
  LATER,
);

/** A configuration as it was written, with present names in place of former ones. */
export function withPresentKeys(written: unknown): unknown {
  const isObject = typeof written === "object" && written !== null && !Array.isArray(written);
  return isObject ? withPresentNames(written) : written;
}

/** Throws `BatonError` `invalid_input` with every problem. */
export function parseProjectConfig(written: unknown): ProjectConfig {
  const parsed = projectConfigSchema.safeParse(withPresentKeys(written), { error: missingFirst });
  if (!parsed.success) throw problemsError("The configuration cannot be used", zodProblems(parsed.error, ["config"]));
  return parsed.data;
}
