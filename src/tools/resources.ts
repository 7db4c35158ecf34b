import { z } from "zod";
import { ALLOCATION_STATES, RESOURCE_TYPES } from "../base/statuses.js";
import { iso } from "../base/time.js";
import { actingAgent } from "../engine/agents/agents.js";
import { capacitySchema, requirementsSchema, resourceIdSchema } from "../engine/definitions/schema.js";
import {
  allocate,
  type AllocationRequest,
  deallocate,
  isInLineFor,
  leaveLineFor,
} from "../engine/resources/allocations.js";
import { registerResource } from "../engine/resources/registration.js";
import { allocationView, listResources, missingView, resourceView } from "../engine/resources/views.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

const TTL_SECONDS_MAX = 7 * 86_400;
const WAIT_SECONDS_MAX = 600;
const USERS_MAX = 10_000;

const amounts = z.record(z.string(), z.number());
const resource = z.object({
  id: z.string(),
  type: z.enum(RESOURCE_TYPES),
  name: z.string().optional(),
  capacity: amounts,
  allocated: amounts,
  utilisation: z.number(),
  limits: z.object({ max_concurrent_users: z.int() }).optional(),
  registered_by: z.string(),
});
const allocation = z.object({
  id: z.string(),
  holder: z.string(),
  state: z.enum(ALLOCATION_STATES),
  resources: z.record(z.string(), amounts),
  expires_at: shapes.instant.optional(),
});

const register = defineOperation({
  name: "register_resource",
  title: "Register a resource",
  description:
    "Makes a resource known that agents and tasks share, such as a GPU, a licence or a test device, or changes the capacity of a known one. Returns it with its use.",
  area: "resources",
  effect: "write",
  aliases: ["add_resource"],
  words: ["gpu", "licence", "capacity", "device", "shared"],
  example: { id: "gpu_1", type: "gpu", capacity: { units: 1 }, limits: { max_concurrent_users: 1 } },
  input: z.object({
    id: resourceIdSchema.describe("The name that requirements use."),
    type: z.enum(RESOURCE_TYPES),
    name: z.string().min(1).max(200).optional().describe("For people."),
    capacity: capacitySchema.describe("How much there is, by unit: {units: 1}, {gb: 40}."),
    limits: z
      .strictObject({ max_concurrent_users: z.int().min(1).max(USERS_MAX).optional() })
      .optional()
      .describe("max_concurrent_users: how many agents may have some of it at once."),
    ...params.acting,
  }),
  output: z.object({ resource }),
  *run(ctx, input) {
    const acting = yield* actingAgent(ctx, input.agent);
    return { resource: resourceView(yield* registerResource(ctx, acting.name, input)) };
  },
});

const list = defineOperation({
  name: "list_resources",
  title: "List resources",
  description:
    "Lists the resources that agents and tasks share: capacity, what is allocated to whom and waited for, utilisation. The processor cores and the memory of this machine are there from the start.",
  area: "resources",
  effect: "read",
  words: ["gpu", "cpu", "memory", "usage", "free capacity"],
  input: z.object({}),
  output: z.object({
    resources: z.array(
      z.object({
        ...resource.shape,
        waiting: amounts,
        holders: z.array(
          z.object({
            holder: z.string(),
            allocation: z.string(),
            task: z.string().optional(),
            amount: amounts,
            expires_at: shapes.instant.optional(),
          }),
        ),
      }),
    ),
  }),
  *run(ctx) {
    return { resources: yield* listResources(ctx) };
  },
});

const allocateInput = z.object({
  holder: params.name
    .optional()
    .describe("Handle of a registered agent, from list_agents. Default: the one that acts."),
  requirements: requirementsSchema.describe("By resource (from list_resources) and unit: {cpu: {cores: 2}}."),
  priority: shapes.priority.default("normal"),
  ttl_seconds: z.number().min(1).max(TTL_SECONDS_MAX).default(1800).describe("They are freed then."),
  wait_seconds: z.number().min(0).max(WAIT_SECONDS_MAX).default(0).describe("Wait in line this long."),
  ...params.acting,
});
type AllocateInput = z.output<typeof allocateInput>;

