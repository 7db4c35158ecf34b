import { BatonError } from "../../base/errors.js";
import type { Random } from "../../runtime/random.js";

/** How a driver waits out what passes by itself: another writer, a lost race, a database that restarts. */
export interface TransactionRetry {
  /** The database as an error names it: no password. */
  readonly database: string;
  /** Milliseconds after which it gives up with `unavailable`. Real time: the injected clock may stand still. */
  readonly totalMs: number;
  /** Milliseconds to the next try, after so many tries in so many milliseconds. */
  pauseMs(tries: number, waitedMs: number): number;
}

/** A driver's verdict on an error: undefined where another try is useless, else the reason to retry. */
export type TransientError =
  | {
      readonly reason: string;
      /** It is a matter of the rows that were wanted, and not of the database as a whole. */
      readonly busy?: true;
      /** Milliseconds after which it gives up, where that is sooner than the policy says. */
      readonly totalMs?: number;
    }
  | undefined;

/** The caller's own pace once the bounded retries are used up. */
const AFTER_MS = 1_000;

/** Pauses that double from `leastMs` or a little more up to `mostMs`. Jitter comes from the runtime: a simulation repeats it. */
export function doubling(random: Random, { leastMs, mostMs }: { leastMs: number; mostMs: number }) {
  return (tries: number): number => Math.min(mostMs, 2 ** (tries - 1) * leastMs * (1 + 4 * random.next()));
}

/**
 * Tries until it succeeds, fails for good, or the time is up. Throws `BatonError` `unavailable` with the last reason at the
 * end.
 */
export async function retrying<T>(
  policy: TransactionRetry,
  attempt: { run(): T | Promise<T>; transient(error: unknown): TransientError },
): Promise<T> {
  const startedAt = performance.now();
  for (let tries = 1; ; tries++) {
    try {
      return await attempt.run();
    } catch (error) {
      const transient = attempt.transient(error);
      if (transient === undefined) throw error;
      const waitedMs = performance.now() - startedAt;
      if (waitedMs >= Math.min(policy.totalMs, transient.totalMs ?? policy.totalMs)) {
        throw new BatonError("unavailable", `The database ${policy.database} could not be used: ${transient.reason}.`, {
          details: {
            database: policy.database,
            tries,
            waited_ms: Math.round(waitedMs),
            ...(transient.busy && { busy: true }),
          },
          retry: { after_ms: AFTER_MS },
        });
      }
      await pause(policy.pauseMs(tries, waitedMs));
    }
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
