import { z } from "zod";
import { actingAgent } from "../engine/agents/agents.js";
import { BatonError } from "../base/errors.js";
import { hint, isName, NAME_RULE } from "../base/names.js";
import { taskLine } from "../engine/tasks/views.js";
import { signal as giveSignal } from "../engine/signals/signals.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

const EVENTS_NAMED_MAX = 10;

/** Says that no step took the event, with those that steps do wait for: the name may have been mistyped. */
function keptNote(event: string, awaited: readonly string[]): string {
  const others = awaited.slice(0, EVENTS_NAMED_MAX).join(", ");
  const now = others === "" ? "No step waits for an event now." : `Steps wait now for: ${others}.`;
  return `No step waits for "${event}"${hint(event, awaited)}: it is kept for the first that will. ${now}`;
}

export const signal = defineOperation({
  name: "signal",
  title: "Deliver an event",
  description:
    "Delivers an event to the wait steps of a run, or to one of them, that expect it; kept for the first such step where none waits yet. Returns the tasks that waited and those that became ready.",
  area: "runs",
  effect: "write",
  words: ["send an event", "wake a waiting step"],
  example: { run: "run_…", event: "merged" },
  input: z.object({
    run: params.run.optional(),
    task: params.task.optional().describe("Instead of run: one task, from list_tasks."),
    event: z
      .string()
      .min(1)
      .max(100)
      .refine(isName, { error: `must be the name of an event: ${NAME_RULE}` })
      .describe("As the wait step names it."),
    payload: params.json.optional().describe("Any JSON: `payload` in the output of the steps that waited."),
    ...params.acting,
  }),
  output: z.object({
    delivered: z.array(shapes.taskLine),
    ready: z.array(shapes.taskLine),
    kept: z.boolean(),
    note: z.string().optional(),
  }),
  *run(ctx, input) {
    if ((input.run === undefined) === (input.task === undefined))
      throw new BatonError(
        "invalid_input",
        "Pass either run, for every task that waits for the event, or task, for one.",
      );
    const agent = yield* actingAgent(ctx, input.agent);
    const { delivered, ready, kept, awaited } = yield* giveSignal(ctx, { ...input, agent: agent.name });
    const note = kept ? { note: keptNote(input.event, awaited) } : {};
    return { delivered: delivered.map(taskLine), ready: ready.map(taskLine), kept, ...note };
  },
});