const allocateResources = defineOperation({
  name: "allocate_resources",
  title: "Allocate resources",
  description:
    "Allocates all the resources that are asked for, or none; a task's own are allocated by claim_task. Returns allocated, waiting (in line, fairly by dominant share: call again with the same requirements), or refused with what is missing and who has it.",
  area: "resources",
  effect: "write",
  aliases: ["request_resources"],
  words: ["reserve", "gpu", "cpu", "memory", "lease"],
  example: { requirements: { cpu: { cores: 2 }, memory: { gb: 4 } }, ttl_seconds: 600 },
  input: allocateInput,
  output: z.object({
    outcome: z.enum(["allocated", "waiting", "refused"]),
    allocation: allocation.optional(),
    missing: z
      .array(
        z.object({
          resource: z.string(),
          unit: z.string().optional(),
          wanted: z.number().optional(),
          free: z.number().optional(),
          detail: z.string().optional(),
          never: z.boolean().optional(),
          held_by: z.array(z.string()),
        }),
      )
      .optional(),
    kept_until: shapes.instant.optional(),
    ...shapes.waitBound,
  }),
  async perform(host, input) {
    const first = await host.transact((ctx) => allocateOnce(ctx, input, input.wait_seconds), "ask");
    if (first.outcome !== "waiting" || input.wait_seconds <= 0) return answerOf(first);
    const { request } = first;
    await host.waitFor(
      async () => ((await host.read(() => isInLineFor(request))) ? undefined : true),
      input.wait_seconds,
    );
    if (host.signal.aborted) {
      await host.transact((ctx) => leaveLineFor(ctx, request), "leave");
      return answerOf(first);
    }
    const last = await host.transact((ctx) => allocateOnce(ctx, input, 0), "end");
    return { ...answerOf(last), ...(last.outcome === "waiting" ? await host.waitBound(input.wait_seconds) : {}) };
  },
});

function* allocateOnce(ctx: Parameters<typeof allocate>[0], input: AllocateInput, waitSeconds: number) {
  const { request_id: _, ttl_seconds, wait_seconds: __, ...wanted } = input;
  const request: AllocationRequest = {
    ...wanted,
    ttlMs: Math.round(ttl_seconds * 1000),
    waitMs: Math.min(Math.ceil(waitSeconds * 1000), ctx.settings.wait_max_with_progress_ms),
  };
  const done = yield* allocate(ctx, request);
  if (done.outcome === "allocated") return { outcome: done.outcome, allocation: allocationView(done.allocation) };
  const { outcome, request: asked, shortages } = done;
  const kept = outcome === "waiting" && asked.expiresAt !== null ? { kept_until: iso(asked.expiresAt) } : {};
  return { outcome, request: asked.id, missing: yield* missingView(shortages), ...kept };
}

function answerOf<T extends object>(answer: T & { readonly request?: string }): Omit<T, "request"> {
  const { request: _, ...rest } = answer;
  return rest;
}

const deallocateResources = defineOperation({
  name: "deallocate_resources",
  title: "Free resources",
  description:
    "Frees an allocation, or all that a holder has beside its tasks, and ends its waiting; those in line are served. Returns what was freed.",
  area: "resources",
  effect: "write",
  quota: "nothing",
  aliases: ["release_resources", "free_resources"],
  words: ["give back", "gpu"],
  example: { holder: "ann" },
  input: z.object({
    holder: params.name.optional().describe("Handle, from list_agents. Default: the one that acts."),
    allocation: z.string().min(1).max(100).optional().describe("Its id, from allocate_resources or list_resources."),
    ...params.acting,
  }),
  output: z.object({ freed: z.array(allocation) }),
  *run(ctx, input) {
    return { freed: (yield* deallocate(ctx, input)).map(allocationView) };
  },
});

export const resourceOperations = [register, list, allocateResources, deallocateResources] as const;
