import Database from "better-sqlite3";
import { better, defineQueue, type Logger, type Queue } from "plainjob";
import type { Synchronous } from "../harness/engine-handle.js";

const TYPE = "page";
const SILENT: Logger = { error() {}, warn() {}, info() {}, debug() {} };

/**
 * The package plainjob as it comes, a queue without dependencies, tokens or history, worked off by the calls that its own worker
 * makes. It asks for NORMAL; the other setting is made on its connection afterwards.
 */
export class PlainJobQueue {
  readonly #queue: Queue;

  constructor(file: string, synchronous: Synchronous) {
    const database = new Database(file);
    this.#queue = defineQueue({ connection: better(database), logger: SILENT });
    database.pragma(`synchronous = ${synchronous}`);
  }

  fill(jobs: number): void {
    const data = Array.from({ length: jobs }, () => ({ prompt: "Write the page." }));
    this.#queue.addMany(TYPE, data);
  }

  takeAndFinish(): void {
    const taken = this.#queue.getAndMarkJobAsProcessing(TYPE);
    if (taken === undefined) throw new Error("plainjob's queue is empty");
    this.#queue.getJobById(taken.id);
    this.#queue.markJobAsDone(taken.id);
  }

  close(): void {
    this.#queue.close();
  }
}
