/**
 * Gives a function that has work done once, so many milliseconds after it was asked for, or at the earliest of the times asked for
 * before it is done. Keeps no process alive.
 */
export function soon(work: () => void, usualMs: number): (afterMs?: number) => void {
  let dueAt = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  return (afterMs = usualMs) => {
    const wantedAt = performance.now() + afterMs;
    if (wantedAt >= dueAt) return;
    clearTimeout(timer);
    dueAt = wantedAt;
    timer = setTimeout(() => {
      dueAt = Number.POSITIVE_INFINITY;
      work();
    }, afterMs).unref();
  };
}
