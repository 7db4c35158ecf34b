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
