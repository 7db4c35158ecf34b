import type { RunShape } from "../../store/runs/runs.js";
import { fileProblems } from "../definitions/analysis.js";
import { type Definition, definitionDag, type Parsed, type Step } from "../definitions/definition.js";
import { shapeOf } from "../graph/shape.js";
import type { Problem } from "../../base/problems.js";
import { type Project, spaceOnDisk } from "../projects/projects.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { draftStep, type PathContext, type StepDraft } from "./instantiate.js";
import { withLearnedEstimates } from "./learned-estimates.js";
import { isKnownAtStart } from "./values.js";

/**
 * The parts of a run that depend on the definition and the project alone. They take much longer to make than to write,
 * so they are made before the transaction that starts the run.
 */
export interface RunDraft {
  readonly parsed: Parsed;
  readonly project: Project;
  /** The definition as it is stored. */
  readonly text: string;
  readonly shape: RunShape;
  /** The steps, with the estimates that were learned for those that name none. */
  readonly estimated: readonly Step[];
  /** By key. */
  readonly ranks: ReadonlyMap<string, number>;
  /** Drafts of the steps that do not change once the run's values are known, by key. */
  readonly steps: ReadonlyMap<string, StepDraft>;
  /** Paths that the project cannot take; undefined where that hangs on the run's values. */
  readonly problems: readonly Problem[] | undefined;
}

/** Drafts a run before its transaction. Errors: `invalid_input` for a path of a compensation that the project cannot take. */
export function* draftRun(ctx: EngineContext, parsed: Parsed, project: Project): Tx<RunDraft> {
  return draftOf(ctx, { parsed, project }, yield* withLearnedEstimates(ctx, parsed.definition.steps));
}

/** Drafts a run within its transaction, where all evidence is too much to read: steps without an estimate have the default. Errors: as `draftRun`. */
export function draftNow(ctx: EngineContext, parsed: Parsed, project: Project): RunDraft {
  return draftOf(ctx, { parsed, project }, parsed.definition.steps);
}

function draftOf(
  ctx: EngineContext,
  { parsed, project }: Pick<RunDraft, "parsed" | "project">,
  steps: readonly Step[],
): RunDraft {
  const { source } = parsed;
  const definition = { steps };
  const dag = definitionDag(definition);
  const fixed = fixedSteps(definition);
  const problems = fileProblems({ steps: fixed }, spaceOnDisk(ctx, project));
  return {
    parsed,
    project,
    text: JSON.stringify(source),
    shape: shapeOf(dag),
    estimated: definition.steps,
    ranks: dag.upwardRanks(),
    steps: problems.length > 0 ? new Map() : draftSteps(ctx, project, definition),
    problems: fixed.length === definition.steps.length ? problems : undefined,
  };
}

/** Drafts the steps that no value of the run changes, by key. Errors: as `draftStep`. */
export function draftSteps(
  ctx: PathContext,
  project: Project,
  definition: Pick<Definition, "steps">,
): Map<string, StepDraft> {
  return new Map(fixedSteps(definition).map((step) => [step.key, draftStep(ctx, project, step)]));
}

function fixedSteps({ steps }: Pick<Definition, "steps">): Step[] {
  return steps.filter((step) => !isKnownAtStart(step));
}

/** Whether a draft is of this definition and still holds for the project as it is now. */
export function holdsFor(draft: Pick<RunDraft, "parsed" | "project">, parsed: Parsed, project: Project): boolean {
  const { id, root, caseInsensitive, config } = draft.project;
  const samePlace = root === project.root && caseInsensitive === project.caseInsensitive;
  return draft.parsed === parsed && id === project.id && samePlace && config.worktrees === project.config.worktrees;
}
