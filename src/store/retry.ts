import { BatonError } from "../engine/errors.js";
import type { Random } from "../runtime/random.js";

/** How a driver waits out what passes by itself: another writer, a lost race, a database that restarts. */
export interface RetryPolicy {
  /** Milliseconds after which it gives up with `unavailable`. Real time: the injected clock may stand still. */
  readonly totalMs: number;
  /** Bounds of the first pause, drawn evenly. */
  readonly pauseMs: readonly [least: number, most: number];
  /** By how much the bounds grow with each try, up to `pauseMsMax`. 1 keeps them. */
  readonly growth: number;
  readonly pauseMsMax: number;
}

/** What a driver makes of an error: not worth another try, or worth one for this reason. */
export type Passing = { readonly reason: string } | undefined;

/** The caller's own pace once the bounded retries are used up. */
const AFTER_MS = 1_000;

/**
 * Tries until it succeeds, fails for good, or the time is up. Jitter comes from the runtime, so that a simulation
 * repeats it. Throws `BatonError` `unavailable` with the last reason at the end.
 */
export async function retrying<T>(
  policy: RetryPolicy,
  random: Random,
  attempt: { run(): T | Promise<T>; passing(error: unknown): Passing },
): Promise<T> {
  const startedAt = performance.now();
  let scale = 1;
  for (let tries = 1; ; tries++) {
    try {
      return await attempt.run();
    } catch (error) {
      const passing = attempt.passing(error);
      if (passing === undefined) throw error;
      const waitedMs = performance.now() - startedAt;
      if (waitedMs >= policy.totalMs) {
        throw new BatonError("unavailable", `The database could not be used: ${passing.reason}.`, {
          details: { tries, waited_ms: Math.round(waitedMs) },
          retry: { after_ms: AFTER_MS },
        });
      }
      const [least, most] = policy.pauseMs;
      await pause(Math.min(policy.pauseMsMax, scale * (least + random.next() * (most - least))));
      scale *= policy.growth;
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
