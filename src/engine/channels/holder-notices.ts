import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { type EngineContext, SERVER } from "../context.js";
import { addressOf } from "./addresses.js";
import { beginThread } from "./messages.js";

/** Tells the holder of a task by a message from the server, which reaches one that reports nothing too. Nothing for a task that no agent holds. */
export function* tellHolder(
  ctx: EngineContext,
  { agent, project, run }: Pick<Task, "agent" | "project" | "run">,
  text: { readonly subject: string; readonly body: string },
): Tx<void> {
  if (agent === null) return;
  const address = addressOf({ kind: "agent", name: agent }, project);
  yield* beginThread(ctx, { project, run, task: null, address, sender: SERVER, type: "inform", ...text, data: null });
}
