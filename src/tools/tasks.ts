import { TRIGGER_RULES, STEERING_ROLES } from "../base/statuses.js";
import { z } from "zod";
import { addTask, stepFrom } from "../engine/tasks/ad-hoc.js";
import { assignTask } from "../engine/tasks/assignments.js";
import { actingAgent } from "../engine/agents/agents.js";
import { requireOpenRun } from "../engine/lifecycle/run-state.js";
import { BatonError } from "../base/errors.js";
import { findProject } from "../engine/projects/projects.js";
import { requireProject } from "../engine/projects/creation.js";
import type { EngineContext } from "../engine/context.js";
import { checkTaskReady, whyNotClaimable, whyReadyWaits } from "../engine/claims/readiness.js";
import { standingRun } from "../engine/runs/executions.js";
import { impossibleResources } from "../engine/resources/impossible.js";
import { requireRun } from "../engine/lookup.js";
import {
  findTaskDetail,
  findTaskPart,
  listReadyPage,
  listTaskPage,
  PARTS,
  type TaskListQuery,
} from "../engine/tasks/queries.js";
import { cancelTask } from "../engine/tasks/cancellation.js";
import { reviewView } from "../engine/reviews/verdict.js";
import { silenceView } from "../engine/agents/presence.js";
import { type LearnedEstimates, learnedEstimates, withEstimate } from "../engine/steps/learned-estimates.js";
import { taskType } from "../engine/steps/task-type.js";
import { leaseShown, readyLines, taskLine, taskView } from "../engine/tasks/views.js";
import { eventView } from "../engine/events/views.js";
import { changeView } from "../engine/runs/views.js";
import { attemptOperations } from "./attempts.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

const files = z
  .strictObject({ write: z.array(z.string()).optional(), read: z.array(z.string()).optional() })
  .describe("Locked while claimed.");
/** The fields of a step that a single task takes, beside those every call has. */
const stepFields = {
  role: z.string().optional().describe("Its agents only."),
  type: z.string().optional(),
  requires: z.array(z.string()).optional().describe("Capabilities."),
  not_by: z.array(z.string()).optional().describe("Keys: not their agents."),
  prefer_by: z.array(z.string()).optional().describe("Keys: their agents first."),
  priority: shapes.priority.optional(),
  files: files.optional(),
  resources: z.record(z.string(), z.unknown()).optional().describe("{cpu: {cores: 1}}"),
  parallelizable: z.boolean().optional(),
  criteria: z.array(z.string()).optional(),
  review: z.record(z.string(), z.unknown()).optional().describe("{by}"),
  trigger: z.enum(TRIGGER_RULES).optional(),
  output: z.record(z.string(), z.unknown()).optional().describe("JSON Schema."),
  retry: z.record(z.string(), z.unknown()).optional(),
  timeouts: z.record(z.string(), params.duration).optional(),
  deadline: params.duration.optional(),
  estimate_ms: params.duration.optional(),
} as const;

const createInput = z.object({
  title: z.string().min(1).max(500),
  prompt: z.string().min(1).describe("Complete in itself."),
  run: params.run.optional().describe("From list_runs. Default: ad-hoc."),
  key: z.string().optional(),
  dependencies: z.array(z.string()).optional().describe("Ids or keys, from list_tasks."),
  ...stepFields,
  ...params.acting,
  project: params.project,
});

/** Files without a word about their use are those that the task writes. */
function withFilesWritten(given: Record<string, unknown>): Record<string, unknown> {
  const { files: written } = given;
  const isText = typeof written === "string" && written !== "" && !written.trimStart().startsWith("{");
  return isText || Array.isArray(written) ? { ...given, files: { write: written } } : given;
}

const createTask = defineOperation({
  name: "create_task",
  title: "Create a task",
  description:
    "Adds a task, outside any plan or in a run; execute_workflow for several. Returns it, claimable once its dependencies succeeded.",
  area: "tasks",
  effect: "write",
  quota: "tasks",
  listed: true,
  aliases: ["add_task"],
  translate: withFilesWritten,
  example: { title: "…", prompt: "…", files: { write: ["src/api/**"] } },
  input: createInput,
  output: z.object({ task: shapes.taskLine, warnings: z.array(z.string()).optional() }),
  // Tasks outside any plan come in the order in which they were made.
  prepare: (input) => (input.run === undefined || input.estimate_ms !== undefined ? undefined : learnedEstimates),
  run: createGiven,
});

