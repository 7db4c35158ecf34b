import type { ConflictRecord } from "../../../store/conflicts/conflicts.js";
import { findTasks } from "../../../store/tasks/lists.js";
import type { Tx } from "../../../store/tx.js";
import { addressOf } from "../../channels/addresses.js";
import { beginThread } from "../../channels/messages.js";
import { type EngineContext, SERVER } from "../../context.js";

/** Tells the holder of a task by a message to bring it up to date with another's work, and in which files the two do not merge. */
export function* tellToRebase(
  ctx: EngineContext,
  { parties }: ConflictRecord,
  { task: id, onto }: { readonly task: string; readonly onto: string },
): Tx<void> {
  const [task] = yield* findTasks([id]);
  const other = parties.find((party) => party.task === onto);
  if (!task || task.agent === null || !other) return;
  const { project, run, key, agent } = task;
  const where = other.workTree === undefined ? "" : ` in ${other.workTree}`;
  yield* beginThread(ctx, {
    project,
    run,
    task: null,
    address: addressOf({ kind: "agent", name: agent }, project),
    sender: SERVER,
    type: "inform",
    subject: `${key} comes after ${other.key ?? onto}`,
    body: `Your work on ${key} and that of ${other.agent ?? "another agent"} on ${other.key ?? onto}${where} do not merge: ${(other.paths ?? []).join(", ")}. Theirs goes first. Before you complete, rebase on it or merge it; agree with them on what is not committed yet.`,
    data: null,
  });
}
