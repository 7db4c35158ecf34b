import { costs as costsBy } from "../engine/cost/costs.js";
import { systemStatus, systemStatusView } from "../engine/system/system.js";
import { type FixedResource } from "./resource.js";

export const status: FixedResource = {
  uri: "baton://status",
  name: "status",
  title: "System status",
  description:
    "Everything on the database at a glance: runs and tasks by status, agents, sessions, locks, version, database.",
  *read(ctx) {
    const { backend, location, schemaVersion } = ctx.server.database;
    return {
      version: ctx.server.version,
      ...systemStatusView(yield* systemStatus(ctx)),
      database: { backend, location, schema_version: schemaVersion },
    };
  },
  changedBy: () => true,
};

const SPENDING: ReadonlySet<string> = new Set([
  "usage.recorded",
  "task.succeeded",
  "task.submitted",
  "task.retry",
  "task.released",
  "task.dead_letter",
  "task.cancelled",
  "run.pruned",
]);

export const costs: FixedResource = {
  uri: "baton://costs",
  name: "costs",
  title: "What was spent",
  description:
    "Reported cost in US dollars and tokens of all projects, by model, by agent and by day, at most 200 of each, with the total; get_costs groups them otherwise, and by project.",
  *read() {
    const byModel = yield* costsBy("model", {});
    const byAgent = yield* costsBy("agent", {});
    const byDay = yield* costsBy("day", {});
    return { total: byModel.total, by_model: byModel.groups, by_agent: byAgent.groups, by_day: byDay.groups };
  },
  changedBy: ({ type }) => SPENDING.has(type),
};
