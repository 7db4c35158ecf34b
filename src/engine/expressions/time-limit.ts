import { createContext, Script } from "node:vm";

// Expressions that could take long are evaluated under the clock of V8, which stops even a pattern that backtracks.

/** Evaluation of one expression, in milliseconds: a usual one takes microseconds. */
const EVALUATION_MS_MAX = 250;
/** Evaluation of all expressions of one change, beyond the first millisecond of each: nobody else can write meanwhile. */
const TOGETHER_MS_MAX = 1_000;
/** What each has when the others have used that up, and what one that has been slow already has: a usual one takes less than either. */
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

/** What an evaluation gives, if it ends in time. The script only calls out: the expression is no code. Throws `TookTooLong`. */
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
