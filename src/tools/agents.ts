import { AGENT_STATUSES } from "../base/statuses.js";
import { z } from "zod";
import { correctedSpecialization } from "../engine/learning/specialization.js";
import { findAgentDetail, listAgentPage } from "../engine/presence/agent-queries.js";
import { heartbeat, unregisterAgent } from "../engine/presence/heartbeats.js";
import type { EngineContext } from "../engine/context.js";
import { registerAgent, updateAgent } from "../engine/agents/agents.js";
import { iso } from "../base/time.js";
import { taskLine } from "../engine/tasks/views.js";
import { agentView } from "../engine/agents/views.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

const fraction = z.number().min(0).max(1);
const labels = z.array(z.string().min(1).max(100)).max(200);

const said = {
  version: z.string().min(1).max(100).optional().describe("Its program's version, for people."),
  capabilities: labels.optional().describe("What it can do, such as typescript or python."),
  roles: labels.optional().describe("Roles it takes, such as backend_engineer or code_reviewer."),
  max_concurrent_tasks: z.int().min(1).max(1_000).optional().describe("Default 1."),
  specialization: z.record(z.string(), fraction).optional().describe("Area to how good it is there, 0 to 1."),
  persona: z
    .looseObject({
      cognitive_style: z.string().min(1).max(100).optional(),
      creativity: fraction.optional(),
      analytical_depth: fraction.optional(),
      collaboration: fraction.optional(),
    })
    .optional(),
  models: labels.optional(),
  cost: z.record(z.string(), z.unknown()).optional(),
} as const;

const agentShape = z.object({
  id: z.string(),
  name: z.string(),
  status: z.enum(AGENT_STATUSES),
  capabilities: z.array(z.string()).readonly(),
  roles: z.array(z.string()).readonly(),
  max_concurrent_tasks: z.int(),
  registered_at: shapes.instant,
  seen_at: shapes.instant,
  silent_since: shapes.instant.optional(),
  profile: z.record(z.string(), z.unknown()),
  reported: z.object({ status: z.string().nullable(), load: z.number().nullable() }).optional(),
});

const register = defineOperation({
  name: "register_agent",
  title: "Register an agent",
  description:
    "Registers an agent with its capabilities, roles and how many tasks it takes at once; needed only when tasks ask for them. The same name again updates the given values. Returns the agent.",
  area: "agents",
  effect: "write",
  input: z.object({ name: params.ownHandle, ...said, request_id: params.requestId }),
  output: z.object({ agent: agentShape, created: z.boolean() }),
  *run(ctx, input) {
    const { agent, created } = yield* registerAgent(ctx, input);
    return { agent: agentView(agent), created };
  },
});

const update = defineOperation({
  name: "update_agent",
  title: "Update an agent",
  description: "Updates a registered agent; values not given stay. Returns the agent.",
  area: "agents",
  effect: "write",
  aliases: ["update_agent_capabilities"],
  input: z.object({ agent: params.ownHandle, ...said, request_id: params.requestId }),
  output: z.object({ agent: agentShape }),
  *run(ctx, input) {
    return { agent: agentView(yield* updateAgent(ctx, input)) };
  },
});

const unregister = defineOperation({
  name: "unregister_agent",
  title: "Unregister an agent",
  description:
    "Unregisters an agent: its work goes back to the queue; its locks, places in line and reservations end. Returns those tasks.",
  area: "agents",
  effect: "destructive",
  input: z.object({ agent: params.ownHandle, request_id: params.requestId }),
  output: z.object({ agent: agentShape, returned: z.array(z.string()) }),
  async perform(host, input) {
    const returned: string[] = [];
    for (;;) {
      const step = await host.transact((ctx) => unregisterAgent(ctx, input.agent), "unregister");
      if (step.returned !== undefined) returned.push(step.returned);
      if (!step.again) return { agent: agentView(step.agent), returned };
    }
  },
});

