import type { Breaker } from "../../store/breakers/breakers.js";
import { findTask } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import type { Broken } from "../scheduling/demands.js";
import { lets } from "./state.js";

/** When a claim looks again while a trial is under way. */
const TRIAL_LOOK_MS = 30_000;

/** Returns until when a breaker keeps work away; undefined where it lets some pass. `agent`: the only one whose attempts are its trials. */
export function* pauseOf(ctx: EngineContext, breaker: Breaker, agent?: string): Tx<Broken | undefined> {
  if (breaker.state === "closed") return undefined;
  const trial = breaker.trial === null ? undefined : yield* findTask(breaker.trial);
  const isUnderWay = trial?.status === "running" && (agent === undefined || trial.agent === agent);
  if (lets(breaker, ctx.now, isUnderWay)) return undefined;
  return isUnderWay
    ? { until: ctx.now + TRIAL_LOOK_MS, trial: trial.key }
    : { until: Math.max(breaker.retryAt ?? 0, ctx.now) };
}
