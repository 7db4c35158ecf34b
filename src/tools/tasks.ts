import { TRIGGER_RULES } from "../base/statuses.js";
import { z } from "zod";
import { addTask, stepFrom } from "../engine/tasks/ad-hoc.js";
import { assignTask } from "../engine/tasks/assignments.js";
import { actingAgent } from "../engine/agents/agents.js";
import { requireOpenRun } from "../engine/lifecycle/run-state.js";
import { BatonError } from "../base/errors.js";
import { iso } from "../base/time.js";
import { findProject, requireProject } from "../engine/projects/projects.js";
import { checkTaskReady } from "../engine/claims/readiness.js";
import { standingRun } from "../engine/runs/executions.js";
import { requireRun } from "../engine/lookup.js";
import { findTaskDetail, findTaskPart, listTaskPage, PARTS } from "../engine/tasks/queries.js";
import { preparePlan, stepsOfPlan } from "../engine/tasks/plans.js";
import { cancelTask } from "../engine/tasks/cancellation.js";
import { completeTask, failTask, releaseTask, reportProgress } from "../engine/tasks/tasks.js";
import { leaseView, silenceView, taskLine, taskView, termsView } from "../engine/tasks/views.js";
import { eventView } from "../engine/events/views.js";
import { changeView, moreView, runLine } from "../engine/runs/views.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

const files = z
  .strictObject({ write: z.array(z.string()).optional(), read: z.array(z.string()).optional() })
  .describe("Paths or globs, locked while it is claimed.");
/** Resources that an attempt used; its cost counts against budgets. */
const usage = z.record(z.string(), z.unknown()).optional();

/** The fields of a step that a single task takes, beside those every call has. */
const stepFields = {
  role: z.string().optional().describe("Only for agents that offer it."),
  requires: z.array(z.string()).optional().describe("Capabilities needed."),
  priority: shapes.priority.optional(),
  files: files.optional(),
  criteria: z.array(z.string()).optional().describe("Acceptance criteria."),
  trigger: z.enum(TRIGGER_RULES).optional(),
  output: z.record(z.string(), z.unknown()).optional().describe("JSON Schema of its result."),
  retry: z.record(z.string(), z.unknown()).optional(),
  timeouts: z.record(z.string(), params.duration).optional(),
  deadline: params.duration.optional(),
  estimate_ms: params.duration.optional(),
} as const;

const createTask = defineOperation({
  name: "create_task",
  title: "Create a task",
  description:
    "Adds one task, outside any plan or to a run under way; execute_workflow for several steps. Returns the task; it can be claimed once its dependencies have succeeded.",
  area: "tasks",
  effect: "write",
  listed: true,
  aliases: ["add_task"],
  example: { title: "…", prompt: "…", files: { write: ["src/api/**"] } },
  input: z.object({
    title: z.string().min(1).max(500),
    prompt: z.string().min(1).describe("Complete in itself."),
    run: params.run.optional().describe("From execute_workflow or list_runs. Default: the project's ad-hoc tasks."),
    key: z.string().optional(),
    dependencies: z.array(z.string()).optional().describe("Ids or keys in that run, from list_tasks."),
    ...stepFields,
    ...params.acting,
    project: params.project,
  }),
  output: z.object({ task: shapes.taskLine }),
  *run(ctx, input) {
    const { agent: handle, request_id: _, run: runId, project: reference, dependencies, key, ...step } = input;
    const agent = yield* actingAgent(ctx, handle);
    const run = runId === undefined ? undefined : yield* requireOpenRun(runId);
    const project = yield* requireProject(ctx, run?.project ?? reference);
    const { task } = yield* addTask(ctx, {
      project,
      run: run ?? (yield* standingRun(ctx, project)),
      step: stepFrom(ctx, { key: key ?? ctx.newId("task").replace("_", "-"), ...step }),
      dependencies: dependencies ?? [],
      agent: agent.name,
    });
    return { task: taskLine(task) };
  },
});

const INCLUDES = ["history", "attempts", "events", "result", "prompt"] as const;

const getTask = defineOperation({
  name: "get_task",
  title: "Get a task",
  description:
    "Shows a task: state, holder, why it is blocked. Include result, attempts, events, history (both); long texts from offset.",
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
    lease: shapes.lease.omit({ token: true }).optional(),
    silent_since: shapes.instant.optional(),
    spec: z.record(z.string(), z.unknown()),
    result: z.unknown().optional(),
    attempts: z.array(shapes.attempt).optional(),
    events: z.array(shapes.event).optional(),
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
    });
    return {
      task: taskView(detail.task),
      ...(detail.lease === undefined ? {} : { lease: termsView(detail.lease) }),
      ...silenceView(detail.silentSince),
      spec: { ...detail.spec },
      ...(detail.result === undefined ? {} : { result: detail.result }),
      ...(detail.attempts === undefined ? {} : { attempts: detail.attempts }),
      ...(detail.events === undefined ? {} : { events: detail.events.map(eventView) }),
    };
  },
});

function partOf(include: ReadonlySet<string>): (typeof PARTS)[number] {
  const [of, ...others] = PARTS.filter((part) => include.has(part));
  if (of !== undefined && others.length === 0) return of;
  throw new BatonError("invalid_input", `offset reads one text: include ${PARTS.join(" or ")} alone.`, {
    details: { path: "offset" },
  });
}

