import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import { ManualClock } from "../../src/runtime/clock.js";
import { sortableIds } from "../../src/runtime/ids.js";
import { seededRandom } from "../../src/runtime/random.js";
import type { Runtime } from "../../src/runtime/runtime.js";
import type { StoreHooks } from "../../src/store/faults.js";
import { openSqlite } from "../../src/store/sqlite.js";
import type { Store } from "../../src/store/tx.js";

export const BACKENDS = ["sqlite"] as const;
export type Backend = (typeof BACKENDS)[number];

export interface OpenOptions {
  readonly runtime?: Runtime;
  readonly hooks?: StoreHooks;
  readonly busyMs?: number;
}

/** A database of one test. Gone, with every store opened on it, when the test has finished. */
export interface TestDatabase {
  readonly backend: Backend;
  /** The file, or the URL with its password: for other processes. */
  readonly location: string;
  open(options?: OpenOptions): Promise<Store>;
}

/** A clock that stands still, and ids and chance that repeat themselves. */
export function testRuntime(seed = 1): Runtime & { clock: ManualClock } {
  const random = seededRandom(seed);
  return { clock: new ManualClock(), random, ids: sortableIds(random) };
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "baton-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** An empty database of the given kind, for the test that runs. */
export async function createDatabase(backend: Backend): Promise<TestDatabase> {
  const file = path.join(temporaryDirectory(), "baton.db");
  return {
    backend,
    location: file,
    open: (options = {}) =>
      closedAfterTest(openSqlite({ file, synchronous: "NORMAL", runtime: testRuntime(), ...options })),
  };
}

async function closedAfterTest(opening: Promise<Store>): Promise<Store> {
  const store = await opening;
  onTestFinished(() => store.close());
  return store;
}
