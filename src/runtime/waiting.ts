/** How long to wait, and what ends or accompanies it. */
export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Calls the listener after something may have changed; returns what stops it. */
  onWake(listener: () => void): () => void;
  /** Called every `everyMs` while it waits, with the milliseconds waited so far. */
  readonly progress?: { readonly everyMs: number; report(elapsedMs: number): void };
}

/** Looks now and after every wake-up until something is found, the time is over or the signal fires. */
export async function waitFor<T>(look: () => Promise<T | undefined>, waiting: WaitOptions): Promise<T | undefined> {
  const found = await look();
  if (found !== undefined || waiting.timeoutMs <= 0 || waiting.signal.aborted) return found;

  const startedAt = performance.now();
  let stirred = true;
  let over = false;
  let stir = (): void => {};
  const wake = () => {
    stirred = true;
    stir();
  };
  const end = () => {
    over = true;
    stir();
  };
  const stopListening = waiting.onWake(wake);
  const deadline = setTimeout(end, waiting.timeoutMs);
  const { progress } = waiting;
  const reports = progress && setInterval(() => progress.report(performance.now() - startedAt), progress.everyMs);
  waiting.signal.addEventListener("abort", end, { once: true });
  try {
    // The first round polls again at once: a change may have come before the listener was added.
    for (;;) {
      if (stirred) {
        stirred = false;
        const seen = await look();
        if (seen !== undefined) return seen;
      }
      if (over) return undefined;
      if (!stirred) await new Promise<void>((resolve) => (stir = resolve));
    }
  } finally {
    stopListening();
    clearTimeout(deadline);
    clearInterval(reports);
    waiting.signal.removeEventListener("abort", end);
  }
}
