import type { JsonObject } from "../../base/json.js";
import { BatonError } from "../../base/errors.js";
import type { WorkflowVersion } from "../../store/workflows/workflows.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { type Parsed, requireDefinition } from "../definitions/definition.js";
import type { DefinitionLimits } from "../definitions/step-checks.js";
import { type Project, spaceOnDisk } from "../projects/projects.js";
import { impossibleResources } from "../resources/impossible.js";
import { draftRun, type RunDraft } from "../steps/run-draft.js";
import { bottleneckWarnings } from "../workflows/serial-work.js";
import { requireVersion, type Workflow } from "../workflows/workflows.js";

// Reading and checking a definition of thousands of steps takes longer than writing its run. It is done before the transaction, which
// looks again which definition that is, and does it itself where that has changed.

/** Which definition a run is to be of: a stored one or one given, and what the caller says differently. */
export interface DefinitionChoice {
  readonly workflow?: string | undefined;
  readonly version?: number | undefined;
  readonly definition?: JsonObject | undefined;
  readonly overrides: JsonObject;
}

/** The definition that is meant, before it is read. */
export interface ChosenDefinition {
  readonly limits: DefinitionLimits;
  readonly overrides: JsonObject;
  readonly given?: JsonObject | undefined;
  readonly stored?: { readonly workflow: Workflow; readonly version: WorkflowVersion } | undefined;
}

/** Errors: `invalid_input` for both or neither; those of `requireVersion`. */
export function* chooseDefinition(
  ctx: EngineContext,
  project: Project | undefined,
  { workflow, version, definition: given, overrides }: DefinitionChoice,
): Tx<ChosenDefinition> {
  if ((workflow === undefined) === (given === undefined)) {
    throw new BatonError(
      "invalid_input",
      "Give either workflow, the name of a stored one, or definition, the steps themselves.",
      {
        next: [{ tool: "query_operation", arguments: { name: "list_workflows", arguments: {} } }],
      },
    );
  }
  const stored = workflow === undefined ? undefined : yield* requireVersion(project, { workflow, version });
  return { limits: ctx.settings, overrides, given, stored };
}

/** A definition that has been read, with the draft of its run where its project is there already. */
export interface Preparation {
  readonly chosen: ChosenDefinition;
  readonly parsed: Parsed;
  readonly draft?: RunDraft | undefined;
  /** Files whose locks bound how many of its steps get on at a time, and resources that no claim could allocate. */
  readonly warnings: readonly string[];
}

/** Errors: `invalid_input` and `limit_exceeded` for a definition that cannot be used. */
export function* prepareRun(ctx: EngineContext, chosen: ChosenDefinition, project?: Project): Tx<Preparation> {
  const parsed = readChosen(chosen);
  const draft = project && (yield* draftRun(ctx, parsed, project));
  const { definition } = parsed;
  const space = project ? spaceOnDisk(ctx, project) : { root: ctx.caller.workplace.gitRoot, caseInsensitive: false };
  const serial = bottleneckWarnings({ ...definition, steps: draft?.estimated ?? definition.steps }, space);
  const warnings = [...serial, ...(yield* impossibleResources(ctx, definition.steps))];
  return { chosen, parsed, draft, warnings };
}

/**
 * Returns the preparation, if it is of the definition that is meant now; else prepares that one. Errors: as
 * `prepareRun`.
 */
export function preparedFor(chosen: ChosenDefinition, before: Preparation | undefined): Preparation {
  return before && isSame(before.chosen, chosen) ? before : { chosen, parsed: readChosen(chosen), warnings: [] };
}

function readChosen({ limits, overrides, given, stored }: ChosenDefinition): Parsed {
  if (stored === undefined) return requireDefinition({ ...given, ...overrides }, { limits });
  // Written by createWorkflow from an object.
  const source = JSON.parse(stored.version.definition) as JsonObject;
  return requireDefinition({ ...source, ...overrides }, { limits, name: stored.workflow.name });
}

// A version never changes, and what is given comes with the call.
function isSame(one: ChosenDefinition, other: ChosenDefinition): boolean {
  return (
    one.stored?.workflow.id === other.stored?.workflow.id &&
    one.stored?.version.version === other.stored?.version.version &&
    JSON.stringify(one.limits) === JSON.stringify(other.limits)
  );
}
