import { closeSync, existsSync, fstatSync, openSync, readSync, statSync, unlinkSync, utimesSync } from "node:fs";
import { link, mkdir, open, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { hasCode, unlessCode } from "../../base/errors.js";
import { unlessMissing } from "./confinement.js";

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const HASH = /^[0-9a-f]{64}$/;
const PARTIAL = /\.partial$/;
/** A file that is younger may belong to an artifact that is about to be written. */
const SPARED_MS = 3_600_000;
const ASKED_AT_ONCE = 100;

let partials = 0;

/** Large contents beside a SQLite database: a file each, named by the hash of what it holds. */
export class ContentFiles {
  readonly directory: string;

  constructor(database: string) {
    this.directory = `${database}-artifacts`;
  }

  /** Writes a content whole, or leaves the file that is there. Afterwards it is spared for an hour, though no row names it yet. */
  async save(hash: string, data: Uint8Array): Promise<void> {
    const file = this.#fileOf(hash);
    if (this.#touch(file, data.length)) return;
    await mkdir(path.dirname(file), { recursive: true, mode: DIRECTORY_MODE });
    const partial = `${file}.${process.pid}-${++partials}.partial`;
    try {
      const handle = await open(partial, "wx", FILE_MODE);
      try {
        await handle.writeFile(data);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await unlessCode(link(partial, file), "EEXIST");
    } finally {
      await rm(partial, { force: true });
    }
  }

  /** Returns a content; undefined where its file is gone. At once, because it stands in a query. */
  read(hash: string): Buffer | undefined {
    const handle = unlessMissing(() => openSync(this.#fileOf(hash), "r"));
    if (handle === undefined) return undefined;
    try {
      const data = Buffer.alloc(fstatSync(handle).size);
      let read = 0;
      for (let more = -1; more !== 0 && read < data.length; read += more)
        more = readSync(handle, data, read, data.length - read, read);
      return data.subarray(0, read);
    } finally {
      closeSync(handle);
    }
  }

  /** Whether there have been any. */
  isThere(): boolean {
    return existsSync(this.directory);
  }

  has(hash: string): boolean {
    return existsSync(this.#fileOf(hash));
  }

  /** Removes a content. A process that has just saved the same looks for it again after its commit. */
  async discard(hash: string): Promise<void> {
    await rm(this.#fileOf(hash), { force: true });
  }

  /** Removes the files that no row names: `named` returns those of the hashes that one does. Returns how many went. */
  async removeUnnamed(now: number, named: (hashes: readonly string[]) => Promise<readonly string[]>): Promise<number> {
    let removed = 0;
    for (const folder of (await unlessCode(readdir(this.directory), "ENOENT")) ?? []) {
      const names = (await unlessCode(readdir(path.join(this.directory, folder)), "ENOTDIR", "ENOENT")) ?? [];
      const old = names.filter((name) => this.#isOld(path.join(this.directory, folder, name), now));
      for (const name of old.filter((one) => PARTIAL.test(one))) removed += this.#remove(path.join(folder, name), now);
      const hashes = old.filter((name) => HASH.test(name));
      for (let at = 0; at < hashes.length; at += ASKED_AT_ONCE) {
        const asked = hashes.slice(at, at + ASKED_AT_ONCE);
        const kept = new Set(await named(asked));
        for (const hash of asked) if (!kept.has(hash)) removed += this.#remove(path.join(folder, hash), now);
      }
    }
    return removed;
  }

  /** Looks at the age once more: the file may have come into use since it was listed. */
  #remove(below: string, now: number): number {
    const file = path.join(this.directory, below);
    if (!this.#isOld(file, now)) return 0;
    unlinkSync(file);
    return 1;
  }

  #isOld(file: string, now: number): boolean {
    const found = statSync(file, { throwIfNoEntry: false });
    return found?.isFile() === true && found.mtimeMs < now - SPARED_MS;
  }

  /** Whether the whole file is there; it then counts as new. */
  #touch(file: string, bytes: number): boolean {
    if (statSync(file, { throwIfNoEntry: false })?.size !== bytes) return false;
    try {
      const now = new Date();
      utimesSync(file, now, now);
      return true;
    } catch (error) {
      if (hasCode(error, "ENOENT")) return false;
      throw error;
    }
  }

  #fileOf(hash: string): string {
    if (!HASH.test(hash)) throw new Error(`"${hash}" is no hash of a content`);
    return path.join(this.directory, hash.slice(0, 2), hash);
  }
}
