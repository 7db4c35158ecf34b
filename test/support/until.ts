const POLL_MS = 10;

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
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
