import type { Task, TaskSpec } from "../../store/tasks/tasks.js";
import type { EngineContext } from "../context.js";
import { BatonError, type NextCall } from "../../base/errors.js";
import { checkOutput } from "../definitions/output-check.js";
import { pathText, type Problem, problemText } from "../../base/problems.js";
import { flawsOf } from "../../base/texts/stored-values.js";

/** Returns the reasons why a result does not fit its step's output schema; empty where it fits, or where there is none. */
export function unfitness({ output }: Pick<TaskSpec, "output">, result: unknown): Problem[] {
  return output === undefined ? [] : checkOutput(output, result ?? null);
}

/**
 * Returns the value of which a result is the JSON text, where the output schema asks for a value and no text fits it: a client that writes
 * every parameter as a text means that.
 */
export function asAsked(spec: Pick<TaskSpec, "output">, result: unknown): unknown {
  if (typeof result !== "string" || unfitness(spec, result).length === 0) return result;
  try {
    const value = JSON.parse(result) as unknown;
    // The problems of an object are told by its fields; another value is taken only where it fits.
    return (typeof value === "object" && value !== null) || unfitness(spec, value).length === 0 ? value : result;
  } catch {
    return result;
  }
}

export function listed(problems: readonly Problem[]): string {
  return problems.map(problemText).join("; ");
}

/** A result, and the next calls of its author where it is refused. */
export interface GivenResult {
  readonly result: unknown;
  readonly again: { readonly said: string; readonly next: NextCall };
}

/** Errors: `limit_exceeded` above the bound of a result, `invalid_input` for one that the store cannot keep as given. */
export function requireStorable(ctx: EngineContext, task: Task, given: GivenResult): void {
  requireSize(task, given, ctx.settings.payload_bytes_max);
  requireFlawless(task, given);
}

/** Errors: `invalid_input` for a result that the store cannot keep as given. */
export function requireFlawless(task: Task, { result, again }: GivenResult): void {
  const flaws = flawsOf(result, Infinity);
  if (flaws.length === 0) return;
  const problems = flaws.map(({ path, message }) => ({ path: pathText(["result", ...path]), message }));
  throw new BatonError("invalid_input", `The result cannot be stored: ${listed(problems)}. ${again.said}`, {
    details: { task: task.id, problems },
    next: [again.next],
  });
}

/** Bytes of a result as JSON. */
export function resultBytes(result: unknown): number {
  return result === undefined ? 0 : Buffer.byteLength(JSON.stringify(result));
}

function requireSize({ kind }: Task, { result, again }: GivenResult, max: number): void {
  const bytes = resultBytes(result);
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
