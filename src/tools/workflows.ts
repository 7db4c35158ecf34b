import { STEERING_ROLES } from "../base/statuses.js";
import { idleKeyWarnings } from "../engine/workflows/idle-keys.js";
import { findResourceSuggestions } from "../engine/learning/resource-suggestions.js";
import { withLearnedEstimates } from "../engine/steps/learned-estimates.js";
import { impossibleResources } from "../engine/resources/impossible.js";
import { serialWork } from "../engine/workflows/serial-work.js";
import { unitWarnings } from "../engine/workflows/unit-warnings.js";
import { z } from "zod";
import { actingAs } from "../engine/agents/agents.js";
import { countCommands, WAYS_TO_A_ROOT } from "../engine/policy/command-place.js";
import { analyse, fileProblems } from "../engine/definitions/analysis.js";
import { type Definition, type Parsed, parseDefinition, requireDefinition } from "../engine/definitions/definition.js";
import type { EngineContext } from "../engine/context.js";
import { BatonError } from "../base/errors.js";
import { iso } from "../base/time.js";
import { isName, NAME_RULE } from "../base/names.js";
import { toMermaid } from "../engine/graph/diagrams.js";
import { findProject, spaceOnDisk } from "../engine/projects/projects.js";
import { projectAtHand, requireProject } from "../engine/projects/creation.js";
import * as workflows from "../engine/workflows/workflows.js";
import {
  definition,
  DEFINITION_EXAMPLE,
  withStepsGathered,
  type WrittenDefinition,
  writtenDefinition,
  yaml,
} from "../dispatch/definition-param.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import { count, instant, nextPage } from "../dispatch/shapes.js";

const reference = z.string().min(1).max(300).describe("Workflow name or id, from list_workflows.");
const keys = z.array(z.string()).readonly();

export const workflowLine = z.object({ id: z.string(), name: z.string(), version: z.int(), steps: z.int() });
const workflowFields = { ...workflowLine.shape, steps: count, project: z.string() };

/** The line of a workflow, without its project. */
export function workflowLineOf({ id, name: itsName, version, steps }: workflows.Workflow) {
  return { id, name: itsName, version, steps };
}

function line(workflow: workflows.Workflow) {
  return { ...workflowLineOf(workflow), project: workflow.project };
}

const problem = z.object({
  path: z.string(),
  step: z.string().optional(),
  line: z.int().optional(),
  message: z.string(),
  cycle: keys.optional(),
  limit: z.literal(true).optional(),
});

const create = defineOperation({
  name: "create_workflow",
  title: "Create a workflow",
  description:
    "Stores a definition for plans that run again, as the next version where it differs; execute_workflow starts one at once. Returns the workflow, or every problem with its place.",
  area: "workflows",
  effect: "write",
  listed: true,
  words: ["save a plan", "format of a step"],
  example: { definition: DEFINITION_EXAMPLE },
  takesSteps: true,
  translate: withStepsGathered,
  input: z.object({
    name: params.name.optional(),
    definition,
    yaml,
    project: params.project,
    ...params.acting,
  }),
  output: z.object({ workflow: z.object(workflowFields), created: z.boolean() }),
  prepare: (input) => (ctx) => workflows.prepareWorkflow(ctx, input.project, { parsed: readNamed(ctx, input) }),
  *run(ctx, { agent, ...input }, before) {
    const parsed = before?.limits === ctx.settings ? before.read.parsed : readNamed(ctx, input);
    const acting = yield* actingAs(ctx, agent);
    const project = yield* requireProject(acting, input.project);
    const { workflow, created } = yield* workflows.createWorkflow(acting, project, { parsed, draft: before?.draft });
    return { workflow: line(workflow), created };
  },
});

function readNamed(
  { settings: limits }: EngineContext,
  input: WrittenDefinition & { name?: string | undefined },
): Parsed {
  const { name } = input;
  const parsed = requireDefinition(writtenDefinition(input), { limits, ...(name !== undefined && { name }) });
  checkName(name, parsed);
  return parsed;
}

