import { z } from "zod";
import type { ProjectConfig } from "../../store/projects/projects.js";
import { withPresentNames } from "../../base/settings.js";
import { closedObject } from "../../base/strict-object.js";
import { DEFAULT_CONFIG } from "./projects.js";
import { missingFirst, problemsError, zodProblems } from "../../base/problems.js";

// Permission roles of agents are decided with permissions (spec 03), which come later.
const LATER: ReadonlySet<string> = new Set(["agents"]);

/** A project's configuration, checked as a whole. */
export const projectConfigSchema = closedObject(
  {
    worktrees: z.enum(["per_worktree", "shared"]).default(DEFAULT_CONFIG.worktrees),
    max_parallel: z.int().min(1).max(10_000).optional(),
    retention_days: z.number().min(0).max(36_500).optional(),
    /** The parties that `not_by` tells apart: connections, or handles, so that subagents of one connection may review each other. */
    reviewers: z.enum(["connection", "handle"]).optional(),
    dead_letter_replays: z.int().min(0).max(100).optional(),
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
