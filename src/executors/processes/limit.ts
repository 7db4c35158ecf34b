/** A limit that ends something early. */
export interface Limit {
  /** Milliseconds it may take; more than a timer can wait for are cut to that, some 24 days. */
  readonly ms?: number;
  readonly signal?: AbortSignal | undefined;
}

/** The longest time that a timer of Node can wait; a longer one fires at once. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** Rejects with the reason of a signal, once it has come. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}

/**
 * Does something under a signal of its own: it comes with the given one, for the same reason, or after the time, for a
 * `TimeoutError`, and never once the work has settled. Those whom it is given to may keep it and listen for ever, as the MCP
 * SDK does. The timer is held here: one that only `AbortSignal.any` knows of is lost with the next collection of garbage
 * (nodejs/node#57736), and what it should have ended goes on.
 */
export async function underLimit<T>(
  { ms = TIMER_MS_MAX, signal }: Limit,
  work: (own: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  const timeOut = (): void => own.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError"));
  const end = (): void => own.abort(signal?.reason);
  const timer = setTimeout(timeOut, Math.min(ms, TIMER_MS_MAX)).unref();
  if (signal?.aborted === true) end();
  else signal?.addEventListener("abort", end, { once: true });
  try {
    return await work(own.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}