/** A workflow is found again by its name, so it has exactly one. */
function checkName(given: string | undefined, { definition: { name: read }, source }: Parsed): void {
  if (given === undefined && source["name"] === undefined) {
    throw new BatonError("invalid_input", "The workflow needs a name: pass name, or put it into the definition.");
  }
  if (!isName(read)) {
    throw new BatonError("invalid_input", `"${read}" cannot be the name of a workflow: it needs ${NAME_RULE}.`);
  }
  if (given === undefined || given === read) return;
  const message = `The name "${given}" differs from the definition's name "${read}": pass one of them.`;
  throw new BatonError("invalid_input", message, { details: { name: given, definition_name: read } });
}

const performance = {
  runs: count,
  active_runs: count,
  success_rate: z.number().nullable(),
  typical_duration_ms: z.int().nullable(),
} as const;

const list = defineOperation({
  name: "list_workflows",
  title: "List workflows",
  description:
    "Lists a project's workflows by name with version, steps, runs, and the success rate and typical duration of the " +
    "newest 100 finished runs. Use it before execute_workflow to see what is stored.",
  area: "workflows",
  effect: "read",
  input: z.object({ project: params.project, ...params.paging }),
  output: z.object({
    workflows: z.array(z.object({ ...workflowFields, updated_at: instant, ...performance })),
    ...nextPage,
  }),
  *run(ctx, { project: wanted, limit, cursor }) {
    const project = yield* projectAtHand(ctx, wanted);
    if (project === undefined) return { workflows: [] };
    const { lines, next } = yield* workflows.listWorkflows({ project: project.id, limit, after: cursor });
    return {
      workflows: lines.map(({ workflow, performance: figures }) => ({
        ...line(workflow),
        updated_at: iso(workflow.updatedAt),
        ...figures,
      })),
      ...next,
    };
  },
});

const inputShape = z.object({
  type: z.string(),
  required: z.boolean(),
  default: z.unknown().optional(),
  description: z.string().optional(),
  enum: z.array(z.unknown()).readonly().optional(),
});

const PICTURE_STEPS_MAX = 200;

const get = defineOperation({
  name: "get_workflow",
  title: "Get a workflow",
  description:
    "Shows a stored workflow: the definition as written, its inputs, a Mermaid diagram, and how its runs went. " +
    "Use it before running or changing one.",
  area: "workflows",
  effect: "read",
  aliases: ["get_performance_summary"],
  input: z.object({
    name: reference,
    version: z.int().min(1).optional().describe("Default: the newest."),
    project: params.project,
  }),
  output: z.object({
    workflow: z.object({ ...workflowFields, newest_version: z.int(), created_by: z.string(), created_at: instant }),
    definition: z.record(z.string(), z.unknown()),
    inputs: z.record(z.string(), inputShape),
    picture: z.string(),
    performance: z.object(performance),
  }),
  *run(ctx, { name: wanted, version, project: inProject }) {
    const project = yield* projectAtHand(ctx, inProject);
    const found = yield* workflows.requireWorkflow(ctx, project, { workflow: wanted, version });
    const [figures] = yield* workflows.performanceOf([found.workflow]);
    if (figures === undefined) throw new Error("one workflow, no performance");
    return {
      workflow: {
        ...line(found.workflow),
        steps: found.definition.steps.length,
        version: found.version.version,
        newest_version: found.workflow.version,
        created_by: found.version.createdBy,
        created_at: iso(found.version.createdAt),
      },
      definition: found.source,
      inputs: found.definition.inputs,
      picture: pictureOf(found.definition),
      performance: figures,
    };
  },
});

function pictureOf({ steps }: Definition): string {
  return toMermaid(steps, { maxNodes: PICTURE_STEPS_MAX });
}

