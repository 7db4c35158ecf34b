import { STEERING_ROLES } from "../base/statuses.js";
import { z } from "zod";
import { actingAgent } from "../engine/agents/agents.js";
import { whyShownWaits } from "../engine/claims/readiness.js";
import { toDot, toMermaid, toSvg } from "../engine/graph/diagrams.js";
import { findProject } from "../engine/projects/projects.js";
import { controlRun, RUN_ACTIONS } from "../engine/runs/control.js";
import {
  conditionedTasks,
  listEventPage,
  listRunPage,
  runGraph,
  runPicture,
  runProgress,
} from "../engine/runs/queries.js";
import { getRun } from "../engine/runs/runs.js";
import { readyLines, taskLine } from "../engine/tasks/views.js";
import { eventView } from "../engine/events/views.js";
import { overviewView, retriesView, runView } from "../engine/runs/views.js";
import { failuresOf } from "../engine/tasks/queries.js";
import { requireVersion } from "../engine/workflows/workflows.js";
import { projectAtHand } from "../engine/projects/creation.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

const INCLUDES = ["tasks", "graph", "failures"] as const;
const TASKS_SHOWN_MAX = 200;
const MERMAID_NODES_MAX = 150;

/** A task with the condition of a branch that it stands in, and whether that held once it was judged. */
const conditionedLine = z.object({
  ...shapes.taskLine.shape,
  if: z.string().optional(),
  met: z.boolean().optional(),
});

const phase = z.object({
  phase: z.string(),
  status: z.enum(["not_begun", "under_way", "ended"]),
  tasks: shapes.count,
  ended: shapes.count,
});

const get = defineOperation({
  name: "get_run",
  title: "Get a run",
  description:
    "Shows a run: status, progress, counts, budget, ready, waiting and blocked tasks with reasons. Include tasks, graph (Mermaid) or failures.",
  area: "runs",
  effect: "read",
  listed: true,
  showsRun: true,
  words: ["why is it blocked", "progress of a run"],
  input: z.object({ run: params.run, include: z.array(z.enum(INCLUDES)).optional() }),
  output: z.object({
    run: shapes.run,
    budget: shapes.budget.optional(),
    phases: z.array(phase).optional(),
    ready: z.array(shapes.readyLine),
    running: z.array(shapes.heldLine),
    retrying: z.array(shapes.retryingLine).optional(),
    waiting: z.array(shapes.waitingLine),
    pending: z.array(shapes.pendingLine).optional(),
    blocked: z.array(shapes.blockedLine),
    dead_letter: z.array(shapes.blockedLine),
    more: shapes.more.optional(),
    tasks: z.array(conditionedLine).optional(),
    graph: z.string().optional(),
    failures: z.array(z.object({ task: shapes.taskLine, attempts: z.array(shapes.attempt) })).optional(),
  }),
  *run(ctx, input) {
    const include = new Set(input.include ?? []);
    const overview = yield* getRun(input.run);
    const graph = include.has("graph") ? yield* runPicture(input.run) : undefined;
    const shown = include.has("tasks") ? yield* conditionedTasks(input.run, TASKS_SHOWN_MAX) : undefined;
    return {
      ...overviewView(overview),
      ready: readyLines(overview.ready, yield* whyShownWaits(ctx, overview.ready, overview.counters)),
      ...(shown === undefined
        ? {}
        : { tasks: shown.map(({ task, condition }) => ({ ...taskLine(task), ...condition })) }),
      ...(graph === undefined ? {} : { graph: toMermaid(graph, { maxNodes: MERMAID_NODES_MAX }) }),
      ...(include.has("failures") ? { failures: yield* failuresOf(overview.dead) } : {}),
    };
  },
});

const list = defineOperation({
  name: "list_runs",
  title: "List runs",
  description: "Lists runs, newest first, by project, status or workflow, each with its counts and progress.",
  area: "runs",
  effect: "read",
  words: ["list swarms", "what is under way"],
  input: z.object({
    status: shapes.runStatus.optional(),
    workflow: z.string().optional().describe("Workflow name or id, from list_workflows."),
    project: params.project,
    ...params.paging,
  }),
  output: z.object({
    runs: z.array(shapes.run.extend({ retrying: z.int().optional(), next_retry_at: shapes.instant.optional() })),
    ...shapes.nextPage,
  }),
  *run(ctx, input) {
    const project = yield* findProject(ctx, input.project);
    const workflow =
      input.workflow === undefined
        ? undefined
        : (yield* requireVersion(yield* projectAtHand(ctx, input.project), { workflow: input.workflow })).workflow.id;
    const { runs, next } = yield* listRunPage({ ...input, project: project?.id, workflow });
    return {
      runs: runs.map(({ run, counters, retries }) => ({ ...runView(run, counters), ...retriesView(retries) })),
      ...next,
    };
  },
});

