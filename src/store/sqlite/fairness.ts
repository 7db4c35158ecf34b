import type { Random } from "../../runtime/random.js";

/** Pacing of a process that shares the file: how long it leaves the file to the others after a turn. */
interface Pacing {
  readonly leaveMs: number;
  /** The pause between two tries at first. */
  readonly pauseMs: number;
}

/** A process writes on for so long: each turn begins with cold caches, and a longer one makes the others wait. */
const TURN_MS = 8;
/** With few writers, the file is free again soon. */
const LOW_CONTENTION: Pacing = { leaveMs: 3, pauseMs: 2 };
const HIGH_CONTENTION: Pacing = { leaveMs: 4, pauseMs: 16 };
/** A call that has waited so long is one of many. */
const CROWD_WAIT_MS = 20;
/** The pauses of a waiting call grow shorter, down to this at that age, so that the oldest goes first. */
const PAUSE_MS_MIN = 2;
const OLD_MS = 100;
/** Time for which the sight of other writers counts. */
const SEEN_FOR_MS = 500;

/**
 * Shares one file fairly among writing processes. SQLite has no queue: the process that asks while the file is free,
 * writes. Asking costs processor time, the writer's too where there are few cores, so most should ask seldom; and the
 * last writer asks soonest, so it must pause by itself. Real time throughout, in ms: the injected clock may stand
 * still.
 */
export class WriteFairness {
  readonly #random: Random;
  readonly #now: () => number;
  /** When this process last found the file busy, and when it last waited as one of many. */
  #refusedAt = Number.NEGATIVE_INFINITY;
  #crowdAt = Number.NEGATIVE_INFINITY;
  /** Undefined until the next transaction begins. */
  #turnBegan: number | undefined;

  constructor(random: Random, now: () => number = () => performance.now()) {
    this.#random = random;
    this.#now = now;
  }

  /** Whether others have been seen writing of late. */
  get isShared(): boolean {
    return this.#now() - this.#refusedAt <= SEEN_FOR_MS;
  }

  /** Milliseconds for which this process should leave the file to others before it writes again; 0 where it need not. */
  leaveMs(): number {
    if (this.#turnBegan === undefined) return 0;
    const now = this.#now();
    if (now - this.#turnBegan < TURN_MS || !this.isShared) return 0;
    this.#turnBegan = undefined;
    return this.#about(this.#pacing(now).leaveMs);
  }

  /** A transaction has begun. */
  began(): void {
    this.#turnBegan ??= this.#now();
  }

  /** Milliseconds to the next try of a call that has been refused for so many milliseconds. */
  pauseMs(waitedMs: number): number {
    const now = this.#now();
    this.#turnBegan = undefined;
    this.#refusedAt = now;
    if (waitedMs >= CROWD_WAIT_MS) this.#crowdAt = now;
    const { pauseMs } = this.#pacing(now);
    const youth = Math.max(0, 1 - waitedMs / OLD_MS);
    return this.#about(PAUSE_MS_MIN + (pauseMs - PAUSE_MS_MIN) * youth);
  }

  #pacing(now: number): Pacing {
    return now - this.#crowdAt < SEEN_FOR_MS ? HIGH_CONTENTION : LOW_CONTENTION;
  }

  #about(ms: number): number {
    return ms * (0.5 + this.#random.next());
  }
}
