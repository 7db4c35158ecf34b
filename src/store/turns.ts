import type { Random } from "../runtime/random.js";

/** Where another writer is seldom, the file is free again this soon. */
const SOON_MS = [1, 3] as const;
const SOON_TRIES = 3;
/** Then many wait: the tries grow rare at first, then more frequent the longer one has waited, so that the oldest goes first. */
const RARE_MS = 16;
const FREQUENT_MS = 2;
const OLD_MS = 100;
/** For so long a process writes on while others wait, and for so long it then leaves the file to them. */
const TURN_MS = 4;
const LEFT_MS = 4;
/** Whoever found the file busy so recently is not alone with it. */
const SHARED_FOR_MS = 500;

/**
 * How processes take turns at writing one file. SQLite has no queue: who asks when it is free, writes. Asking costs processor
 * time, of the writer too where there are few cores, so most should ask seldom; and whoever has just written asks soonest, so
 * it must stop by itself. Real time throughout: the injected clock may stand still.
 */
export class Turns {
  readonly #random: Random;
  #refusedAt = Number.NEGATIVE_INFINITY;
  /** Undefined until the next transaction begins. */
  #turnBegan: number | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Milliseconds for which this process should leave the file to others before it writes again; 0 where it need not. */
  leaveMs(): number {
    if (this.#turnBegan === undefined) return 0;
    const now = performance.now();
    if (now - this.#turnBegan < TURN_MS || now - this.#refusedAt > SHARED_FOR_MS) return 0;
    this.#turnBegan = undefined;
    return this.#about(LEFT_MS);
  }

  /** A transaction has begun. */
  began(): void {
    this.#turnBegan ??= performance.now();
  }

  /** Milliseconds to the next try of a call that was refused so many times in so many milliseconds. */
  pauseMs(tries: number, waitedMs: number): number {
    this.#refusedAt = performance.now();
    this.#turnBegan = undefined;
    const [least, most] = SOON_MS;
    if (tries <= SOON_TRIES) return least + this.#random.next() * (most - least);
    const youth = Math.max(0, 1 - waitedMs / OLD_MS);
    return this.#about(FREQUENT_MS + (RARE_MS - FREQUENT_MS) * youth);
  }

  #about(ms: number): number {
    return ms * (0.5 + this.#random.next());
  }
}
