/** How long to wait, and what ends or accompanies it. */
export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Calls the listener after something may have changed; returns what stops it. */
  onWake(listener: () => void): () => void;
  /** Milliseconds until something may be found without a wake; undefined where nothing is known to come. Asked after each poll. */
  readonly nextPollMs?: (() => number | undefined) | undefined;
  /** Polls but the first take turns: a commit wakes many calls at once. */
  readonly turns?: PollTurns;
  /** Called every `everyMs` while it waits, with the milliseconds waited so far. */
  readonly progress?: { readonly everyMs: number; report(elapsedMs: number): void };
}

/** Looks now and after every wake-up until something is found, the time is over or the signal fires. */
export async function waitFor<T>(poll: () => Promise<T | undefined>, waiting: WaitOptions): Promise<T | undefined> {
  const found = await poll();
  if (found !== undefined || waiting.timeoutMs <= 0 || waiting.signal.aborted) return found;

  const startedAt = performance.now();
  let requested = true;
  let over = false;
  let resume = (): void => {};
  const wake = () => {
    requested = true;
    resume();
  };
  const end = () => {
    over = true;
    resume();
  };
  const stopListening = waiting.onWake(wake);
  const deadline = setTimeout(end, waiting.timeoutMs);
  const { progress, nextPollMs, turns } = waiting;
  // A call that was given up while it stood in line must not take what there is.
  const again = async () => (waiting.signal.aborted ? undefined : poll());
  const reports = progress && setInterval(() => progress.report(performance.now() - startedAt), progress.everyMs);
  waiting.signal.addEventListener("abort", end, { once: true });
  try {
    // The first round polls again at once: a change may have come before the listener was added.
    for (;;) {
      if (requested) {
        requested = false;
        const seen = await (turns === undefined ? again() : turns.take(again));
        if (seen !== undefined) return seen;
      }
      if (over) return undefined;
      if (requested) continue;
      const nextMs = nextPollMs?.();
      const timer = nextMs === undefined ? undefined : setTimeout(wake, Math.max(0, nextMs));
      await new Promise<void>((resolve) => (resume = resolve));
      clearTimeout(timer);
    }
  } finally {
    stopListening();
    clearTimeout(deadline);
    clearInterval(reports);
    waiting.signal.removeEventListener("abort", end);
  }
}

/**
 * Lets so many polls of waiting calls run at a time, in the order in which they ask. A commit wakes all calls at once: without turns each would
 * look before the first of them takes what there is, and all would then try to take it before the first is answered.
 */
export class PollTurns {
  readonly #line: (() => void)[] = [];
  #free: number;

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  async take<T>(poll: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#line.push(resolve));
    try {
      return await poll();
    } finally {
      // Not before the event loop has turned: what was found is on its way then, and other requests are heard.
      setImmediate(() => this.#next());
    }
  }

  #next(): void {
    const next = this.#line.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}

/** Calls that clients wait for. When the server stops, they end as if their client had gone, and are answered. */
export class OpenCalls {
  readonly #open = new Set<AbortController>();
  #isStopping = false;

  /** Runs a call under a signal that fires when its client goes or the server stops. */
  async during<T>(client: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController();
    const gone = () => abort.abort();
    if (client.aborted || this.#isStopping) abort.abort();
    client.addEventListener("abort", gone);
    this.#open.add(abort);
    try {
      return await call(abort.signal);
    } finally {
      client.removeEventListener("abort", gone);
      this.#open.delete(abort);
    }
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Ends every wait, and those to come. */
  stop(): void {
    this.#isStopping = true;
    for (const abort of this.#open) abort.abort();
  }
}
