/** A poll may ask a server, which costs processor time of both: the pause between two is a tenth of the wait so far, within these. */
const POLL_MS_MIN = 10;
const POLL_MS_MAX = 100;

/**
 * Waits for something without an event of its own, such as the end of another process's child: polls until `condition`
 * returns a value (not false, not undefined) and returns it. Fails after `deadlineMs` with `what`: far longer than
 * anything takes, for a machine that others keep busy.
 */
export async function until<T>(
  what: string,
  condition: () => T | false | undefined | Promise<T | false | undefined>,
  deadlineMs = 30_000,
): Promise<T> {
  const from = performance.now();
  for (;;) {
    const value = await condition();
    if (value !== false && value !== undefined) return value;
    const waitedMs = performance.now() - from;
    if (waitedMs > deadlineMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    const pauseMs = Math.min(Math.max(waitedMs / 10, POLL_MS_MIN), POLL_MS_MAX);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
