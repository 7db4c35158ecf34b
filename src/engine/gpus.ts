import type { Gpus } from "./context.js";

/** A transaction needs the GPUs of the machine, which were not looked for yet: it is rolled back, and runs again when they are known. */
export class UnknownGpus extends Error {
  constructor() {
    super("the transaction needs the GPUs of the machine, which are not known yet");
    this.name = "UnknownGpus";
  }
}

/** Runs a transaction, and again where it needed the GPUs of the machine and they were not known: they are looked for outside of it. */
export async function withGpus<T>(gpus: Gpus | undefined, transact: () => Promise<T>): Promise<T> {
  try {
    return await transact();
  } catch (error) {
    if (!(error instanceof UnknownGpus) || gpus === undefined) throw error;
    await gpus.look();
    return transact();
  }
}
