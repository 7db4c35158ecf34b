import { LEADING_ROLES } from "../base/statuses.js";
import { z } from "zod";
import { actingAs } from "../engine/agents/agents.js";
import { configure as storeSettings, storedSettings, valuesInForce } from "../engine/system/configuration.js";
import { type LearnedOf, forget } from "../engine/learning/learning.js";
import { BatonError } from "../base/errors.js";
import { iso } from "../base/time.js";
import { withPresentNames } from "../base/settings.js";
import { findProject } from "../engine/projects/projects.js";
import { updateProject } from "../engine/projects/updates.js";
import {
  type Component,
  componentsOf,
  HEALTH,
  type Health,
  systemStatus,
  systemStatusView,
} from "../engine/system/system.js";
import { defineOperation, type OperationHost } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import { count, instant, taskStatus } from "../dispatch/shapes.js";

const GLOBAL = "global";

const status = defineOperation({
  name: "get_system_status",
  title: "System status",
  description:
    "Shows the system: runs and tasks by status, agents, sessions, locks, versions, database, this process. get_run shows one run.",
  area: "system",
  effect: "read",
  listed: true,
  aliases: ["get_status"],
  words: ["overview"],
  input: z.object({}),
  output: z.object({
    version: z.string(),
    runs: z.record(z.string(), count),
    tasks: z.record(taskStatus, count),
    oldest_ready_ms: count.nullable(),
    agents: z.object({ registered: count, at_work: count }),
    sessions: z.object({ open: count, executors: count, overdue: count }),
    locks: z.object({ held: count, offered: count, waiting: count }),
    unserved: z.array(z.object({ project: z.string(), ready: count, wants: z.string() })).readonly(),
    last_event_at: instant.nullable(),
    database: z.object({ backend: z.string(), location: z.string(), schema_version: z.int() }),
    process: z.object({
      pid: z.int(),
      node: z.string(),
      memory_bytes: count,
      started_at: instant,
      agent: z.string(),
      working_directory: z.string(),
    }),
  }),
  needs: ["process"],
  perform: async (host) => {
    const { startedAt, pid, nodeVersion, ...server } = host.process;
    return host.read(function* (ctx) {
      const { backend, location, schemaVersion } = ctx.server.database;
      return {
        version: ctx.server.version,
        ...systemStatusView(yield* systemStatus(ctx)),
        database: { backend, location, schema_version: schemaVersion },
        process: {
          pid,
          node: nodeVersion,
          memory_bytes: server.memoryBytes(),
          started_at: iso(startedAt),
          agent: ctx.caller.agent,
          working_directory: ctx.caller.workplace.cwd,
        },
      };
    });
  },
});

const component = z.object({
  name: z.string(),
  status: z.enum(HEALTH),
  reason: z.string(),
  measured: z.record(z.string(), z.number().nullable()),
});

// A read that takes longer than this makes every call slow.
const SLOW_MS = 250;

const health = defineOperation({
  name: "get_health_status",
  title: "Health",
  description:
    "Checks each component: ok, degraded or down, with the reason and the measurement: database, " +
    "background work, timers, sessions, commands. Use it when work does not move.",
  area: "system",
  effect: "read",
  aliases: ["health_check"],
  input: z.object({}),
  output: z.object({ status: z.enum(HEALTH), components: z.array(component) }),
  perform: async (host) => {
    const components = await measured(host);
    return {
      status: worst(components),
      components: components.map((one) => ({ ...one, measured: { ...one.measured } })),
    };
  },
});

async function measured(host: OperationHost): Promise<Component[]> {
  const startedAt = performance.now();
  try {
    const components = await host.read(componentsOf);
    const readMs = Math.round((performance.now() - startedAt) * 10) / 10;
    const slow = readMs > SLOW_MS;
    const reason = slow ? `a read took longer than ${SLOW_MS} ms` : "it answers";
    return [
      { name: "database", status: slow ? "degraded" : "ok", reason, measured: { read_ms: readMs } },
      ...components,
    ];
  } catch (error) {
    if (!(error instanceof BatonError) || error.code !== "unavailable") throw error;
    return [{ name: "database", status: "down", reason: error.message, measured: { read_ms: null } }];
  }
}

function worst(components: readonly Component[]): Health {
  return components.reduce<Health>(
    (so_far, { status: one }) => (HEALTH.indexOf(one) > HEALTH.indexOf(so_far) ? one : so_far),
    "ok",
  );
}

