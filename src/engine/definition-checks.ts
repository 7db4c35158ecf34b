import type { WrittenStep } from "./definition-schema.js";
import { addSchemaProblems } from "./output-schema.js";
import type { Problems } from "./problems.js";
import type { Settings } from "./settings.js";

/** What the settings say of definitions: their bounds, and what holds of a step that does not say. */
export type DefinitionLimits = Pick<
  Settings,
  "open_tasks_max" | "depth_max" | "payload_bytes_max" | "patterns_max" | "retry_attempts" | "task_timeout_ms"
>;

/** Where a step stands, and what it is held against. */
export interface StepChecks {
  readonly at: string;
  readonly limits: DefinitionLimits;
  readonly problems: Problems;
}

/** What is wrong with one step by itself, which no schema says: sizes, and the schema of its result. */
export function addStepProblems(step: WrittenStep, { at, limits, problems }: StepChecks): void {
  const bytes = Buffer.byteLength(JSON.stringify(step));
  if (bytes > limits.payload_bytes_max) {
    const message = `takes ${bytes} bytes, the limit is ${limits.payload_bytes_max}: put large texts into files`;
    problems.add({ path: at, step: step.key, message, limit: true });
  }
  const patterns = (step.files?.write?.length ?? 0) + (step.files?.read?.length ?? 0);
  if (patterns > limits.patterns_max) {
    const message = `${patterns} patterns, the limit is ${limits.patterns_max}: name directories`;
    problems.add({ path: `${at}.files`, step: step.key, message, limit: true });
  }
  if (step.output !== undefined) addSchemaProblems(step.output, { path: `${at}.output`, step: step.key, problems });
}
