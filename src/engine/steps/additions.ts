import { recordAddedTasks } from "../../store/system/quotas.js";
import type { Run } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";

/** Tasks that an agent has added to a run that was there. */
export interface Additions {
  readonly run: Pick<Run, "kind" | "createdBy">;
  readonly agent: string;
  /** Ids. */
  readonly tasks: readonly string[];
}

/** Records who pays for added tasks, where there is a quota: those of a run are else its maker's. */
export function* noteAdditions(ctx: EngineContext, { run, agent, tasks }: Additions): Tx<void> {
  if (ctx.settings.agent_open_tasks_max === 0 || (run.kind !== "standing" && run.createdBy === agent)) return;
  yield* recordAddedTasks(agent, tasks);
}