type CreateInput = z.output<typeof createInput>;

function* createGiven(ctx: EngineContext, input: CreateInput, estimates?: LearnedEstimates) {
  const { agent: handle, request_id: _, run: runId, project: reference, dependencies, key, ...step } = input;
  const agent = yield* actingAgent(ctx, handle);
  const run = runId === undefined ? undefined : yield* requireOpenRun(runId);
  const project = yield* requireProject(ctx, run?.project ?? reference);
  const written = stepFrom(ctx, { key: key ?? ctx.newId("task").replace("_", "-"), ...step });
  const { task } = yield* addTask(ctx, {
    project,
    run: run ?? (yield* standingRun(ctx, project)),
    step: withEstimate(written, estimates),
    dependencies: dependencies ?? [],
    agent: agent.name,
  });
  const warnings = yield* impossibleResources(ctx, [written]);
  return { task: taskLine(task), ...(warnings.length > 0 && { warnings }) };
}

const INCLUDES = ["history", "attempts", "events", "result", "prompt", "routing"] as const;

const getTask = defineOperation({
  name: "get_task",
  title: "Get a task",
  description:
    "Shows a task: state, holder, blockers. Include result, attempts, events, history (both); page by offset.",
  area: "tasks",
  effect: "read",
  listed: true,
  aliases: ["get_task_status", "get_task_history"],
  aliasInput: { get_task_history: { include: ["history"] } },
  words: ["result of a task"],
  example: { task: "task_…", include: ["result"] },
  input: z.object({
    task: params.task,
    include: z.array(z.enum(INCLUDES)).optional(),
    offset: z.int().min(0).optional(),
  }),
  output: z.object({
    task: shapes.taskView,
    part: z
      .object({
        of: z.enum(PARTS),
        offset: z.int(),
        text: z.string(),
        total: z.int(),
        next_offset: z.int().optional(),
      })
      .optional(),
    lease: shapes.lease.partial({ token: true }).optional(),
    silent_since: shapes.instant.optional(),
    spec: z.record(z.string(), z.unknown()),
    result: z.unknown().optional(),
    attempts: z.array(shapes.attempt).optional(),
    events: z.array(shapes.event).optional(),
    /** The last choice of its agent by route_task: the candidates with the parts of their scores. */
    routing: z.record(z.string(), z.unknown()).optional(),
    reviews: z.array(shapes.review).optional(),
  }),
  *run(ctx, input) {
    const include = new Set(input.include ?? []);
    if (input.offset !== undefined) {
      const { task, part } = yield* findTaskPart(input.task, { of: partOf(include), offset: input.offset });
      return { task: taskView(task), part, spec: {} };
    }
    const detail = yield* findTaskDetail(ctx, input.task, {
      attempts: include.has("attempts") || include.has("history"),
      events: include.has("events") || include.has("history"),
      result: include.has("result"),
      routing: include.has("routing"),
    });
    const waits = detail.task.status === "ready" ? yield* whyReadyWaits(ctx, detail.task) : [];
    return {
      task: { ...taskView(detail.task), ...(waits.length > 0 && { reasons: waits }) },
      ...(detail.lease === undefined ? {} : { lease: leaseShown(ctx.caller, detail.task, detail.lease) }),
      ...silenceView(detail.silentSince),
      spec: { ...detail.spec, type: taskType(detail.task, detail.spec) },
      ...(detail.reviews.length === 0 ? {} : { reviews: detail.reviews.map(reviewView) }),
      ...(detail.result === undefined ? {} : { result: detail.result }),
      ...(detail.attempts === undefined ? {} : { attempts: detail.attempts }),
      ...(detail.events === undefined ? {} : { events: detail.events.map(eventView) }),
      ...(include.has("routing") && { routing: routingView(detail.routing) }),
    };
  },
});

