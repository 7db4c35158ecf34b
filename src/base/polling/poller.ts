export interface PollerParts {
  poll(): Promise<void>;
  /** Between the starts of two polls, at least: a burst of wake-ups is one poll. The first after a rest polls at once. */
  readonly pauseMs: number;
  /** After a poll that failed. */
  readonly retryMs: number;
  failed(error: unknown): void;
}

/** Polls after wake-ups, and again after a failure. Never has two polls under way; keeps no process alive. */
export class Poller {
  readonly #parts: PollerParts;
  #timer: NodeJS.Timeout | undefined;
  #polling = false;
  #requested = false;
  #isStopped = false;
  #polledAt = Number.NEGATIVE_INFINITY;

  constructor(parts: PollerParts) {
    this.#parts = parts;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  wake(): void {
    this.#requested = true;
    if (this.#isStopped || this.#polling || this.#timer !== undefined) return;
    const pauseMs = this.#polledAt + this.#parts.pauseMs - performance.now();
    if (pauseMs <= 0) void this.#poll();
    else this.#pollAfter(pauseMs);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #pollAfter(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#poll();
    }, ms).unref();
  }

  async #poll(): Promise<void> {
    this.#polling = true;
    this.#requested = false;
    this.#polledAt = performance.now();
    let failed = false;
    try {
      await this.#parts.poll();
    } catch (error) {
      failed = true;
      this.#parts.failed(error);
    }
    this.#polling = false;
    if (this.#isStopped) return;
    if (failed) this.#pollAfter(this.#parts.retryMs);
    else if (this.#requested) this.wake();
  }
}
