import fs from "node:fs";
import { BatonError } from "../../base/errors.js";

/** The log and its index are compared this often: a commit is acknowledged only after the file itself has been. */
const BESIDE_EVERY_MS = 1_000;

type Mark = readonly [device: bigint, inode: bigint];

/**
 * Remembers which file on disk a connection writes. A file that was removed or replaced stays writable for the processes that
 * have it open, so its commits would succeed and be lost (device and inode are compared with the path's; 1 µs on Linux).
 */
export class FileIdentity {
  readonly #file: string;
  /** The file itself where the path is a symbolic link: SQLite keeps the log and its index beside it. */
  readonly realFile: string;
  readonly #mark: Mark | undefined;
  readonly #beside = new Map<string, Mark>();
  #besideAt = -Infinity;

  /** To be made before the connection opens the file, so that a swap in between is noticed too. */
  constructor(file: string) {
    this.#file = file;
    this.realFile = fs.existsSync(file) ? fs.realpathSync(file) : file;
    this.#mark = markOf(file);
  }

  /** Throws `unavailable` where the path no longer leads to the file that was opened. */
  check(now: number): void {
    if (!isSame(this.#mark, markOf(this.#file))) throw this.#moved("");
    // A clock set back makes the comparison come sooner.
    if (Math.abs(now - this.#besideAt) < BESIDE_EVERY_MS) return;
    this.#besideAt = now;
    for (const suffix of ["-wal", "-shm"]) {
      // They come with the first query, and go with the last connection alone.
      const known = this.#beside.get(suffix);
      const found = markOf(this.realFile + suffix);
      if (known !== undefined && !isSame(known, found)) throw this.#moved(suffix);
      if (found !== undefined) this.#beside.set(suffix, found);
    }
  }

  #moved(suffix: string): BatonError {
    const file = (suffix === "" ? this.#file : this.realFile) + suffix;
    const happened = fs.existsSync(file) ? "replaced" : "removed";
    const message =
      `The database file ${file} was ${happened} while this process had it open. What this call and the last ones before it ` +
      "wrote is not in the file that is there now. Restart this server; nothing is written until then.";
    return new BatonError("unavailable", message, { details: { file, reason: happened } });
  }
}

function markOf(file: string): Mark | undefined {
  // As whole numbers: inodes of some file systems do not fit into a double.
  const found = fs.statSync(file, { throwIfNoEntry: false, bigint: true });
  return found && [found.dev, found.ino];
}

function isSame(a: Mark | undefined, b: Mark | undefined): boolean {
  return a !== undefined && b !== undefined && a[0] === b[0] && a[1] === b[1];
}
