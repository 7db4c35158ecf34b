export interface InterruptOptions {
  /** After so long it is as if the person had asked to stop. */
  readonly timeoutMs: number | undefined;
  /** Action of the first Ctrl-C in place of stopping; the second then stops. */
  readonly first?: () => Promise<void>;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Turns Ctrl-C and the other requests to stop into a signal, until closed. */
export class Interrupts {
  readonly #abort = new AbortController();
  readonly #first: (() => Promise<void>) | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  #failure: { readonly error: unknown } | undefined;
  #count = 0;

  constructor({ timeoutMs, first }: InterruptOptions) {
    this.#first = first;
    for (const name of SIGNALS) process.on(name, this.#onSignal);
    if (timeoutMs !== undefined) this.#timer = setTimeout(() => this.#abort.abort(), timeoutMs);
  }

  /** Fires when it is time to stop. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Throws what the first Ctrl-C failed with. */
  rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  close(): void {
    for (const name of SIGNALS) process.off(name, this.#onSignal);
    clearTimeout(this.#timer);
  }

  readonly #onSignal = (name: NodeJS.Signals): void => {
    this.#count += 1;
    if (name === "SIGINT" && this.#count === 1 && this.#first !== undefined) {
      this.#first().catch((error: unknown) => {
        this.#failure = { error };
        this.#abort.abort();
      });
      return;
    }
    this.#abort.abort();
  };
}
