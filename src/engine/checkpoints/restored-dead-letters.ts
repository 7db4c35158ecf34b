import {
  closeDeadLetter,
  insertDeadLetters,
  type PendingDeadLetter,
  pendingDeadLettersOf,
} from "../../store/dead-letters/dead-letters.js";
import type { Run } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";

export interface RestoredDeadLetters {
  readonly run: Pick<Run, "id" | "project">;
  /** Dead letters that were open at the time. */
  readonly deadLetters: readonly PendingDeadLetter[];
  readonly by: string;
  readonly note: string;
}

/** Opens the dead letters of a run that were open at a time, and no others. One that was closed since is written anew. */
export function* restoreDeadLetters(ctx: EngineContext, { run, deadLetters, by, note }: RestoredDeadLetters): Tx<void> {
  const missing = new Map(deadLetters.map((deadLetter) => [deadLetter.task, deadLetter]));
  for (const open of yield* pendingDeadLettersOf(run.id)) {
    const wanted = missing.get(open.task);
    if (wanted && JSON.stringify(wanted.error) === JSON.stringify(open.error)) missing.delete(open.task);
    else yield* closeDeadLetter({ id: open.id, to: "replayed", at: ctx.now, by, note });
  }
  yield* insertDeadLetters(
    [...missing.values()].map(({ task, error }) => ({
      id: ctx.newId("dead"),
      task,
      error,
      run: run.id,
      project: run.project,
      createdAt: ctx.now,
      // The person who restored the run decides on it now.
      dueAt: null,
    })),
  );
}
