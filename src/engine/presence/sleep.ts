import { moveTimes } from "../../store/presence/host-sleeps.js";
import { findHostClock, insertHostClock, wakeHost } from "../../store/presence/sessions.js";
import { RestartTransaction, type Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";

/** A jump of the wall clock that a process of a host has lived through, in that clock's time. */
export interface LivedSleep {
  readonly host: string;
  /** When the process was last seen awake, and when it woke. */
  readonly from: number;
  readonly until: number;
  readonly ms: number;
  /** False where it may have been a stop of this process alone. */
  readonly isCertain: boolean;
}

/**
 * Takes the time that a host slept out of every lease, time limit and lock of its agents. The first of its processes to wake does it
 * for all: by compare-and-set of the host's clock. Returns the time, or 0 where it was another process.
 */
export function* accountForSleep(ctx: EngineContext, sleep: LivedSleep): Tx<number> {
  const { host, from, until } = sleep;
  let clock = yield* findHostClock(host);
  if (!clock) {
    yield* insertHostClock(host, ctx.now);
    clock = yield* findHostClock(host);
  }
  if (!clock || clock.wokeAt > from) return 0;
  const gap = ctx.now - clock.tickedAt;
  if (!sleep.isCertain && gap < ctx.settings.sleep_gap_ms) return 0;
  const ms = sleep.isCertain ? sleep.ms : Math.min(sleep.ms, gap);
  yield* moveTimes({ host, ms, asleepAt: ctx.now - ms });
  // Last, so that its row is locked after those that other transactions wait for.
  if (!(yield* wakeHost(host, clock.wokeAt, until)))
    throw new RestartTransaction(`${host} was woken by another process`);
  return ms;
}