const progress = defineOperation({
  name: "get_run_progress",
  title: "Progress of a run",
  description:
    "Shows a run's statistics: percent, completed, in progress, pending, failed and skipped (they sum to total), conflicts, expected time left, critical path.",
  area: "runs",
  effect: "read",
  aliases: ["get_swarm_progress", "calculate_progress", "detect_dependency_cycle"],
  input: z.object({ run: params.run }),
  output: z.object({
    run_id: z.string(),
    status: shapes.runStatus,
    progress: z.number(),
    completed: z.int(),
    in_progress: z.int(),
    pending: z.int(),
    failed: z.int(),
    skipped: z.int(),
    total: z.int(),
    ready_tasks: z.int(),
    failed_attempts: z.int(),
    retrying: z.array(shapes.retryingLine),
    has_cycle: z.boolean(),
    conflict_stats: z.object({
      active_locks: z.int(),
      locked_files: z.array(z.string()).readonly(),
      failed_tasks: z.int(),
    }),
    eta_ms: z.int().nullable(),
    critical_path: z.array(z.string()).readonly(),
    updated_at: shapes.instant,
    success_rate: z.number().nullable().optional(),
    duration_ms: z.int().optional(),
  }),
  run: (ctx, input) => runProgress(ctx, input.run),
});

const control = defineOperation({
  name: "control_run",
  title: "Pause, resume, cancel or retry a run",
  description:
    "Pauses, resumes, cancels or retries a run. pause stops claims, not work under way; cancel asks holders first; retry_failed reopens failed and blocked tasks.",
  area: "runs",
  effect: "destructive",
  permission: STEERING_ROLES,
  listed: true,
  showsRun: true,
  aliases: ["cancel_run", "pause_run", "resume_run", "retry_run"],
  aliasInput: {
    cancel_run: { action: "cancel" },
    pause_run: { action: "pause" },
    resume_run: { action: "resume" },
    retry_run: { action: "retry_failed" },
  },
  input: z.object({
    run: params.run,
    action: z.enum(RUN_ACTIONS),
    reason: z.string().max(2_000).optional(),
    ...params.acting,
  }),
  output: z.object({ run: shapes.run }),
  *run(ctx, input) {
    const agent = yield* actingAgent(ctx, input.agent);
    const changed = yield* controlRun(ctx, { ...input, agent: agent.name });
    return { run: runView(changed.run, changed.counters) };
  },
});

const graph = defineOperation({
  name: "get_run_graph",
  title: "Graph of a run",
  description:
    "Returns the run's graph with the state of each task, as Mermaid, Graphviz DOT, SVG, or data with statistics.",
  area: "runs",
  effect: "read",
  input: z.object({ run: params.run, format: z.enum(["mermaid", "dot", "json", "svg"]).default("mermaid") }),
  output: z.object({
    format: z.string(),
    graph: z.union([
      z.string(),
      z.object({
        tasks: z.array(shapes.taskLine),
        edges: z.array(z.object({ from: z.string(), to: z.string() })).readonly(),
        depth: z.int(),
        width: z.int(),
        critical_path: z.array(z.string()).readonly(),
      }),
    ]),
  }),
  *run(_ctx, { run, format }) {
    if (format === "json") {
      const data = yield* runGraph(run);
      return { format, graph: { ...data, tasks: data.tasks.map(taskLine) } };
    }
    const nodes = yield* runPicture(run);
    const draw = { mermaid: toMermaid, dot: toDot, svg: toSvg }[format];
    return { format, graph: draw(nodes) };
  },
});

const events = defineOperation({
  name: "list_events",
  title: "List events",
  description:
    "Lists the history, oldest first: every change of a run, task, lock or agent. A cursor continues where the last page ended.",
  area: "runs",
  effect: "read",
  words: ["history", "what happened"],
  input: z.object({
    run: params.run.optional(),
    task: params.task.optional(),
    agent: z.string().optional().describe("Agent's name, from list_agents."),
    types: z.array(z.string()).max(32).optional().describe("Such as task.claimed or run.finished."),
    project: params.project,
    ...params.paging,
  }),
  output: z.object({ events: z.array(shapes.event), next_cursor: z.string(), more: z.boolean() }),
  *run(ctx, input) {
    const project = input.project === undefined ? undefined : yield* findProject(ctx, input.project);
    const page = yield* listEventPage({ ...input, project: project?.id });
    return { events: page.events.map(eventView), next_cursor: page.cursor, more: page.more };
  },
});

export const runOperations = [get, list, progress, control, graph, events] as const;
