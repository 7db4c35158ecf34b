import fs from "node:fs";

/** At the event itself the commit is not visible yet: `data_version` is asked at once and after these pauses. */
const CHECK_AFTER_MS = [1, 2, 4, 8, 16] as const;
/** Stands behind the watch, which may be refused (too many watches) or miss an event. */
const POLL_MS = 250;

export interface WakeSource {
  /** The database file; its `-wal` is watched. */
  readonly file: string;
  /** `PRAGMA data_version`: changes with the commits of other connections; undefined while the database is busy. */
  dataVersion(): number | undefined;
}

/**
 * Tells listeners of commits: this process's own when the driver says so, others' by watching the -wal file. Watches
 * only while there is a listener, and keeps no process alive.
 */
export class SqliteWake {
  readonly #source: WakeSource;
  readonly #listeners = new Set<() => void>();
  #seen: number | undefined;
  #watcher: fs.FSWatcher | undefined;
  #poll: NodeJS.Timeout | undefined;
  #nextCheck: NodeJS.Timeout | undefined;
  #told = false;

  constructor(source: WakeSource) {
    this.#source = source;
  }

  add(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.stop();
    };
  }

  /** Another commit of this process. Several in one turn of the event loop are one wake-up. */
  committed(): void {
    if (this.#told || this.#listeners.size === 0) return;
    this.#told = true;
    setImmediate(() => {
      this.#told = false;
      // A copy: a listener may stop itself or add another.
      const listeners = [...this.#listeners];
      for (const listener of listeners) listener();
    });
  }

  stop(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#nextCheck);
    this.#watcher?.close();
    this.#poll = this.#nextCheck = this.#watcher = undefined;
  }

  #start(): void {
    this.#seen = this.#source.dataVersion();
    this.#poll = setInterval(() => {
      this.#watch();
      this.#check();
    }, POLL_MS).unref();
    this.#watch();
  }

  /** Tried again with each poll: the -wal comes with the first write, and watches may be short for a while. */
  #watch(): void {
    if (this.#watcher !== undefined) return;
    const drop = (): void => {
      this.#watcher?.close();
      this.#watcher = undefined;
    };
    try {
      this.#watcher = fs.watch(`${this.#source.file}-wal`, { persistent: false }, (event) => {
        if (event === "rename") drop();
        this.#checkUntilSeen(0);
      });
      this.#watcher.on("error", drop);
    } catch {
      // No watch to be had: the poll finds the commit.
      drop();
    }
  }

  /** Looks now and then at growing distances until the commit shows. A newer event starts the row again. */
  #checkUntilSeen(step: number): void {
    clearTimeout(this.#nextCheck);
    if (this.#listeners.size === 0 || this.#check()) return;
    const pause = CHECK_AFTER_MS[step];
    if (pause === undefined) return;
    this.#nextCheck = setTimeout(() => this.#checkUntilSeen(step + 1), pause).unref();
  }

  #check(): boolean {
    const version = this.#source.dataVersion();
    if (version === undefined || version === this.#seen) return false;
    this.#seen = version;
    this.committed();
    return true;
  }
}
