/** Room for the JSON-RPC envelope around the arguments of a call. */
export const ENVELOPE_BYTES = 4_096;

/** Settles when the process is asked to stop. Asked again, it stops at once. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => resolve());
  });
}
