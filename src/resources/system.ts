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
