import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";

export interface Pauses<T> {
  readonly result: T;
  /** The longest time in which the event loop did not turn. */
  readonly longestMs: number;
  /** The most that this thread had of the processor between two turns; undefined where the system does not tell. */
  readonly processorMs: number | undefined;
}

/** Watches the event loop while something is done. */
export async function withPauses<T>(work: () => Promise<T>): Promise<Pauses<T>> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const turns = new Turns();
  // The first turn sets its clock.
  await resting(5);
  delay.reset();
  turns.begin();
  const result = await work();
  await resting(5);
  delay.disable();
  return { result, longestMs: delay.max / 1e6, processorMs: turns.end() };
}

/** Returns the processor time the scheduler has given this thread, in ms. Time that other threads took is not in it. */
function processorTime(): number | undefined {
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ", 1)[0]) / 1e6;
  } catch {
    return undefined;
  }
}

/** Asks about every millisecond. A turn may be a little longer than it says: the scheduler counts in ticks. */
class Turns {
  #last = processorTime();
  #longest = 0;
  readonly #timer = setInterval(() => this.#look(), 1);

  begin(): void {
    this.#look();
    this.#longest = 0;
  }

  end(): number | undefined {
    clearInterval(this.#timer);
    this.#look();
    return this.#last === undefined ? undefined : this.#longest;
  }

  #look(): void {
    const now = processorTime();
    if (now === undefined || this.#last === undefined) return;
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }
}

const SLICE_MS = 4;
const TEXT = JSON.stringify(Array.from({ length: 40_000 }, (_, n) => `value ${n}`));
const compress = promisify(brotliCompress);

/**
 * As busy as a checkpoint, with none taken: some milliseconds of work in each turn, and a page that is compressed beside it. What the
 * machine makes of that is the least that a pause can be on it.
 */
export async function busyLoop(ms: number): Promise<void> {
  const endsAt = performance.now() + ms;
  while (performance.now() < endsAt) {
    const compressed = compress(TEXT, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
    const from = processorTime() ?? performance.now();
    while ((processorTime() ?? performance.now()) - from < SLICE_MS) createHash("sha256").update(TEXT).digest();
    await new Promise(setImmediate);
    await compressed;
  }
}

export function resting(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