const validate = defineOperation({
  name: "validate_workflow",
  title: "Validate a workflow",
  description:
    "Checks a definition without storing it. Returns every problem with its place, cycles with their path; or for a valid one its waves, critical path, width, estimate (by what types have taken where steps name none), warnings where steps wait for each other's files, and resources that command steps had better reserve.",
  area: "workflows",
  effect: "read",
  words: ["check a plan", "detect a dependency cycle", "estimate resource requirements"],
  example: { definition: DEFINITION_EXAMPLE },
  takesSteps: true,
  input: z.object({ definition, yaml, project: params.project }),
  output: z.object({
    valid: z.boolean(),
    problems: z.array(problem),
    steps: count.optional(),
    waves: z.array(keys).readonly().optional(),
    width: count.optional(),
    depth: count.optional(),
    critical_path: z.object({ keys, total_ms: count }).optional(),
    work_ms: count.optional(),
    estimate_ms: count.optional(),
    learned_estimates: count.optional(),
    serial_fraction: z.number().optional(),
    bottlenecks: z
      .array(z.object({ path: z.string(), steps: count, share: z.number() }))
      .readonly()
      .optional(),
    warnings: z.array(z.string()).readonly().optional(),
    suggested_resources: z
      .array(
        z.object({
          steps: keys,
          more: count.optional(),
          task_type: z.string(),
          resources: z.record(z.string(), z.record(z.string(), z.number())),
          reason: z.string(),
        }),
      )
      .optional(),
    picture: z.string().optional(),
  }),
  *run(ctx, input) {
    const parsed = parseDefinition(writtenDefinition(input), { limits: ctx.settings });
    if ("problems" in parsed) return { valid: false, problems: parsed.problems };
    // Without a project the paths are checked for all but the place of an absolute one.
    const project = yield* findProject(ctx, input.project);
    const space = project ? spaceOnDisk(ctx, project) : { root: ctx.caller.workplace.gitRoot, caseInsensitive: false };
    const problems = fileProblems(parsed.definition, space);
    if (problems.length > 0) return { valid: false, problems };
    const written = parsed.definition.steps;
    const expected = { ...parsed.definition, steps: yield* withLearnedEstimates(ctx, written) };
    const analysed = analyse(expected, space);
    const { critical_path: path, ...analysis } = analysed;
    const { warnings: serial, ...serialised } = serialWork(expected, analysed, space);
    const commands = space.root === null ? countCommands(written) : 0;
    const suggested = yield* findResourceSuggestions(ctx, written);
    const learned = expected.steps.filter(({ estimate_ms: ms }, at) => ms !== written[at]?.estimate_ms).length;
    const warnings = [
      ...(analysis.warnings ?? []),
      ...serial,
      ...(yield* impossibleResources(ctx, parsed.definition.steps)),
      ...unitWarnings(parsed.source),
      ...idleKeyWarnings(parsed.source),
      ...(commands > 0 ? [`${commands} command steps have no directory to run in: ${WAYS_TO_A_ROOT}.`] : []),
    ];
    return {
      valid: true,
      problems: [],
      steps: written.length,
      ...analysis,
      ...(learned > 0 && { learned_estimates: learned }),
      ...serialised,
      ...(warnings.length > 0 && { warnings }),
      ...(suggested.length > 0 && { suggested_resources: suggested }),
      critical_path: { keys: path.keys, total_ms: path.totalMs },
      picture: pictureOf(parsed.definition),
    };
  },
});

const remove = defineOperation({
  name: "delete_workflow",
  title: "Delete a workflow",
  description:
    "Archives a workflow, so that it is no longer listed or started; its runs keep their definition. create_workflow " +
    "with the same name restores it with the next version. Returns the workflow.",
  area: "workflows",
  effect: "destructive",
  permission: STEERING_ROLES,
  input: z.object({ name: reference, project: params.project, ...params.acting }),
  output: z.object({ workflow: z.object({ ...workflowFields, archived_at: instant }) }),
  *run(ctx, { agent, name: wanted, project: inProject }) {
    const acting = yield* actingAs(ctx, agent);
    const project = yield* projectAtHand(acting, inProject);
    const archived = yield* workflows.deleteWorkflow(acting, project, wanted);
    return { workflow: { ...line(archived), archived_at: iso(archived.updatedAt) } };
  },
});

export const workflowOperations = [create, list, get, validate, remove] as const;
