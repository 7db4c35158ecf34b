import type { EngineContext } from "../engine/context.js";
import { BatonError } from "../base/errors.js";
import { hint } from "../base/names.js";
import type { Tx } from "../store/tx.js";
import { leadMeeting } from "./lead-meeting.js";
import { planGoal } from "./plan-goal.js";
import type { PromptArguments, Prompt } from "./prompt.js";
import { reviewRun } from "./review-run.js";
import { triageDeadLetters } from "./triage-dead-letters.js";
import { reviewTask } from "./review-task.js";
import { workLoop } from "./work-loop.js";

export const prompts: readonly Prompt[] = [planGoal, workLoop, reviewRun, reviewTask, leadMeeting, triageDeadLetters];

/** Errors: `invalid_input` for a name that is none. */
export function requirePrompt(name: string): Prompt {
  const prompt = prompts.find((one) => one.name === name);
  if (prompt !== undefined) return prompt;
  const names = prompts.map((one) => one.name);
  throw new BatonError("invalid_input", `Unknown prompt "${name.slice(0, 100)}"${hint(name, names)}.`, {
    details: { known: names },
  });
}

/** Errors: `invalid_input` for a prompt or argument that is none, or one that is missing; `not_found`. */
export function* composePrompt(ctx: EngineContext, name: string, values: Readonly<Record<string, unknown>>) {
  const prompt = requirePrompt(name);
  return { description: prompt.description, text: yield* prompt.compose(ctx, givenTo(prompt, values)) };
}

/** Values for an argument of a prompt. Errors: `invalid_input` for a prompt that is none. */
export function* completeArgument(name: string, argument: string, typed: string): Tx<string[]> {
  const wanted = requirePrompt(name).arguments.find((one) => one.name === argument);
  return wanted?.complete === undefined ? [] : yield* wanted.complete(typed);
}

function givenTo(prompt: Prompt, values: Readonly<Record<string, unknown>>): PromptArguments {
  const known = prompt.arguments.map((one) => one.name);
  const stranger = Object.keys(values).find((one) => !known.includes(one));
  if (stranger !== undefined) {
    const message = `The prompt ${prompt.name} has no argument "${stranger.slice(0, 100)}"${hint(stranger, known)}.`;
    throw new BatonError("invalid_input", message, { details: { known } });
  }
  const optional = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
  };
  const missing = prompt.arguments.find((one) => one.required && optional(one.name) === undefined);
  if (missing !== undefined) {
    const message = `The prompt ${prompt.name} needs the argument "${missing.name}": ${missing.description}`;
    throw new BatonError("invalid_input", message);
  }
  return {
    optional,
    required: (name) => {
      const value = optional(name);
      if (value === undefined) throw new Error(`the prompt ${prompt.name} does not require ${name}`);
      return value;
    },
  };
}
