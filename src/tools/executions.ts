import { defined } from "../base/json.js";
import { RUN_MODES } from "../base/statuses.js";
import { z } from "zod";
import { actingAgent } from "../engine/agents/agents.js";
import type { EngineContext } from "../engine/context.js";
import { prepared } from "../engine/engine.js";
import type { Project } from "../engine/projects/projects.js";
import { projectAtHand, requireProject } from "../engine/projects/creation.js";
import { executeWorkflow, type Started } from "../engine/runs/executions.js";
import { modeOf, settingsIn } from "../engine/scheduling/run-modes.js";
import { getRun } from "../engine/runs/runs.js";
import { budgetLimit } from "./cost.js";
import { taskLine } from "../engine/tasks/views.js";
import { runView } from "../engine/runs/views.js";
import { templateMeant, workflowOfTemplate } from "../engine/planning/workflow-templates.js";
import { requireOpenSession, type WorkSession } from "../engine/runs/work-sessions.js";
import {
  type ChosenDefinition,
  chooseDefinition,
  type Preparation,
  preparedFor,
  prepareRun,
} from "../engine/runs/preparation.js";
import type { Tx } from "../store/tx.js";
import { withDocumentedTasks } from "../dispatch/input/documented-workflow.js";
import { definition as definitionParam, DEFINITION_EXAMPLE, withStepsGathered } from "../dispatch/definition-param.js";
import { defineOperation, type HostWith, type OperationHost } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import { templatesAt } from "./templates.js";
import * as shapes from "../dispatch/shapes.js";

/** Values that a call may set differently from the definition. */
export const overrides = {
  max_parallel: z.int().min(1).max(10_000).optional(),
  priority: shapes.priority.optional(),
  deadline: params.duration.optional().describe("Such as 2h, or an instant."),
} as const;
const waitSeconds = z.number().min(0).max(600).optional().describe("Wait for the end.");

/** A run that was just started, with the tasks that can be claimed. */
export const startedShape = {
  run: shapes.run,
  ready: z.array(shapes.taskLine),
  warnings: z.array(z.string()).optional(),
} as const;

const executeInput = z.object({
  workflow: z.string().optional().describe("From list_workflows, or template:NAME."),
  version: z.int().min(1).optional(),
  definition: definitionParam,
  inputs: z.record(z.string(), z.unknown()).optional(),
  mode: z.enum(RUN_MODES).optional(),
  ...overrides,
  budget: budgetLimit.optional().describe("US$."),
  wait_seconds: waitSeconds,
  session: params.session,
  ...params.acting,
  project: params.project,
});

const execute = defineOperation({
  name: "execute_workflow",
  title: "Start a workflow",
  description:
    "Starts a run of a stored workflow or of a definition given here, when you have the steps. Returns the run and its ready tasks.",
  area: "workflows",
  effect: "write",
  quota: "tasks",
  listed: true,
  showsRun: true,
  aliases: ["run_workflow", "start_workflow", "execute_enhanced_workflow"],
  words: ["start a plan", "run steps", "review by another agent"],
  example: { definition: DEFINITION_EXAMPLE },
  takesSteps: true,
  translate: (given) => withStepsGathered(withDocumentedTasks(given)),
  input: executeInput,
  output: z.object(startedShape),
  needs: ["templates"],
  async perform(host, input) {
    const given = await withTemplate(host, input);
    const before = await prepared(host, (ctx) => prepareGiven(ctx, given));
    const run = await host.transact((ctx) => startGiven(ctx, given, before), "start");
    return afterWait(host, run, input.wait_seconds ?? 0);
  },
});

type ExecuteInput = z.output<typeof executeInput>;

type StartedAnswer = ReturnType<typeof startedView>;

/** A reference to a template is as good as its definition. */
async function withTemplate(host: HostWith<"templates">, input: ExecuteInput): Promise<ExecuteInput> {
  const name = templateMeant(input.workflow);
  if (name === undefined || input.definition !== undefined) return input;
  const { entries } = await templatesAt(host);
  return { ...input, workflow: undefined, definition: { ...workflowOfTemplate(entries, name).source } };
}

