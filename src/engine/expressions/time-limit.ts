import { createContext, Script } from "node:vm";

// Expressions that could take long are evaluated under the clock of V8, which stops even a pattern that backtracks.

/** Evaluation of one expression, in milliseconds: a usual one takes microseconds. */
const EVALUATION_MS_MAX = 250;
/** Time for all expressions of one change together, beyond the first millisecond of each: no other process can write meanwhile. */
const TOGETHER_MS_MAX = 1_000;
/** Time of each expression once that is used up, and of one that was slow before: a usual one takes less. */
const EVALUATION_MS_MIN = 100;
const SLOW_MS = 5;

/** The time that the expressions of one change have together. */
export class EvaluationTime {
  #leftMs = TOGETHER_MS_MAX;
  readonly #slow = new Set<string>();

  /** How long the next may take. */
  nextMs(source: string): number {
    const least = this.#slow.has(source) ? SLOW_MS : EVALUATION_MS_MIN;
    return Math.max(least, Math.min(EVALUATION_MS_MAX, Math.floor(this.#leftMs)));
  }

  take(source: string, ms: number): void {
    if (ms >= SLOW_MS) this.#slow.add(source);
    this.#leftMs -= Math.max(0, ms - 1);
  }
}

export class TookTooLong extends Error {
  constructor(limitMs: number) {
    const left = `; no more was left of the ${TOGETHER_MS_MAX} ms that all expressions evaluated together have`;
    super(`takes longer than ${limitMs} ms${limitMs === EVALUATION_MS_MAX ? "" : left}`);
    this.name = "TookTooLong";
  }
}

interface Stopwatch {
  readonly place: { evaluate?: () => unknown };
  readonly call: Script;
}

let stopwatch: Stopwatch | undefined;

/**
 * Returns the value of an evaluation that ends in time. The script only calls out: the expression itself is never run
 * as code. Throws `TookTooLong`.
 */
export function inTime(time: EvaluationTime, source: string, evaluate: () => unknown): unknown {
  stopwatch ??= { place: createContext({}), call: new Script("evaluate()") };
  const { place, call } = stopwatch;
  const limitMs = time.nextMs(source);
  const startedAt = performance.now();
  place.evaluate = evaluate;
  try {
    return call.runInContext(place, { timeout: limitMs }) as unknown;
  } catch (error) {
    throw isTimeout(error) ? new TookTooLong(limitMs) : error;
  } finally {
    delete place.evaluate;
    time.take(source, performance.now() - startedAt);
  }
}

// The clock's error is none of this realm's.
function isTimeout(error: unknown): boolean {
  if (typeof error !== "object" || error === null || !("code" in error)) return false;
  return error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}
