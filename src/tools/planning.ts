import { z } from "zod";
import { actingAgent } from "../engine/agents/agents.js";
import type { EngineContext } from "../engine/context.js";
import { type Decomposed, decomposeGoal, orchestrateGoal } from "../engine/planning/orchestrate.js";
import { requireProject } from "../engine/projects/creation.js";
import type { Entry } from "../engine/templates/catalogue.js";
import { runView } from "../engine/runs/views.js";
import { requireOpenSession } from "../engine/runs/work-sessions.js";
import type { Tx } from "../store/tx.js";
import { claimAnswer, claimOutput } from "./claims.js";
import { startedView } from "./executions.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import { templatesAt } from "./templates.js";
import * as shapes from "../dispatch/shapes.js";

const STEP_GUIDE = [
  'Complete the plan task with {"steps": [step, …]}. A step: key (a name), prompt, title, needs [keys], role, requires [capabilities], criteria [texts], files {write: [paths or globs], read: […]}, priority, output (JSON Schema of its result), if (CEL, such as steps.KEY.output.passed), for_each (CEL that gives a list: one task per element, item and index in its texts).',
  "Other kinds: {kind: command, run}, {kind: gate, checks: [CEL]}, {kind: human, ask}, {kind: wait, for | until | event}, {kind: plan, prompt}. ${{ steps.KEY.output.field }} in a text is filled in. The whole schema: resource baton://schemas/workflow.",
].join(" ");

const orchestrateInput = z.object({
  goal: z.string().min(1).max(100_000),
  constraints: z.array(z.string().min(1).max(2_000)).max(50).optional().describe("What must hold, one each."),
  max_parallel: z.int().min(1).max(10_000).optional(),
  priority: shapes.priority.optional(),
  decompose: z.string().min(1).max(100).optional().describe("auto or a workflow template: no planning."),
  session: params.session,
  ...params.acting,
  project: params.project,
});

const orchestrateOutput = z.object({
  ...claimOutput.shape,
  outcome: z.enum(["claimed", "none", "started"]),
  run: shapes.run,
  decomposition: z
    .object({ template: z.string(), title: z.string(), chosen: z.enum(["named", "fitting", "generic"]) })
    .optional(),
  ready: z.array(shapes.taskLine).optional(),
  warnings: z.array(z.string()).optional(),
  planning: z
    .object({
      steps: z.string(),
      agents: z.array(
        z.object({
          name: z.string(),
          roles: z.array(z.string()).readonly(),
          capabilities: z.array(z.string()).readonly(),
          available: z.boolean(),
        }),
      ),
      similar: z.array(
        z.object({
          run: z.string(),
          name: z.string(),
          goal: z.string().optional(),
          steps: z.array(z.object({ key: z.string(), title: z.string(), role: z.string().optional() })),
        }),
      ),
      templates: z.array(z.object({ name: z.string(), title: z.string(), description: z.string() })),
    })
    .optional(),
});
type Answer = z.input<typeof orchestrateOutput>;

export const orchestrate = defineOperation({
  name: "orchestrate",
  title: "Start from a goal",
  description:
    "Starts a run when you have only a goal. Its one task, the plan, is yours at once, with how steps are written, agents who could do them, and plans of similar runs; completing it with the steps starts them.",
  area: "workflows",
  effect: "write",
  quota: "tasks",
  listed: true,
  showsRun: true,
  words: ["plan a goal", "decompose"],
  input: orchestrateInput,
  output: orchestrateOutput,
  needs: ["templates"],
  async perform(host, input) {
    const { entries } = await templatesAt(host);
    return host.transact((ctx) => begin(ctx, input, entries), "run");
  },
});

function* begin(ctx: EngineContext, input: z.output<typeof orchestrateInput>, templates: Entry[]): Tx<Answer> {
  const agent = yield* actingAgent(ctx, input.agent);
  const project = yield* requireProject(ctx, input.project);
  const session = input.session === undefined ? undefined : yield* requireOpenSession(ctx, input.session);
  const { goal, constraints, max_parallel, priority, decompose } = input;
  const wanted = { project, session, goal, constraints, max_parallel, priority, agent: agent.name, templates };
  if (decompose !== undefined) return decomposedView(yield* decomposeGoal(ctx, wanted, decompose));
  const { started, claim, planning } = yield* orchestrateGoal(ctx, wanted);
  return {
    ...claimAnswer(claim),
    run: runView(started.run, started.counters),
    planning: {
      steps: STEP_GUIDE,
      agents: [...planning.agents],
      similar: planning.similar.map((one) => ({ ...one, steps: [...one.steps] })),
      templates: [...planning.templates],
    },
  };
}

function decomposedView({ started, template, chosen }: Decomposed): Answer {
  const decomposition = { template: template.name, title: template.title, chosen };
  return { outcome: "started", ...startedView(started), decomposition };
}
