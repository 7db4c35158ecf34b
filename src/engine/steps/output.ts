import type { Task, TaskSpec } from "../../store/tasks/tasks.js";
import type { EngineContext } from "../context.js";
import { BatonError, type NextCall } from "../../base/errors.js";
import { checkOutput } from "../definitions/json-schema.js";
import { type Problem, problemText } from "../../base/problems.js";

/** Returns the reasons why a result does not fit its step's output schema; empty where it fits, or where there is none. */
export function unfitness({ output }: Pick<TaskSpec, "output">, result: unknown): Problem[] {
  return output === undefined ? [] : checkOutput(output, result ?? null);
}

export function listed(problems: readonly Problem[]): string {
  return problems.map(problemText).join("; ");
}

/** A result, and the next calls of its author where it is refused. */
export interface GivenResult {
  readonly result: unknown;
  readonly again: { readonly said: string; readonly next: NextCall };
}

/** Errors: `limit_exceeded`. */
export function requireSize(ctx: EngineContext, { kind }: Task, { result, again }: GivenResult): void {
  const bytes = result === undefined ? 0 : Buffer.byteLength(JSON.stringify(result));
  const max = ctx.settings.payload_bytes_max;
  if (bytes <= max) return;
  const instead =
    kind === "plan"
      ? "Plan in larger steps, with for_each for many alike, or let a step of kind plan find out the rest."
      : "Write the bulk to a file in the project and give its path as the result.";
  throw new BatonError(
    "limit_exceeded",
    `The result has ${bytes} bytes; at most ${max} fit. ${instead} ${again.said}`,
    {
      details: { bytes, max },
      next: [again.next],
    },
  );
}
