import { withAncestors } from "../../store/child-runs/child-runs.js";
import { liveExecutors, type RegisteredExecutor } from "../../store/presence/executors.js";
import type { Tx } from "../../store/tx.js";
import type { ExecutorPolicy } from "../../base/executor-policy.js";
import type { EngineContext } from "../context.js";

/** A running server process that takes command or tool steps. */
export interface ServingExecutor extends Omit<RegisteredExecutor, "policy"> {
  readonly policy: ExecutorPolicy;
}

/** Returns every running executor. */
export function* allExecutors(ctx: EngineContext): Tx<ServingExecutor[]> {
  // The text was written from a policy by `openSession`.
  return (yield* liveExecutors(ctx.now)).map((row) => ({ ...row, policy: JSON.parse(row.policy) as ExecutorPolicy }));
}

/** Returns the executors that take steps of a run: those of every run, and those of a run that it is or is within. */
export function* executorsOfRun(ctx: EngineContext, run: string): Tx<ServingExecutor[]> {
  const executors = yield* allExecutors(ctx);
  if (executors.every(({ policy }) => policy.run === undefined)) return executors;
  const within = new Set(yield* withAncestors(run));
  return executors.filter(({ policy }) => policy.run === undefined || within.has(policy.run ?? ""));
}

/** Returns the executors that take steps of a run that the caller is about to start. */
export function* executorsOfNewRun(ctx: EngineContext): Tx<ServingExecutor[]> {
  const own = ctx.caller.session?.id;
  return (yield* allExecutors(ctx)).filter(
    ({ policy, session }) => policy.run === undefined || (policy.run === null && session === own),
  );
}
