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

/** Calls back after so many milliseconds, unless it is cancelled. Keeps no process alive. */
export type StartTimer = (ms: number, run: () => void) => { cancel(): void };

const realTimer: StartTimer = (ms, run) => {
  const timer = setTimeout(run, ms).unref();
  return { cancel: () => clearTimeout(timer) };
};

interface Job {
  readonly work: TextWork;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

interface CurrentJob extends Job {
  readonly id: number;
  readonly limit: ReturnType<StartTimer>;
}

/**
 * The thread of this process that works on texts, one piece of work after another. It is started with the first one and ended when there
 * has been none for a while.
 */
export class TextThread implements TextWorker {
  readonly #startTimer: StartTimer;
  readonly #queue: Job[] = [];
  #worker: Worker | undefined;
  #current: CurrentJob | undefined;
  #idle: ReturnType<StartTimer> | undefined;
  #lastId = 0;

  constructor(startTimer: StartTimer = realTimer) {
    this.#startTimer = startTimer;
  }

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

  /** Ends the thread. Its work fails, and so does what waits for it. */
  async close(): Promise<void> {
    const worker = this.#worker;
    const waiting = this.#queue.splice(0);
    this.#lose("the server is shutting down");
    for (const job of waiting) job.reject(unavailable("the server is shutting down"));
    await worker?.terminate();
  }

  #do<T>(work: TextWork): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve: (result) => resolve(result as T), reject });
      this.#next();
    });
  }

  /** Begins with the next piece of work. Its time is counted from here, not from when it was asked for. */
  #next(): void {
    if (this.#current !== undefined) return;
    const job = this.#queue.shift();
    if (job === undefined) return;
    const worker = this.#running();
    const id = ++this.#lastId;
    const limit = this.#startTimer(WORK_MAX_MS, () => {
      void worker.terminate();
      this.#lose(`it took longer than ${WORK_MAX_MS / 1_000} s`);
    });
    this.#current = { ...job, id, limit };
    worker.ref();
    worker.postMessage({ id, work: job.work } satisfies TextRequest);
  }

  #running(): Worker {
    this.#idle?.cancel();
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(threadFile(), { resourceLimits: HEAP });
    this.#worker = worker;
    worker.on("message", (answer: TextAnswer) => this.#take(answer));
    worker.on("error", (error) => this.#worker === worker && this.#lose(error.message));
    worker.on("exit", () => this.#worker === worker && this.#lose("its thread ended"));
    return worker;
  }

  #take({ id, result, error }: TextAnswer): void {
    const job = this.#current;
    if (job?.id !== id) return;
    this.#current = undefined;
    job.limit.cancel();
    if (error === undefined) job.resolve(result);
    else job.reject(new Error(error));
    this.#next();
    if (this.#current !== undefined) return;
    // A process that has nothing else to do may end.
    this.#worker?.unref();
    this.#idle = this.#startTimer(IDLE_MS, () => void this.close());
  }

  /** Fails the work of a thread that is gone. What waits has a new thread. */
  #lose(why: string): void {
    this.#worker = undefined;
    this.#idle?.cancel();
    const job = this.#current;
    this.#current = undefined;
    job?.limit.cancel();
    job?.reject(unavailable(why));
    this.#next();
  }
}

function unavailable(why: string): BatonError {
  const message = `The text could not be worked on: ${why}. Nothing was changed. Try again, or give less at once (chunk_content, several add_context).`;
  return new BatonError("unavailable", message, { details: { reason: why } });
}
