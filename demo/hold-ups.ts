const LOOK_MS = 100;

/** For how long this process was kept from running, which a busy machine adds to all that is measured on it. */
export class HoldUps {
  #total = 0;
  #lookedAt = performance.now();
  readonly #timer = setInterval(() => this.#look(), LOOK_MS).unref();

  get totalMs(): number {
    this.#look();
    return this.#total;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    this.#total += Math.max(0, now - this.#lookedAt - 2 * LOOK_MS);
    this.#lookedAt = now;
  }
}
