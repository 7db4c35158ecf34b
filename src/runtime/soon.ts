/**
 * Gives a function that has work done once, so many milliseconds after it was asked for. Asked for at several times, it is done at the
 * earliest and once more at the latest: what the latest was for may not have been there before. Keeps no process alive.
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
