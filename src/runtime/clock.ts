/** Milliseconds since the epoch, and since some instant at which the machine was awake. The only source of time outside the database. */
export interface Clock {
  now(): number;
  /** Goes on with the time that the machine is awake; the wall clock may jump against it. */
  awake(): number;
  /** Whether `awake` goes on while the machine sleeps all the same. */
  readonly awakeCountsSleep?: boolean;
}

// Node's monotonic clock stops with the machine on Linux alone.
export const systemClock: Clock = {
  now: () => Date.now(),
  awake: () => performance.now(),
  awakeCountsSleep: process.platform !== "linux",
};

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number;
  #awake = 0;

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  awake(): number {
    return this.#awake;
  }

  advance(ms: number): void {
    this.#now += ms;
    this.#awake += ms;
  }

  /** The machine is asleep: time passes that no process lives through. */
  sleep(ms: number): void {
    this.#now += ms;
  }
}
