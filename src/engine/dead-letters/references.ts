import { BatonError } from "../../base/errors.js";
import * as deadLetters from "../../store/dead-letters/dead-letters.js";
import type { Tx } from "../../store/tx.js";
import { requireTask } from "../lookup.js";

/**
 * The id behind a reference: an id, or a task's (also `RUN/KEY`), which stands for its pending dead letter, else for its newest.
 * Errors: `not_found` for a task that is none, or that has none.
 */
export function* deadLetterId(reference: string): Tx<string> {
  if (!reference.startsWith("task_") && !reference.includes("/")) return reference;
  const { task } = yield* requireTask(reference);
  const id = (yield* deadLetters.openDeadLetterOf(task.id)) ?? (yield* deadLetters.newestDeadLetterOf(task.id));
  if (id !== undefined) return id;
  throw new BatonError("not_found", `Task ${task.key} (${task.id}) is ${task.status} and has no dead letter.`, {
    details: { task: task.id, status: task.status },
    next: [{ tool: "get_task", arguments: { task: task.id } }],
  });
}