const listTasks = defineOperation({
  name: "list_tasks",
  title: "List tasks",
  description:
    "Lists tasks in order of creation, by run, status, agent or role. With status=ready: what could be claimed now.",
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
  output: z.object({ tasks: z.array(shapes.taskLine), ...shapes.nextPage }),
  *run(ctx, input) {
    if (input.run !== undefined) yield* requireRun(input.run);
    const project = input.run === undefined ? yield* findProject(ctx, input.project) : undefined;
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
  aliases: ["can_agent_start_task", "are_dependencies_met"],
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

const report = defineOperation({
  name: "report_progress",
  title: "Report progress",
  description:
    "Tells how far a claimed task is and returns orders: continue, cancel_requested, paused or deadline_passed. Without a call for 15 min you count as silent.",
  area: "tasks",
  effect: "write",
  listed: true,
  words: ["heartbeat", "keep alive", "renew the lease"],
  input: z.object({
    task: params.task,
    token: params.token,
    percent: z.int().min(0).max(100).optional(),
    note: z.string().max(4_000).optional(),
    ...params.acting,
  }),
  output: z.object({
    orders: z.enum(["continue", "cancel_requested", "paused", "deadline_passed"]),
    lease: shapes.lease,
  }),
  *run(ctx, input) {
    const answer = yield* reportProgress(ctx, input);
    return {
      orders: answer.orders,
      lease: leaseView(answer.task.token, answer.lease),
    };
  },
});

/** `success: true` says what the call itself says; with false the call would be another. */
function withoutSuccess({ success, ...given }: Record<string, unknown>): Record<string, unknown> {
  if (success === undefined || success === true) return given;
  const message = "A task that did not succeed is not completed: call fail_task with its error. Nothing was done.";
  throw new BatonError("invalid_input", message, {
    next: [
      {
        tool: "fail_task",
        arguments: { task: given["task"], token: given["token"], error: { type: "…", message: "…" } },
      },
    ],
  });
}

const complete = defineOperation({
  name: "complete_task",
  title: "Complete a task",
  description:
    "Completes a claimed task: its result goes to its dependents, its locks are released. Returns the tasks that became ready and the run's progress.",
  area: "tasks",
  effect: "write",
  listed: true,
  aliases: ["report_task_completion"],
  translate: withoutSuccess,
  words: ["finish", "done", "submit a result", "update task status"],
  example: { task: "task_…", token: 1, result: { summary: "…" } },
  input: z.object({
    task: params.task,
    token: params.token,
    result: params.json.optional().describe("What dependents need to know, at most 256 KB."),
    usage: usage.describe("Model, tokens; cost in US$."),
    ...params.acting,
  }),
  output: z.object(shapes.change),
  prepare: ({ task, result }) => {
    const steps = stepsOfPlan(result);
    return steps && ((ctx) => preparePlan(ctx, { task, steps }));
  },
  *run(ctx, input, reading) {
    return changeView(yield* completeTask(ctx, { ...input, reading }));
  },
});

/** An error as a text, or under the keys `error_message` and `stack_trace`, as an error of the type "error". */
function withErrorObject(given: Record<string, unknown>): Record<string, unknown> {
  const { error_message: said, stack_trace: stack, ...others } = given;
  const error = given["error"] ?? said;
  if (typeof error !== "string" || error.trimStart().startsWith("{")) return given;
  return { ...others, error: { type: "error", message: error, ...(stack === undefined ? {} : { stack }) } };
}

const fail = defineOperation({
  name: "fail_task",
  title: "Fail a task",
  description:
    "Fails a claimed task: it is retried with backoff, or becomes a dead letter and blocks its dependents. partial_result keeps what is usable.",
  area: "tasks",
  effect: "write",
  listed: true,
  aliases: ["report_task_failure", "mark_task_failed"],
  translate: withErrorObject,
  words: ["update task status", "report an error"],
  input: z.object({
    task: params.task,
    token: params.token,
    error: z.strictObject({
      type: z.string().min(1).max(200),
      message: z.string().min(1).max(8_000),
      stack: z.string().max(32_000).optional(),
    }),
    partial_result: params.json.optional(),
    retryable: z.boolean().optional().describe("false: do not try again."),
    usage,
    ...params.acting,
  }),
  output: z.object({
    ...shapes.change,
    outcome: z.enum(["retry", "dead_letter", "cancelled"]),
    retry_at: z.string().optional(),
    blocked: z.array(z.string()).readonly(),
  }),
  *run(ctx, input) {
    const failed = yield* failTask(ctx, input);
    const { more = [], ...change } = changeView(failed);
    const left = [...more, ...(moreView(failed.run.id, { blocked: failed.blockedMore }).more ?? [])];
    return {
      ...change,
      outcome: failed.outcome,
      ...(failed.retryAt === null ? {} : { retry_at: iso(failed.retryAt) }),
      blocked: failed.blocked,
      ...(left.length === 0 ? {} : { more: left }),
    };
  },
});

const release = defineOperation({
  name: "release_task",
  title: "Release a task",
  description:
    "Gives a claimed task back unharmed: no attempt is counted, and another agent can claim it. Use it when you cannot continue.",
  area: "tasks",
  effect: "write",
  listed: true,
  words: ["give back", "hand back", "stop working on a task"],
  input: z.object({
    task: params.task,
    token: params.token,
    note: z.string().max(4_000).optional().describe("For the next holder."),
    usage,
    ...params.acting,
  }),
  output: z.object({ task: shapes.taskLine, run: shapes.runLine }),
  *run(ctx, input) {
    const released = yield* releaseTask(ctx, input);
    return { task: taskLine(released.task), run: runLine(released.run, released.counters) };
  },
});

const cancel = defineOperation({
  name: "cancel_task",
  title: "Cancel a task",
  description:
    "Cancels a task: at once when no agent holds it; a holder is asked first, and loses it after a grace period. Its dependents are skipped.",
  area: "tasks",
  effect: "destructive",
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
  report,
  complete,
  fail,
  release,
  cancel,
] as const;