function* prepareGiven(ctx: EngineContext, input: ExecuteInput): Tx<Preparation> {
  const project = yield* projectAtHand(ctx, input.project);
  const session = input.session === undefined ? undefined : yield* requireOpenSession(ctx, input.session);
  return yield* prepareRun(ctx, yield* chosenBy(ctx, input, { project, session }), project);
}

function chosenBy(
  ctx: EngineContext,
  input: ExecuteInput,
  { project, session }: { project: Project | undefined; session: WorkSession | undefined },
): Tx<ChosenDefinition> {
  const { workflow, definition, version, mode, max_parallel, priority, deadline } = input;
  const settings = settingsIn(modeOf({ mode, session }, ctx.settings), ctx.settings);
  const choice = { workflow, definition, version, overrides: defined({ max_parallel, priority, deadline }) };
  return chooseDefinition({ ...ctx, settings }, project, choice);
}

function* startGiven(ctx: EngineContext, input: ExecuteInput, before: Preparation | undefined): Tx<StartedAnswer> {
  const agent = yield* actingAgent(ctx, input.agent);
  const project = yield* requireProject(ctx, input.project);
  const session = input.session === undefined ? undefined : yield* requireOpenSession(ctx, input.session);
  const { inputs, budget, mode } = input;
  const { parsed, draft, chosen, warnings } = preparedFor(yield* chosenBy(ctx, input, { project, session }), before);
  const workflow = chosen.stored && { id: chosen.stored.workflow.id, version: chosen.stored.version.version };
  const execution = { project, parsed, draft, workflow, session, mode, inputs, budget, createdBy: agent.name };
  const started = yield* executeWorkflow(ctx, execution);
  return startedView({ ...started, warnings: [...started.warnings, ...warnings] });
}

export function startedView({ run, counters, ready, warnings }: Started) {
  return {
    run: runView(run, counters),
    ready: ready.map(taskLine),
    ...(warnings.length === 0 ? {} : { warnings: [...warnings] }),
  };
}

/** The answer once the run has ended, or as it stands when the time is over. */
async function afterWait(host: OperationHost, started: StartedAnswer, seconds: number): Promise<StartedAnswer> {
  if (seconds <= 0) return started;
  host.started(started.run.id);
  const now = () =>
    host.read(function* () {
      const { run, counters, ready } = yield* getRun(started.run.id);
      return { ...started, run: runView(run, counters), ready: ready.map(taskLine) };
    });
  const ended = await host.waitFor(async () => {
    const answer = await now();
    return answer.run.ended_at === undefined ? undefined : answer;
  }, seconds);
  return ended ?? (await now());
}

const executeTask = defineOperation({
  name: "execute_task",
  title: "Run one step",
  description:
    "Starts a run of one step, given as in a definition: a prompt for an agent, or a command for the server. Returns the run; wait_seconds waits for its end.",
  area: "tasks",
  effect: "write",
  quota: "tasks",
  example: { definition: { kind: "command", run: "npm test" } },
  takesSteps: true,
  input: z.object({
    definition: z.looseObject({}).describe('One step, such as {"kind":"command","run":"npm test"} or {"prompt":"…"}.'),
    inputs: z.record(z.string(), z.unknown()).optional(),
    ...overrides,
    wait_seconds: waitSeconds,
    ...params.acting,
    project: params.project,
  }),
  output: z.object(startedShape),
  async perform(host, input) {
    const { definition, ...rest } = input;
    const step = { key: "task", ...definition };
    const whole: ExecuteInput = { ...rest, definition: { name: nameOf(step), steps: [step] } };
    const before = await prepared(host, (ctx) => prepareGiven(ctx, whole));
    const run = await host.transact((ctx) => startGiven(ctx, whole, before), "start");
    return afterWait(host, run, input.wait_seconds ?? 0);
  },
});

function nameOf(step: Readonly<Record<string, unknown>>): string {
  return typeof step["key"] === "string" ? step["key"] : "task";
}

export const executionOperations = [execute, executeTask] as const;
