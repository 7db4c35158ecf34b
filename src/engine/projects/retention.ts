import type { EngineContext } from "../context.js";
import { requirePerson } from "../person.js";

/** Errors: `not_permitted` for every caller but a person, since finished runs are removed by it. */
export function requireOwnRetention(ctx: EngineContext, project: string): void {
  requirePerson(ctx, {
    matter: `retention_days is for a person to set: finished runs of "${project}" are removed by it. Nothing was changed.`,
    way: "A person sets it at a terminal: baton call update_project (or create_project) with config.retention_days. Leave it out here.",
    details: { project, setting: "config.retention_days" },
  });
}

/** Errors: `not_permitted` for every caller but a person, since agents would be rid of their leads by it. */
export function requireOwnApproval(ctx: EngineContext, project: string): void {
  requirePerson(ctx, {
    matter: `require_lead_approval of "${project}" is for a person to take back: without it work counts that no lead has seen. Nothing was changed.`,
    way: "A person takes it back at a terminal: baton call update_project with config.require_lead_approval false. Leave it out here.",
    details: { project, setting: "config.require_lead_approval" },
  });
}
