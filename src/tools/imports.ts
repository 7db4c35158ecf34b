import { z } from "zod";
import { BatonError } from "../base/errors.js";
import { actingAgent, actingAs } from "../engine/agents/agents.js";
import type { EngineContext } from "../engine/context.js";
import { requireDefinition } from "../engine/definitions/definition.js";
import { prepared } from "../engine/engine.js";
import { importPlan, prepareImport } from "../engine/imports/imports.js";
import { projectAtHand, requireProject } from "../engine/projects/creation.js";
import { readWfFormat } from "../engine/workflows/wfformat.js";
import { createWorkflow, prepareWorkflow } from "../engine/workflows/workflows.js";
import { isWfFormat, readPlans } from "../imports/readers.js";
import type { ForeignPlan, SourceFile } from "../imports/foreign-plan.js";
import { defineOperation, type OperationHost } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import { planOutcome, planShape } from "./imported-plans.js";
import { workflowLine, workflowLineOf } from "./workflows.js";

const FILES_MAX = 10_000;
const CHARS_MAX = 10_000_000;
const ITEMS_SHOWN = 50;
const ITEMS_MAX = 100_000;

const importInput = z.object({
  document: z.string().optional().describe("The text of one file."),
  path: z
    .string()
    .max(1_000)
    .optional()
    .describe("Where the document lies in the repository: importing it again updates its run."),
  files: z
    .array(z.strictObject({ path: z.string().max(1_000), text: z.string() }))
    .max(FILES_MAX)
    .optional()
    .describe("A folder's files, in place of document."),
  apply: z.boolean().optional().describe("Default false: a plan's outcome is only told."),
  remove: z.boolean().optional().describe("Removes unstarted tasks that the plan has no longer."),
  name: z.string().optional().describe("Default: that of the document."),
  items_max: z
    .int()
    .min(1)
    .max(ITEMS_MAX)
    .default(ITEMS_SHOWN)
    .describe("Items that each list of the answer has at most."),
  project: params.project,
  ...params.acting,
});
type ImportInput = z.output<typeof importInput>;

const workflowOutput = {
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
} as const;

export const importWorkflow = defineOperation({
  name: "import_workflow",
  title: "Import a plan or workflow",
  description:
    "Makes a run of a plan kept elsewhere (Task Master, spec-kit, beads, Backlog.md, GitHub issues, check list), or updates the run it came from; without apply it only returns what would come of it. WfCommons WfFormat 1.5 is stored as a workflow. Returns created, changed, completed and unmapped tasks, or the workflow.",
  area: "workflows",
  effect: "write",
  quota: "tasks",
  words: ["import a todo list", "taskmaster", "tasks.json", "import issues"],
  example: {
    document: "- [ ] Write the parser\n- [ ] Ship it (needs: write-the-parser)",
    path: "TODO.md",
    apply: true,
  },
  input: importInput,
  output: z.object({
    workflow: workflowOutput.workflow.optional(),
    created: workflowOutput.created.optional(),
    figures: workflowOutput.figures.optional(),
    files_left_out: z.int().optional(),
    tasks_without_runtime: z.int().optional(),
    runtimes_of_no_task: z.int().optional(),
    plans: z.array(planShape).optional(),
  }),
  async perform(host, input) {
    const files = filesOf(input);
    const [only] = files;
    if (files.length === 1 && only !== undefined && isWfFormat(only)) return storeWorkflow(host, only.text, input);
    const plans = readPlans(files);
    if (plans.length === 0) throw noPlan(files);
    const outcomes = [];
    for (const [at, plan] of plans.entries()) outcomes.push(await takePlan(host, { plan, step: `plan-${at}`, input }));
    return { plans: outcomes };
  },
});

function filesOf({ document, path, files }: ImportInput): readonly SourceFile[] {
  if ((document === undefined) === (files === undefined))
    throw new BatonError("invalid_input", "Give either document, the text of one file, or files, those of a folder.");
  const given = files ?? [{ path: path ?? "document", text: document ?? "" }];
  const chars = given.reduce((sum, { text }) => sum + text.length, 0);
  // Some editors put a mark at the beginning of a file.
  if (chars <= CHARS_MAX) return given.map(({ path: at, text }) => ({ path: at, text: text.replace(/^\uFEFF/, "") }));
  throw new BatonError("limit_exceeded", `The files have ${chars} characters; at most ${CHARS_MAX} are read.`, {
    details: { chars, max: CHARS_MAX },
  });
}

function noPlan(files: readonly SourceFile[]): BatonError {
  const named = files.length === 1 ? (files[0]?.path ?? "") : `${files.length} files`;
  const message = `No plan was found in ${named}: a plan is a Task Master tasks.json, tasks.md of spec-kit, issues of beads or GitHub, a folder of Backlog.md, a Markdown file with check boxes ("- [ ] …"), the export of a run, or WfCommons WfFormat 1.5.`;
  return new BatonError("invalid_input", message, {
    details: { no_plan: true, files: files.slice(0, 20).map(({ path }) => path) },
  });
}

interface Taken {
  readonly plan: ForeignPlan;
  readonly step: string;
  readonly input: ImportInput;
}

async function takePlan(host: OperationHost, { plan, step, input }: Taken) {
  const query = function* (ctx: EngineContext) {
    return yield* prepareImport(ctx, yield* projectAtHand(ctx, input.project), { plan, name: input.name });
  };
  if (input.apply !== true) {
    const { outlook } = await host.read(query);
    return planOutcome(outlook, { applied: false, run: outlook.run, limit: input.items_max });
  }
  const before = await prepared(host, query);
  return host.transact(function* (ctx) {
    const { name: agent } = yield* actingAgent(ctx, input.agent);
    const project = yield* requireProject(ctx, input.project);
    const { name, remove } = input;
    const { outlook, run } = yield* importPlan(ctx, project, { plan, name, remove, agent, before });
    return planOutcome(outlook, { applied: true, run, limit: input.items_max });
  }, step);
}

async function storeWorkflow(host: OperationHost, document: string, { agent, project: reference, name }: ImportInput) {
  const before = await prepared(host, (ctx) => prepareWorkflow(ctx, reference, readImported(ctx, { document, name })));
  return host.transact(function* (ctx) {
    const read = before?.limits === ctx.settings ? before.read : readImported(ctx, { document, name });
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
  });
}

function readImported({ settings: limits }: EngineContext, given: { document: string; name: string | undefined }) {
  const { definition, ...rest } = readWfFormat(given.document, limits);
  const named = given.name === undefined ? definition : { ...definition, name: given.name };
  return { parsed: requireDefinition(named, { limits }), ...rest };
}