const list = defineOperation({
  name: "list_agents",
  title: "List agents",
  description: "Lists agents by name with their roles, capabilities and load, and whether they are free.",
  area: "agents",
  effect: "read",
  aliases: ["get_available_agents"],
  aliasInput: { get_available_agents: { available: true } },
  words: ["who is working", "workload", "overloaded agents"],
  input: z.object({
    available: z.boolean().optional().describe("true: only those that could take a task now."),
    capability: z.string().optional(),
    role: z.string().optional(),
    ...params.paging,
  }),
  output: z.object({
    agents: z.array(z.object({ ...agentShape.shape, running: z.int(), available: z.boolean() })),
    ...shapes.nextPage,
  }),
  *run(ctx, input) {
    const page = yield* listAgentPage(ctx, input);
    return {
      agents: page.agents.map(({ agent, running, available }) => ({ ...agentView(agent), running, available })),
      ...page.next,
    };
  },
});

const INCLUDES = ["health", "metrics", "specialization", "workload", "history"] as const;

const get = defineOperation({
  name: "get_agent",
  title: "Get an agent",
  description:
    "Shows an agent; include its health, metrics, specialization, workload (what it is running) or history of attempts. All from recorded facts.",
  area: "agents",
  effect: "read",
  aliases: [
    "get_agent_health",
    "get_agent_metrics",
    "get_agent_performance",
    "analyze_agent_specialization",
    "get_agent_workload_history",
    "get_agent_failure_history",
  ],
  aliasInput: {
    get_agent_health: { include: ["health"] },
    get_agent_metrics: { include: ["metrics"] },
    get_agent_performance: { include: ["health", "metrics"] },
    analyze_agent_specialization: { include: ["specialization", "metrics"] },
    get_agent_workload_history: { include: ["workload", "history"] },
    get_agent_failure_history: { include: ["history"] },
  },
  input: z.object({
    agent: params.name.describe("Agent's name, from register_agent or list_agents."),
    include: z.array(z.enum(INCLUDES)).optional().describe("Default: health, metrics, workload."),
  }),
  output: z.object({
    agent: agentShape,
    health: z
      .object({ state: z.enum(["ok", "degraded", "down", "idle"]), reasons: z.array(z.string()).readonly() })
      .optional(),
    metrics: z
      .object({
        attempts: z.int(),
        succeeded: z.int(),
        failed: z.int(),
        lost: z.int(),
        success_rate: z.number().nullable(),
        mean_duration_ms: z.int().nullable(),
      })
      .optional(),
    specialization: z.record(z.string(), z.number()).optional(),
    specialization_corrected: z
      .record(z.string(), z.object({ value: z.number(), evidence: z.number() }))
      .optional()
      .describe("What attempts make of it, of types of tasks that it has done too; evidence: attempts, faded."),
    workload: z.array(shapes.taskLine).optional(),
    history: z.array(shapes.attempt).optional(),
  }),
  *run(ctx, input) {
    const include = new Set<(typeof INCLUDES)[number]>(input.include ?? ["health", "metrics", "workload"]);
    const detail = yield* findAgentDetail(ctx, input.agent, { history: include.has("history") });
    return {
      agent: agentView(detail.agent),
      ...(include.has("health") ? { health: detail.health } : {}),
      ...(include.has("metrics") ? { metrics: detail.metrics } : {}),
      ...(include.has("specialization")
        ? yield* specializationOf(ctx, input.agent, detail.agent.profile.specialization)
        : {}),
      ...(include.has("workload") ? { workload: detail.running.map(taskLine) } : {}),
      ...(detail.history === undefined ? {} : { history: detail.history }),
    };
  },
});

function* specializationOf(ctx: EngineContext, agent: string, declared: Readonly<Record<string, number>> = {}) {
  const corrected = yield* correctedSpecialization(ctx, agent, declared);
  return { specialization: { ...declared }, specialization_corrected: Object.fromEntries(corrected) };
}

const agentHeartbeat = defineOperation({
  name: "agent_heartbeat",
  title: "Agent heartbeat",
  description:
    "Heartbeat of an agent without a process of its own: renews the leases of all its tasks. Not needed over stdio, where the server does it.",
  area: "agents",
  effect: "write",
  aliases: ["heartbeat"],
  input: z.object({
    agent: params.agent,
    status: z.string().max(200).optional(),
    load: z.number().min(0).optional(),
    request_id: params.requestId,
  }),
  output: z.object({ agent: z.string(), renewed: z.array(z.string()), seen_at: shapes.instant }),
  *run(ctx, input) {
    const { agent, renewed } = yield* heartbeat(ctx, input);
    return { agent: agent.name, renewed, seen_at: iso(ctx.now) };
  },
});

export const agentOperations = [register, update, unregister, list, get, agentHeartbeat] as const;
