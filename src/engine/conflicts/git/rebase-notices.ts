import type { ConflictRecord } from "../../../store/conflicts/conflicts.js";
import { findTasks } from "../../../store/tasks/lists.js";
import type { Tx } from "../../../store/tx.js";
import { tellHolder } from "../../channels/holder-notices.js";
import type { EngineContext } from "../../context.js";

/** Tells the holder of a task by a message to bring it up to date with another's work, and in which files the two do not merge. */
export function* tellToRebase(
  ctx: EngineContext,
  { parties }: ConflictRecord,
  { task: id, onto }: { readonly task: string; readonly onto: string },
): Tx<void> {
  const [task] = yield* findTasks([id]);
  const other = parties.find((party) => party.task === onto);
  if (!task || !other) return;
  const { key } = task;
  const where = other.workTree === undefined ? "" : ` in ${other.workTree}`;
  yield* tellHolder(ctx, task, {
    subject: `${key} comes after ${other.key ?? onto}`,
    body: `Your work on ${key} and that of ${other.agent ?? "another agent"} on ${other.key ?? onto}${where} do not merge: ${(other.paths ?? []).join(", ")}. Theirs goes first. Before you complete, rebase on it or merge it; agree with them on what is not committed yet.`,
  });
}
