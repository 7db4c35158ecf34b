import { createContext, Script } from "node:vm";

// Expressions that could take long are evaluated under the clock of V8, which stops even a pattern that backtracks.

/** Evaluation of one expression, in milliseconds: a usual one takes microseconds. */
const EVALUATION_MS_MAX = 250;
/** Time for all expressions of one change together, beyond the first millisecond of each: no other process can write meanwhile. */
const TOGETHER_MS_MAX = 300;
/** Time of each expression once that is used up: a usual one takes less. */
const EVALUATION_MS_MIN = 10;
/** Time after which nothing more is evaluated in the change, so that others write within a second whatever a definition holds. */
const TOTAL_MS_MAX = 500;

/** The time that the expressions of one change have together. */
export class EvaluationTime {
  #leftMs = TOGETHER_MS_MAX;
  #totalMs = 0;

  /** How long the next may take. Throws `TookTooLong` where nothing is left. */
  nextMs(): number {
    if (this.#totalMs >= TOTAL_MS_MAX) throw new TookTooLong(0);
    return Math.max(EVALUATION_MS_MIN, Math.min(EVALUATION_MS_MAX, Math.floor(this.#leftMs)));
  }

  take(ms: number): void {
    this.#leftMs -= Math.max(0, ms - 1);
    this.#totalMs += ms;
  }
}

export class TookTooLong extends Error {
  constructor(limitMs: number) {
    const left = `no more was left of the ${TOTAL_MS_MAX} ms that all expressions evaluated together have`;
    if (limitMs === 0) super(`was not evaluated; ${left}: let a step work the values out`);
    else super(`takes longer than ${limitMs} ms${limitMs === EVALUATION_MS_MAX ? "" : `; ${left}`}`);
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
export function inTime(time: EvaluationTime, evaluate: () => unknown): unknown {
  stopwatch ??= { place: createContext({}), call: new Script("evaluate()") };
  const { place, call } = stopwatch;
  const limitMs = time.nextMs();
  const startedAt = performance.now();
  place.evaluate = evaluate;
  try {
    return call.runInContext(place, { timeout: limitMs }) as unknown;
  } catch (error) {
    throw isTimeout(error) ? new TookTooLong(limitMs) : error;
  } finally {
    delete place.evaluate;
    // A machine with other things to do stops it later: that is no time of the expression.
    time.take(Math.min(limitMs, performance.now() - startedAt));
  }
}

// The clock's error is none of this realm's.
function isTimeout(error: unknown): boolean {
  if (typeof error !== "object" || error === null || !("code" in error)) return false;
  return error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}
