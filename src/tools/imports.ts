import { z } from "zod";
import { actingAs } from "../engine/agents/agents.js";
import type { EngineContext } from "../engine/context.js";
import { requireDefinition } from "../engine/definitions/definition.js";
import { readWfFormat } from "../engine/workflows/imports.js";
import { requireProject } from "../engine/projects/creation.js";
import { createWorkflow, prepareWorkflow } from "../engine/workflows/workflows.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import { workflowLine, workflowLineOf } from "./workflows.js";

export const importWorkflow = defineOperation({
  name: "import_workflow",
  title: "Import a workflow",
  description:
    "Stores a workflow recorded by another system: WfCommons WfFormat 1.5. Its tasks become steps for agents, its runtimes estimates, its files read and write scopes. Returns the workflow and the statistics of its graph.",
  area: "workflows",
  effect: "write",
  input: z.object({
    document: z.string().describe("The file's text, JSON."),
    name: z.string().optional().describe("Default: that of the document."),
    project: params.project,
    ...params.acting,
  }),
  output: z.object({
    workflow: workflowLine,
    created: z.boolean(),
    figures: z.object({
      tasks: z.int(),
      edges: z.int(),
      depth: z.int(),
      max_width: z.int(),
      critical_path_s: z.number(),
      total_work_s: z.number(),
    }),
    files_left_out: z.int(),
    tasks_without_runtime: z.int(),
    runtimes_of_no_task: z.int(),
  }),
  prepare: (input) => (ctx) => prepareWorkflow(ctx, input.project, readImported(ctx, input)),
  *run(ctx, { agent, project: reference, ...given }, before) {
    const read = before?.limits === ctx.settings ? before.read : readImported(ctx, given);
    const { parsed, figures, ...left } = read;
    const acting = yield* actingAs(ctx, agent);
    const project = yield* requireProject(acting, reference);
    const { workflow, created } = yield* createWorkflow(acting, project, { parsed, draft: before?.draft });
    return {
      workflow: workflowLineOf(workflow),
      created,
      figures,
      files_left_out: left.filesLeftOut,
      tasks_without_runtime: left.withoutRuntime,
      runtimes_of_no_task: left.strayRuntimes,
    };
  },
});

function readImported({ settings: limits }: EngineContext, given: { document: string; name?: string | undefined }) {
  const { definition, ...rest } = readWfFormat(given.document, limits);
  const named = given.name === undefined ? definition : { ...definition, name: given.name };
  return { parsed: requireDefinition(named, { limits }), ...rest };
}
