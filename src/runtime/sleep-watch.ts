import type { Clock } from "./clock.js";

/** A jump of the wall clock that this process has lived through. */
export interface Sleep {
  /** Wall clock at which the process was last seen awake, and at which it woke. */
  readonly from: number;
  readonly until: number;
  /** Time asleep. */
  readonly ms: number;
  /** False where the clocks cannot tell: then it was a sleep if no other process of the host was awake either. */
  readonly isCertain: boolean;
}

/** Shorter jumps are corrections of the clock. */
const SLEEP_MS_MIN = 1_000;

/** Notices that the machine has slept: the wall clock is ahead of the time that this process has lived through. */
export class SleepWatch {
  readonly #clock: Clock;
  #wall: number;
  #awake: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wall = clock.now();
    this.#awake = clock.awake();
  }

  /** When the process was last seen awake. */
  get seenAt(): number {
    return this.#wall;
  }

  /** The sleep since the last call of `accounted`, if any; `gapMs` is the least where the clocks cannot tell. Without one the watch moves on. */
  look(gapMs: number): Sleep | undefined {
    const [wall, awake] = [this.#clock.now(), this.#clock.awake()];
    const ms = Math.round(wall - this.#wall - (awake - this.#awake));
    const sleep = { from: this.#wall, until: wall };
    if (ms >= SLEEP_MS_MIN) return { ...sleep, ms, isCertain: true };
    const gap = wall - this.#wall;
    if (this.#clock.awakeCountsSleep === true && gap >= gapMs) return { ...sleep, ms: gap, isCertain: false };
    this.#wall = wall;
    this.#awake = awake;
    return undefined;
  }

  /** The sleep has been accounted for. */
  accounted(sleep: Sleep): void {
    this.#awake += sleep.until - this.#wall - (sleep.isCertain ? sleep.ms : 0);
    this.#wall = sleep.until;
  }
}
