import { startOf } from "../../base/texts/stored-values.js";
import { findCounters } from "../../store/runs/counters.js";
import { succeededRuns } from "../../store/runs/runs.js";
import { listTasks } from "../../store/tasks/lists.js";
import type { TxResult, Tx } from "../../store/tx.js";
import { listAgentPage, plannedAgent } from "../presence/agent-queries.js";
import { claimTask } from "../claims/claims.js";
import type { Claim } from "../claims/taking.js";
import type { EngineContext } from "../context.js";
import { requireDefinition } from "../definitions/definition.js";
import { type Execution, executeWorkflow, type Started } from "../runs/executions.js";
import { nameFrom } from "../../base/names.js";
import { modeOf, settingsIn } from "../scheduling/run-modes.js";
import { mostSimilar } from "./similarity.js";
import type { Entry, Template } from "../templates/catalogue.js";
import { decompose, type Decomposition, inputsOfGoal, templatesFitting } from "./workflow-templates.js";

type Terms = Pick<Execution, "project" | "max_parallel" | "priority" | "deadline" | "session" | "createdBy">;

export interface Goal extends Omit<Terms, "createdBy"> {
  readonly goal: string;
  readonly constraints?: readonly string[] | undefined;
  readonly agent: string;
  /** Templates that could divide it. */
  readonly templates: readonly Entry[];
}

export interface Orchestration {
  readonly started: Started;
  /** The plan task, held by the caller; or why it could not be given out. */
  readonly claim: Exclude<Claim, { outcome: "again" }>;
  readonly planning: Planning;
}

/** Facts a planner needs beside the goal. */
export type Planning = TxResult<ReturnType<typeof planningOf>>;

interface SimilarRun {
  readonly run: string;
  readonly name: string;
  readonly goal?: string;
  readonly steps: readonly { key: string; title: string; role?: string }[];
}

const PLAN_KEY = "plan";
// The goal is an input: nothing in it is read as an expression.
const PROMPT = `Plan how to reach this goal, and complete this task with the plan as its result: {"steps": […]}.

The goal: \${{ inputs.goal }}
\${{ size(inputs.constraints) == 0 ? "" : "It must hold: " + inputs.constraints.join("; ") }}

Split it into steps that different agents can do at the same time: each is complete in itself (key, title, prompt, criteria), needs only what it builds on, names the files it writes, and is small enough for one sitting. Steps that share no file run side by side. End with a step that checks the whole.`;

/**
 * Starts a run that has only a goal: its one task, the plan, is claimed for the caller at once, and becomes the run's
 * steps when it is completed. An agent at capacity is told so; the plan then waits for the next claim.
 */
export function* orchestrateGoal(ctx: EngineContext, goal: Goal): Tx<Orchestration> {
  const definition = {
    name: nameFrom(goal.goal.slice(0, NAME_CHARS), "goal").toLowerCase(),
    inputs: { goal: { type: "string" }, constraints: { type: "array", default: [] } },
    steps: [{ key: PLAN_KEY, kind: "plan", title: titleOf(goal.goal), prompt: PROMPT, priority: "high" }],
  };
  const started = yield* executeWorkflow(ctx, {
    ...termsOf(goal),
    parsed: requireDefinition(definition, { limits: ctx.settings }),
    inputs: { goal: goal.goal, constraints: goal.constraints ?? [] },
    status: "planning",
  });
  const claim = yield* claimTask(ctx, { agent: goal.agent, run: started.run.id, fresh: true });
  if (claim.outcome === "again") throw new Error(`no other agent can know of run ${started.run.id} yet`);
  const counters = yield* findCounters(started.run.id);
  return { started: { ...started, counters }, claim, planning: yield* planningOf(ctx, goal) };
}

/** A run whose steps come from a template. */
export interface Decomposed {
  readonly started: Started;
  readonly template: Template;
  readonly chosen: Decomposition["chosen"];
}

/**
 * Starts a run of the template that divides the goal: no plan task is needed, and its first steps are ready at once.
 * Errors: those of `decompose`.
 */
export function* decomposeGoal(ctx: EngineContext, goal: Goal, wanted: string): Tx<Decomposed> {
  const { template, workflow, chosen } = decompose(goal.templates, goal.goal, wanted);
  const name = nameFrom(goal.goal.slice(0, NAME_CHARS), template.name).toLowerCase();
  const settings = settingsIn(modeOf(goal, ctx.settings), ctx.settings);
  const started = yield* executeWorkflow(ctx, {
    ...termsOf(goal),
    parsed: requireDefinition({ ...workflow.source, name }, { limits: settings }),
    inputs: inputsOfGoal(template, goal.goal, goal.constraints ?? []),
  });
  return { started, template, chosen };
}

/** The terms on which a run towards a goal starts. */
function termsOf({ project, max_parallel, priority, deadline, session, agent }: Goal): Terms {
  return { project, max_parallel, priority, deadline, session, createdBy: agent };
}

const NAME_CHARS = 60;
const TITLE_CHARS = 200;

function titleOf(goal: string): string {
  const line = goal.trim().split("\n")[0] ?? "";
  return `Plan: ${startOf(line, TITLE_CHARS)}`.replaceAll("${{", "$ {{");
}

const AGENTS_SHOWN_MAX = 30;
const SIMILAR_SHOWN_MAX = 3;
const STEPS_SHOWN_MAX = 30;

function* planningOf(ctx: EngineContext, { project, goal, templates }: Goal) {
  const { agents } = yield* listAgentPage(ctx, { limit: AGENTS_SHOWN_MAX });
  const past = yield* succeededRuns(project.id);
  const texts = past.map(({ id, name, inputs, definition }) => ({
    id,
    text: `${name.replaceAll(/[-_.]/g, " ")} ${goalOf(inputs) ?? ""} ${wordsOf(definition)}`,
  }));
  const similar: SimilarRun[] = [];
  for (const id of mostSimilar(goal, texts, SIMILAR_SHOWN_MAX)) {
    const run = past.find((one) => one.id === id);
    if (!run) continue;
    const tasks = yield* listTasks({ run: id, limit: STEPS_SHOWN_MAX });
    const said = goalOf(run.inputs);
    similar.push({
      run: id,
      name: run.name,
      ...(said === undefined ? {} : { goal: startOf(said, TITLE_CHARS) }),
      steps: tasks
        .filter(({ kind }) => kind !== "plan")
        .map(({ key, title, role }) => ({ key, title, ...(role === null ? {} : { role }) })),
    });
  }
  return {
    agents: agents.map(plannedAgent),
    // Runs of the project that succeeded and had a similar goal, most similar first.
    similar,
    // Workflow templates whose words stand in the goal, most similar first.
    templates: templatesFitting(templates, goal)
      .slice(0, SIMILAR_SHOWN_MAX)
      .map(({ name, title, description }) => ({ name, title, description })),
  };
}

function goalOf(inputs: Readonly<Record<string, unknown>>): string | undefined {
  const { goal } = inputs;
  return typeof goal === "string" ? goal : undefined;
}

/** The words of a definition that say what it is for. */
function wordsOf(definition: string): string {
  const { description = "", steps = [] } = JSON.parse(definition) as {
    description?: string;
    steps?: { key?: string; title?: string }[];
  };
  return [description, ...steps.map(({ key = "", title = "" }) => `${key} ${title}`)].join(" ");
}
