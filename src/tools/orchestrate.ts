import { z } from "zod";
import { actingAgent } from "../engine/agents.js";
import { orchestrateGoal } from "../engine/orchestrate.js";
import { requireProject } from "../engine/projects.js";
import { runView } from "../engine/views.js";
import { requireOpenSession } from "../engine/work-sessions.js";
import { claimAnswer, claimOutput } from "./claims.js";
import { defineOperation, type Operation } from "./operation.js";
import * as params from "./params.js";
import * as shapes from "./shapes.js";

const STEP_GUIDE = [
  'Complete the plan task with {"steps": [step, …]}. A step: key (a name), prompt, title, needs [keys], role, requires [capabilities], criteria [texts], files {write: [paths or globs], read: […]}, priority, output (JSON Schema of its result), if (CEL, such as steps.KEY.output.passed), for_each (CEL that gives a list: one task per element, item and index in its texts).',
  "Other kinds: {kind: command, run}, {kind: gate, checks: [CEL]}, {kind: human, ask}, {kind: wait, for | until | event}, {kind: plan, prompt}. ${{ steps.KEY.output.field }} in a text is filled in. The whole schema: resource baton://schemas/workflow.",
].join(" ");

const orchestrate = defineOperation({
  name: "orchestrate",
  title: "Start from a goal",
  description:
    "Starts a run that has only a goal. Its one task, the plan, is yours at once, with how steps are written, who could do them, and plans of similar runs that succeeded; completing it with the steps starts them. Use it when you have no steps yet.",
  area: "workflows",
  effect: "write",
  listed: true,
  input: z.object({
    goal: z.string().min(1).max(100_000),
    constraints: z.array(z.string().min(1).max(2_000)).max(50).optional().describe("What must hold, one each."),
    max_parallel: z.int().min(1).max(10_000).optional(),
    priority: shapes.priority.optional(),
    session: params.session,
    ...params.acting,
    project: params.project,
  }),
  output: z.object({
    ...claimOutput.shape,
    run: shapes.run,
    planning: z.object({
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
    }),
  }),
  *run(ctx, input) {
    const agent = yield* actingAgent(ctx, input.agent);
    const project = yield* requireProject(ctx, input.project);
    const { goal, constraints, max_parallel, priority } = input;
    const session = input.session === undefined ? undefined : yield* requireOpenSession(ctx, input.session);
    const found = yield* orchestrateGoal(ctx, {
      project,
      session,
      goal,
      constraints,
      max_parallel,
      priority,
      agent: agent.name,
    });
    const { started, claim, planning } = found;
    return {
      ...claimAnswer(claim),
      run: runView(started.run, started.counters),
      planning: {
        steps: STEP_GUIDE,
        agents: [...planning.agents],
        similar: planning.similar.map((one) => ({ ...one, steps: [...one.steps] })),
      },
    };
  },
});

export const orchestrateOperations: readonly Operation[] = [orchestrate];
