import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { WalThreadJob, ToWalThread } from "./wal-thread.js";

/** How much of the log is not in the file yet, in pages, and how long it is. */
export interface WalState {
  readonly pages: number;
  readonly checkpointed: number;
}

export interface WalCheckpointerParts extends WalThreadJob {
  /** Undefined where it is not known now. */
  state(): WalState | undefined;
  /** Whether other processes are writing too. */
  isShared(): boolean;
}

/** After a commit; later ones within it share one check. */
const COALESCE_MS = 10;
/** A checkpoint is asked for from so many pages on. */
const CHECKPOINT_PAGES = 1_000;
/** All that the thread has is a statement; megabytes. */
const HEAP = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 } as const;
/** A thread with nothing to do for so long is ended. */
const IDLE_MS = 10_000;

/** The compiled thread: beside this module in the bundle, or in dist/ when this module runs from its source. */
function threadFile(): string {
  const beside = fileURLToPath(new URL("./wal-thread.js", import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL("../../../dist/lib/wal-thread.js", import.meta.url));
}

/**
 * Has the log copied into the file by a thread, which is started with the first log that is long enough. Who commits would
 * otherwise copy all of it now and then, 16 MiB and two waits for the disk, with the event loop standing still for 35 to 50 ms;
 * so little is left for them. Where several processes write at once the threads would take the processor from those who wait for
 * their turn: then a commit copies, as it does where there is no thread to be had.
 */
export class WalCheckpointer {
  readonly #parts: WalCheckpointerParts;
  #timer: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #thread: Worker | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  #checkpointing = false;
  #isOver = false;

  constructor(parts: WalCheckpointerParts) {
    this.#parts = parts;
  }

  /** A commit of this process has made the log longer. */
  committed(): void {
    if (!this.#isOver) this.#timer ??= setTimeout(() => this.#checkpointIfLong(), COALESCE_MS).unref();
  }

  /** Ends the thread. When this settles, its connection is closed. */
  async close(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#end();
    await this.#ended;
  }

  #checkpointIfLong(): void {
    this.#timer = undefined;
    if (this.#checkpointing || this.#parts.isShared()) return;
    const state = this.#parts.state();
    if (state === undefined || state.pages - state.checkpointed < CHECKPOINT_PAGES) return;
    this.#thread ??= this.#start();
    if (this.#thread === undefined) return;
    this.#checkpointing = true;
    clearTimeout(this.#idle);
    this.#thread.postMessage("checkpoint" satisfies ToWalThread);
  }

  /** Undefined where the system has no thread left. */
  #start(): Worker | undefined {
    const { file, synchronous } = this.#parts;
    const workerData: WalThreadJob = { file, synchronous };
    let thread: Worker;
    try {
      thread = new Worker(threadFile(), { workerData, execArgv: [], resourceLimits: HEAP });
    } catch {
      this.#fail();
      return undefined;
    }
    thread.unref();
    thread.on("message", () => {
      this.#checkpointing = false;
      this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref();
    });
    // Followed by its exit.
    thread.on("error", () => {});
    const exit = new Promise<void>((resolve) => thread.once("exit", () => resolve()));
    this.#ended = Promise.all([this.#ended, exit.then(() => this.#thread === thread && this.#fail())]);
    return thread;
  }

  #end(): void {
    clearTimeout(this.#idle);
    // The closing store waits for its end, and may have nothing else that keeps the process.
    this.#thread?.ref();
    this.#thread?.postMessage("end" satisfies ToWalThread);
    this.#thread = undefined;
    this.#checkpointing = false;
  }

  /** It ended by itself, or never began: the next would do no better. */
  #fail(): void {
    this.#end();
    this.#isOver = true;
  }
}
