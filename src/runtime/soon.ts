/** Gives a function that has work done once, so many milliseconds after it was first asked for. Keeps no process alive. */
export function soon(work: () => void, afterMs: number): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    setTimeout(() => {
      asked = false;
      work();
    }, afterMs).unref();
  };
}
