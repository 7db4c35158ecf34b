import { BatonError } from "../base/errors.js";
import type { TextThread, TextWorker } from "./text-thread.js";

/** The thread of this process that works on texts: loaded with the first text, ended when the process stops serving. */
export class Texts implements TextWorker {
  #thread: Promise<TextThread> | undefined;
  #closed = false;

  count: TextWorker["count"] = async (texts) => (await this.#loaded()).count(texts);
  cut: TextWorker["cut"] = async (text, max) => (await this.#loaded()).cut(text, max);
  extract: TextWorker["extract"] = async (orders) => (await this.#loaded()).extract(orders);
  chunk: TextWorker["chunk"] = async (order) => (await this.#loaded()).chunk(order);

  /** Ends the thread, if there is one, and refuses further texts. What it was doing fails. */
  async close(): Promise<void> {
    this.#closed = true;
    const thread = await this.#thread?.catch(() => undefined);
    await thread?.close();
  }

  #loaded(): Promise<TextThread> {
    if (this.#closed) return Promise.reject(new BatonError("unavailable", "The server is shutting down."));
    return (this.#thread ??= import("./text-thread.js").then(
      ({ TextThread: Thread }) => new Thread(),
      (error: unknown) => {
        // The next text tries again.
        this.#thread = undefined;
        throw error;
      },
    ));
  }
}