const setting = z.object({
  name: z.string(),
  value: z.unknown(),
  origin: z.string(),
  stored: z.unknown().optional(),
});
const scope = z
  .string()
  .min(1)
  .max(300)
  .default(GLOBAL)
  .describe(`"${GLOBAL}" for all processes on this database, or a project's name or id.`);

const getConfiguration = defineOperation({
  name: "get_configuration",
  title: "Get the configuration",
  description:
    "Lists the settings in force in this process, or a project's, each with the origin of its value: default, file, " +
    "environment, flag, or who configured it and when.",
  area: "system",
  effect: "read",
  input: z.object({ scope }),
  output: z.object({ scope: z.string(), settings: z.array(setting) }),
  needs: ["configuration"],
  perform: (host, { scope: wanted }) =>
    host.read(function* (ctx) {
      if (wanted === GLOBAL) {
        return { scope: GLOBAL, settings: valuesInForce(host.configuration.values, yield* storedSettings()) };
      }
      const project = yield* findProject(ctx, wanted);
      if (project === undefined) throw new Error("a reference that is none was not refused");
      const settings = Object.entries(project.config).map(([name, value]) => ({
        name,
        value: value as unknown,
        origin: "project",
      }));
      return { scope: project.name, settings };
    }),
});

const configure = defineOperation({
  name: "configure",
  title: "Configure",
  description:
    "Changes settings for all processes on this database, or a project's configuration; null resets one. All are " +
    "checked together. Running processes apply them within seconds. A person alone sets what removes data or decides about persons (retention, " +
    "elicitation). Returns what changed and where a flag or variable still overrides it here.",
  area: "system",
  // A shorter retention takes finished runs away.
  effect: "destructive",
  permission: LEADING_ROLES,
  input: z.object({
    scope,
    settings: z
      .record(z.string(), z.unknown())
      .default({})
      .describe("Names from get_configuration, with their values."),
    forget: z
      .strictObject({ agent: params.name.optional(), task_type: params.name.optional() })
      .refine(({ agent, task_type }) => (agent ?? task_type) !== undefined, "names an agent, a task_type, or both")
      .optional()
      .describe("What was learned of an agent, a type of task, or both together, is forgotten: see get_learning."),
    ...params.acting,
  }),
  output: z.object({
    scope: z.string(),
    changed: z.array(z.object({ name: z.string(), from: z.unknown(), to: z.unknown() })),
    overridden: z.array(setting).optional(),
    forgotten: count.optional(),
  }),
  needs: ["configuration"],
  perform: async (host, { scope: wanted, settings, forget: about, agent }) => {
    if (wanted !== GLOBAL) {
      if (about !== undefined) throw forgottenEverywhere();
      return host.transact(function* (ctx) {
        const acting = yield* actingAs(ctx, agent);
        const { project, changed } = yield* updateProject(acting, { project: wanted, config: settings });
        return { scope: project.name, changed };
      });
    }
    const changed = await host.transact(function* (ctx) {
      const acting = yield* actingAs(ctx, agent);
      return yield* storeSettings(acting, settings);
    });
    const forgotten = about && (await forgetAll(host, { agent: about.agent, type: about.task_type }, agent));
    await host.configuration.refresh();
    const values = await host.read(function* () {
      return valuesInForce(host.configuration.values, yield* storedSettings());
    });
    const overridden = values.filter(
      (one) => one.stored !== undefined && Object.hasOwn(withPresentNames(settings), one.name),
    );
    return {
      scope: GLOBAL,
      changed,
      ...(overridden.length > 0 && { overridden }),
      ...(forgotten !== undefined && { forgotten }),
    };
  },
});

async function forgetAll(host: OperationHost, about: LearnedOf, agent: string | undefined): Promise<number> {
  let forgotten = 0;
  for (let more = 1; more > 0; forgotten += more)
    more = await host.transact(function* (ctx) {
      return yield* forget(yield* actingAs(ctx, agent), about);
    }, "forget");
  return forgotten;
}

function forgottenEverywhere(): BatonError {
  const message = "What was learned is shared by all projects: forget takes no scope. Nothing was changed.";
  return new BatonError("invalid_input", message, { details: { path: "forget" } });
}

export const systemOperations = [status, health, configure, getConfiguration] as const;
