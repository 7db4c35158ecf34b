import type { TaskSpec } from "../store/tasks.js";
import { checkOutput } from "./output-schema.js";
import { type Problem, problemText } from "./problems.js";

/** What keeps a result from being what its step asks for; empty where it fits, or where the step asks for nothing. */
export function unfitness({ output }: Pick<TaskSpec, "output">, result: unknown): Problem[] {
  return output === undefined ? [] : checkOutput(output, result ?? null);
}

export function listed(problems: readonly Problem[]): string {
  return problems.map(problemText).join("; ");
}
