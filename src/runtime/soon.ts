/**
 * Returns a function that runs `work` once, the given number of milliseconds after it was requested. Requests at
 * several times run it at the earliest and once more at the latest, because the cause of the latest may not have been
 * there before. Keeps no process alive.
 */
export function soon(work: () => void, usualMs: number): (afterMs?: number) => void {
  let dueAt = Number.POSITIVE_INFINITY;
  let latestAt = 0;
  let timer: NodeJS.Timeout | undefined;
  const wait = (at: number) => {
    clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(done, at - performance.now()).unref();
  };
  const done = () => {
    const again = latestAt > dueAt;
    dueAt = Number.POSITIVE_INFINITY;
    if (again) wait(latestAt);
    work();
  };
  return (afterMs = usualMs) => {
    const wantedAt = performance.now() + afterMs;
    latestAt = Math.max(latestAt, wantedAt);
    if (wantedAt < dueAt) wait(wantedAt);
  };
}
