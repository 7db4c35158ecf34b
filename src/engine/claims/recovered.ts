import { endOfAttempt } from "../../store/tasks/attempts.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";

/** The recovery of a task: it runs again after an attempt that failed, timed out or was lost. */
export interface Recovery {
  readonly after: "failed" | "timed_out" | "lease_lost";
  /** The agent whose attempt that was. */
  readonly from: string;
  /** From the last sign of life until the failure was found; 0 where the holder said so itself. */
  readonly detection_ms: number;
  /** From the failure until the task runs again, detection and the pause before a retry included. */
  readonly duration_ms: number;
}

/** Returns the recovery that a claim of a task is, given as it was; undefined for a first attempt, or after a release. */
export function* recoveryBy(ctx: EngineContext, task: Task): Tx<Recovery | undefined> {
  const last = task.attempt === 0 ? undefined : yield* endOfAttempt(task.id, task.attempt);
  if (last === undefined) return undefined;
  const { outcome, agent, startedAt, endedAt, renewedAt } = last;
  if (outcome !== "failed" && outcome !== "timed_out" && outcome !== "lease_lost") return undefined;
  // A process that came back has renewed its session since.
  const signs = [startedAt, task.heartbeatAt, outcome === "lease_lost" ? renewedAt : null];
  const heardAt = Math.max(...signs.filter((at) => at !== null).filter((at) => at <= endedAt), startedAt);
  const failedAt = outcome === "failed" ? endedAt : heardAt;
  return {
    after: outcome,
    from: agent,
    detection_ms: endedAt - failedAt,
    duration_ms: Math.max(0, ctx.now - failedAt),
  };
}
