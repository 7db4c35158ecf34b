import { sumOpenTasks } from "../../store/tasks/lists.js";
import type { Tx } from "../../store/tx.js";
import { BatonError } from "../../base/errors.js";
import type { RunChange } from "./run-change.js";

/** What the change has made and ended already counts. Errors: `limit_exceeded` when its run has as many open tasks as it may. */
export function* requireRoom({ ctx, run, opened }: RunChange, more: number): Tx<void> {
  const open = (yield* sumOpenTasks(run.id)) + opened;
  const max = ctx.settings.open_tasks_max;
  if (open + more <= max) return;
  throw new BatonError(
    "limit_exceeded",
    `Run ${run.id} has ${open} open tasks; at most ${max} fit, and these are ${more} more.`,
    {
      details: { run: run.id, open, more, max },
      next: [{ tool: "list_tasks", arguments: { run: run.id } }],
    },
  );
}
