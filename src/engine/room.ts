import type { Run } from "../store/runs.js";
import { sumOpenTasks } from "../store/task-lists.js";
import type { Tx } from "../store/tx.js";
import type { EngineContext } from "./context.js";
import { BatonError } from "./errors.js";

/** Errors: `limit_exceeded` when a run has as many open tasks as it may. */
export function* requireRoom(ctx: EngineContext, run: Run, more: number): Tx<void> {
  const open = yield* sumOpenTasks(run.id);
  const max = ctx.settings.open_tasks_max;
  if (open + more <= max) return;
  throw new BatonError("limit_exceeded", `Run ${run.id} has ${open} open tasks; at most ${max} fit.`, {
    details: { run: run.id, open, max },
    next: [{ tool: "list_tasks", arguments: { run: run.id } }],
  });
}