function routingView(event: Parameters<typeof eventView>[0] | undefined) {
  if (event === undefined) return { candidates: [], detail: "No agent was chosen for it: route_task ranks them." };
  const { agent, at, data } = eventView(event);
  return { agent, at, ...data };
}

function partOf(include: ReadonlySet<string>): (typeof PARTS)[number] {
  const [of, ...others] = PARTS.filter((part) => include.has(part));
  if (of !== undefined && others.length === 0) return of;
  throw new BatonError("invalid_input", `offset reads one text: include ${PARTS.join(" or ")} alone.`, {
    details: { path: "offset" },
  });
}

function* readyTasks(ctx: EngineContext, query: Omit<TaskListQuery, "status">) {
  const { page, next } = yield* listReadyPage(query);
  return { tasks: readyLines(page, yield* whyNotClaimable(ctx, page)), ...next };
}

const listTasks = defineOperation({
  name: "list_tasks",
  title: "List tasks",
  description: "Lists tasks as created, by run, status, agent or role; ready: in claim order, with obstacles.",
  area: "tasks",
  effect: "read",
  listed: true,
  aliases: ["get_ready_tasks"],
  aliasInput: { get_ready_tasks: { status: "ready" } },
  words: ["my tasks", "who did what", "who works on it"],
  example: { run: "run_…", status: "ready" },
  input: z.object({
    run: params.run.optional(),
    status: shapes.taskStatus.optional(),
    agent: z.string().optional().describe("Who holds it."),
    role: z.string().optional(),
    project: params.project,
    ...params.paging,
  }),
  output: z.object({ tasks: z.array(shapes.readyLine), ...shapes.nextPage }),
  *run(ctx, input) {
    if (input.run !== undefined) yield* requireRun(input.run);
    const project = input.run === undefined ? yield* findProject(ctx, input.project) : undefined;
    if (input.status === "ready") return yield* readyTasks(ctx, { ...input, project: project?.id });
    const { page, next } = yield* listTaskPage({ ...input, project: project?.id });
    return { tasks: page.map(taskLine), ...next };
  },
});

const checkReady = defineOperation({
  name: "check_task_ready",
  title: "Check whether a task can start",
  description:
    "Returns whether a task is ready and could be claimed now, by a given agent or by any, with every reason against it.",
  area: "tasks",
  effect: "read",
  aliases: ["can_agent_start_task", "are_dependencies_met", "should_block_dependent_task"],
  words: ["why can a task not be claimed"],
  input: z.object({ task: params.task, agent: z.string().optional().describe("Agent asked about, from list_agents.") }),
  output: z.object({ task: shapes.taskLine, ready: z.boolean(), claimable: z.boolean(), reasons: shapes.reasons }),
  *run(ctx, input) {
    const readiness = yield* checkTaskReady(ctx, input);
    return { ...readiness, task: taskLine(readiness.task) };
  },
});

const assign = defineOperation({
  name: "assign_task",
  title: "Reserve a task for an agent",
  description:
    "Reserves a task for one agent until that agent claims it or the reservation expires. Use it when you know who should do it. Returns the task.",
  area: "tasks",
  effect: "write",
  aliases: ["assign_task_to_agent"],
  input: z.object({
    task: params.task,
    agent: z.string().describe("Who it is for, from list_agents."),
    request_id: params.requestId,
  }),
  output: z.object({ task: shapes.taskLine }),
  *run(ctx, input) {
    return { task: taskLine(yield* assignTask(ctx, input)) };
  },
});

const cancel = defineOperation({
  name: "cancel_task",
  title: "Cancel a task",
  description:
    "Cancels a task: at once when no agent holds it; a holder is asked first, and loses it after a grace period. Its dependents are skipped.",
  area: "tasks",
  effect: "destructive",
  permission: STEERING_ROLES,
  words: ["delete a task", "remove a task"],
  input: z.object({ task: params.task, reason: z.string().max(2_000).optional(), ...params.acting }),
  output: z.object(shapes.change),
  *run(ctx, input) {
    return changeView(yield* cancelTask(ctx, input));
  },
});

export const taskOperations = [
  createTask,
  getTask,
  listTasks,
  checkReady,
  assign,
  ...attemptOperations,
  cancel,
] as const;
