import { z } from "zod";
import { actingAs } from "../engine/agents/agents.js";
import { groupWarnings, translateComplex } from "../engine/workflows/complex-workflows.js";
import { createWorkflow, prepareWorkflow } from "../engine/workflows/workflows.js";
import { draftRun } from "../engine/steps/run-draft.js";
import { executeWorkflow } from "../engine/runs/executions.js";
import { requireProject } from "../engine/projects/creation.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import { startedShape, startedView } from "./executions.js";
import { workflowLine, workflowLineOf } from "./workflows.js";

const name = z.string().min(1).max(200);
const TIMEOUT_SECONDS_MAX = 86_400;

export const createComplex = defineOperation({
  name: "create_complex_workflow",
  title: "Create a workflow from modules and actions",
  description:
    "Stores a workflow in the form other systems write: steps with module (an MCP server, shell or baton) and action (its tool), dependencies, groups; {{step.output}} reads a result. Use it for such plans; create_workflow takes Baton's own form. Returns the workflow, with execute its run, or every problem.",
  area: "workflows",
  effect: "write",
  quota: "tasks",
  aliases: ["execute_complex_workflow"],
  aliasInput: { execute_complex_workflow: { execute: true } },
  input: z.object({
    steps: z
      .array(
        z.strictObject({
          name,
          module: name.describe("An MCP server of the person's configuration, shell, or baton."),
          action: name.describe("Its tool; of shell: run; of baton: agent, plan, human, gate, wait."),
          parameters: z.record(z.string(), z.unknown()).default({}),
          dependencies: z.array(z.string()).optional().describe("Steps it depends on, beside those named below."),
          timeout: z.number().positive().max(TIMEOUT_SECONDS_MAX).optional().describe("Seconds that a try may take."),
          max_retries: z.int().min(0).max(999).optional().describe("Tries after the first."),
        }),
      )
      .min(1)
      .describe('Such as {"name":"a","module":"files","action":"read_text_file","parameters":{"path":"…"}}'),
    dependencies: z.record(z.string(), z.array(z.string())).default({}).describe("By step: the steps it depends on."),
    parallel_groups: z
      .array(z.array(z.string()))
      .default([])
      .describe("Groups of steps: one after another, members side by side."),
    execute: z.boolean().default(false).describe("Start it too."),
    name: name.optional().describe("Default: derived from the content."),
    project: params.project,
    ...params.acting,
  }),
  output: z.object({
    workflow: workflowLine,
    created: z.boolean(),
    ...z.object(startedShape).partial().shape,
  }),
  prepare: (input) =>
    function* (ctx) {
      const parsed = translateComplex(input, ctx.settings);
      const before = yield* prepareWorkflow(ctx, input.project, { parsed });
      return {
        ...before,
        run: before.draft && input.execute ? yield* draftRun(ctx, parsed, before.draft.project) : undefined,
      };
    },
  *run(ctx, { agent, project: reference, execute, ...written }, before) {
    const acting = yield* actingAs(ctx, agent);
    const project = yield* requireProject(acting, reference);
    const parsed = before?.limits === ctx.settings ? before.read.parsed : translateComplex(written, ctx.settings);
    const { workflow, created } = yield* createWorkflow(acting, project, { parsed, draft: before?.draft });
    const execution = { project, parsed, draft: before?.run, workflow, createdBy: acting.caller.agent };
    const started = execute ? yield* executeWorkflow(acting, execution) : undefined;
    const view = started && startedView(started);
    const warnings = [...groupWarnings(written), ...(view?.warnings ?? [])];
    return { workflow: workflowLineOf(workflow), created, ...view, ...(warnings.length === 0 ? {} : { warnings }) };
  },
});
