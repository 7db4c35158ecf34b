import type { Breaker, CountedOutcome } from "../../store/breakers/breakers.js";

/**
 * The circuit breaker of M. Nygard, "Release It!" (2007): failures open it, after a pause one trial tells whether its target works
 * again, and the pause doubles with each trial that fails. Pure: instants come as arguments.
 */
export interface BreakerPolicy {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** Pause before the first trial, and the longest. */
  readonly delayMs: number;
  readonly delayMaxMs: number;
}

/** Outcomes that a breaker remembers, for so long. */
const WINDOW_COUNT = 20;
const WINDOW_MS = 3_600_000;
/** So many outcomes of which this share failed open it too. */
const RATE_COUNT_MIN = 10;
const RATE_MAX = 0.5;

/** The end of an attempt of a target. Neither: it was given back, which proves nothing. */
export interface TargetOutcome {
  readonly task: string;
  readonly startedAt: number;
  readonly outcome: "succeeded" | "failed" | "neither";
  /** The connection that reported it, where no attempt ended so. */
  readonly reporter?: string;
}

export function newBreaker(target: string, now: number): Breaker {
  return {
    target,
    state: "closed",
    clean: true,
    failures: 0,
    recent: [],
    opens: 0,
    opensInRow: 0,
    openedAt: null,
    retryAt: null,
    trial: null,
    changedAt: now,
  };
}

/** A breaker after the end of an attempt. */
export function observed(before: Breaker, seen: TargetOutcome, { now, policy }: At): Breaker {
  const breaker = { ...before, changedAt: now };
  if (seen.outcome === "neither") return seen.task === before.trial ? { ...breaker, trial: null } : before;
  const failed = seen.outcome === "failed";
  if (breaker.state === "closed") return counted(breaker, seen, { now, policy });
  // An attempt that was under way when it opened proves nothing.
  const isProof = breaker.openedAt === null || seen.startedAt > breaker.openedAt;
  if (!isProof) return before;
  return failed ? opened({ ...breaker, failures: breaker.failures + 1 }, { now, policy }) : closed(breaker);
}

interface At {
  readonly now: number;
  readonly policy: BreakerPolicy;
}

/** Whether a connection's report has counted within the window. */
export function hasReported({ recent }: Breaker, reporter: string, now: number): boolean {
  return recent.some(([at, , by]) => by === reporter && now - at < WINDOW_MS);
}

function counted(breaker: Breaker, { outcome: end, reporter }: TargetOutcome, { now, policy }: At): Breaker {
  const failed = end === "failed";
  const outcome: CountedOutcome = reporter === undefined ? [now, failed ? 1 : 0] : [now, 1, reporter];
  const recent = [...breaker.recent.filter(([at]) => now - at < WINDOW_MS), outcome].slice(-WINDOW_COUNT);
  const failures = failed ? breaker.failures + 1 : 0;
  const bad = recent.filter(([, one]) => one === 1).length;
  const next = { ...breaker, failures, recent, clean: bad === 0 };
  const isBad = recent.length >= RATE_COUNT_MIN && bad / recent.length >= RATE_MAX;
  return failed && (failures >= policy.failures || isBad) ? opened(next, { now, policy }) : next;
}

function opened(breaker: Breaker, { now, policy }: At): Breaker {
  const delayMs = Math.min(policy.delayMaxMs, policy.delayMs * 2 ** Math.min(breaker.opensInRow, 30));
  return {
    ...breaker,
    state: "open",
    clean: false,
    opens: breaker.opens + 1,
    opensInRow: breaker.opensInRow + 1,
    openedAt: now,
    retryAt: now + delayMs,
    trial: null,
  };
}

function closed(breaker: Breaker): Breaker {
  const none = { failures: 0, recent: [], opensInRow: 0, openedAt: null, retryAt: null, trial: null };
  return { ...breaker, ...none, state: "closed", clean: true };
}

/** A breaker whose pause is over, while a task of its target is the trial. */
export function onTrial(breaker: Breaker, task: string, now: number): Breaker {
  return { ...breaker, state: "half_open", trial: task, changedAt: now };
}

/** Whether a target gets work as far as its breaker goes. `isTrialUnderWay`: the task of its trial is still running. */
export function lets(breaker: Breaker, now: number, isTrialUnderWay: boolean): boolean {
  if (breaker.state === "closed") return true;
  return breaker.retryAt !== null && breaker.retryAt <= now && !isTrialUnderWay;
}
