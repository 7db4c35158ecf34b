import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { BatonError } from "../base/errors.js";
import type { Chunk } from "./chunks.js";
import type { ChunkOrder, ExtractOrder } from "./compaction.js";
import type { Extract } from "./extract.js";
import type { TextAnswer, TextRequest, TextWork } from "./thread.js";

/** Texts that are counted and shortened outside of this thread. */
export interface TextWorker {
  /** Tokens of each text, in o200k_base. */
  count(texts: readonly string[]): Promise<number[]>;
  /** The longest beginning of a text with at most so many tokens. */
  cut(text: string, max: number): Promise<Extract>;
  /** Shortens contents by their kind; undefined for one of which nothing has room. */
  extract(orders: readonly ExtractOrder[]): Promise<(Extract | undefined)[]>;
  chunk(order: ChunkOrder): Promise<Chunk[]>;
}

/** A thread with nothing to do for so long is ended: it holds 60 MB. */
const IDLE_MS = 30_000;
/** One piece of work may take so long. */
const WORK_MAX_MS = 60_000;
const HEAP = { maxOldGenerationSizeMb: 512 } as const;

/** The compiled thread: beside this module in the bundle, or in dist/ when this module runs from its source. */
function threadFile(): string {
  const beside = fileURLToPath(new URL("./text-thread-worker.js", import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL("../../dist/lib/text-thread-worker.js", import.meta.url));
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
  readonly timer: NodeJS.Timeout;
}

/** The thread of this process that works on texts, started with the first work and ended when there has been none for a while. */
export class TextThread implements TextWorker {
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #lastId = 0;
  readonly #waiting = new Map<number, Waiting>();

  count(texts: readonly string[]): Promise<number[]> {
    return this.#do({ do: "count", texts });
  }

  cut(text: string, max: number): Promise<Extract> {
    return this.#do({ do: "cut", text, max });
  }

  extract(orders: readonly ExtractOrder[]): Promise<(Extract | undefined)[]> {
    return this.#do({ do: "extract", orders });
  }

  chunk(order: ChunkOrder): Promise<Chunk[]> {
    return this.#do({ do: "chunk", order });
  }

  /** Ends the thread. What it was doing fails. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#lose("the server is shutting down");
    await worker?.terminate();
  }

  #do<T>(work: TextWork): Promise<T> {
    const worker = this.#running();
    const id = ++this.#lastId;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        void worker.terminate();
        this.#lose(`it took longer than ${WORK_MAX_MS / 1_000} s`);
      }, WORK_MAX_MS).unref();
      this.#waiting.set(id, { resolve: (result) => resolve(result as T), reject, timer });
      worker.ref();
      worker.postMessage({ id, work } satisfies TextRequest);
    });
  }

  #running(): Worker {
    clearTimeout(this.#idle);
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(threadFile(), { resourceLimits: HEAP });
    this.#worker = worker;
    worker.on("message", (answer: TextAnswer) => this.#take(answer));
    worker.on("error", (error) => this.#worker === worker && this.#lose(error.message));
    worker.on("exit", () => this.#worker === worker && this.#lose("its thread ended"));
    return worker;
  }

  #take({ id, result, error }: TextAnswer): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (error === undefined) waiting.resolve(result);
    else waiting.reject(new Error(error));
    if (this.#waiting.size > 0) return;
    // A process that has nothing else to do may end.
    this.#worker?.unref();
    this.#idle = setTimeout(() => void this.close(), IDLE_MS).unref();
  }

  #lose(why: string): void {
    this.#worker = undefined;
    clearTimeout(this.#idle);
    for (const waiting of this.#waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(unavailable(why));
    }
    this.#waiting.clear();
  }
}

function unavailable(why: string): BatonError {
  const message = `The text could not be worked on: ${why}. Nothing was changed. Try again, or give less at once (chunk_content, several add_context).`;
  return new BatonError("unavailable", message, { details: { reason: why } });
}
