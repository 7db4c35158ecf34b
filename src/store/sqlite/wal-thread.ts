/**
 * A thread that copies the log of one SQLite file into it, on a connection of its own, each time it is told to. Started by
 * wal.ts; it ends when its port is closed.
 */
import { parentPort, workerData } from "node:worker_threads";
import Database from "better-sqlite3";

/** The job of the thread. */
export interface WalThreadJob {
  readonly file: string;
  readonly synchronous: "FULL" | "NORMAL";
}

/** Messages to the thread; it answers each `checkpoint`. */
export type ToWalThread = "checkpoint" | "end";

const { file, synchronous } = workerData as WalThreadJob;
const database = new Database(file, { fileMustExist: true, timeout: 0 });
database.pragma(`synchronous = ${synchronous}`);
// Closing the last connection to a file copies the whole log; this one leaves that to the store.
database.pragma("wal_autocheckpoint = 0");

parentPort?.on("message", (message: ToWalThread) => {
  if (message === "end") {
    database.close();
    parentPort?.close();
    return;
  }
  try {
    // PASSIVE neither waits nor blocks. Pages that a reader still needs are left to the next time.
    database.pragma("wal_checkpoint(PASSIVE)");
  } catch {
    // A full disk, or a broken one: a commit meets the same and says so.
  }
  parentPort?.postMessage("checkpointed");
});
