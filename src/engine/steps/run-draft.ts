import type { RunShape } from "../../store/runs/runs.js";
import { fileProblems } from "../definitions/analysis.js";
import { definitionDag, type Parsed, type Step } from "../definitions/definition.js";
import { shapeOf } from "../graph/shape.js";
import type { Problem } from "../../base/problems.js";
import type { Project } from "../projects/projects.js";
import { draftStep, type StepDraft } from "./instantiate.js";
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
  /** By key. */
  readonly ranks: ReadonlyMap<string, number>;
  /** Drafts of the steps that do not change once the run's values are known. */
  readonly steps: ReadonlyMap<Step, StepDraft>;
  /** Paths that the project cannot take; undefined where that hangs on the run's values. */
  readonly problems: readonly Problem[] | undefined;
}

/** Errors: `invalid_input` for a path of a compensation that the project cannot take. */
export function draftRun(parsed: Parsed, project: Project): RunDraft {
  const { definition, source } = parsed;
  const dag = definitionDag(definition);
  const fixed = definition.steps.filter((step) => !isKnownAtStart(step));
  const problems = fileProblems({ steps: fixed }, project);
  return {
    parsed,
    project,
    text: JSON.stringify(source),
    shape: shapeOf(dag),
    ranks: dag.upwardRanks(),
    steps: new Map(problems.length > 0 ? [] : fixed.map((step) => [step, draftStep(project, step)])),
    problems: fixed.length === definition.steps.length ? problems : undefined,
  };
}

/** Whether a draft is of this definition and still holds for the project as it is now. */
export function holdsFor(draft: RunDraft, parsed: Parsed, project: Project): boolean {
  const { id, root, caseInsensitive } = draft.project;
  return (
    draft.parsed === parsed && id === project.id && root === project.root && caseInsensitive === project.caseInsensitive
  );
}
