import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { seededRandom } from "../../src/runtime/random.js";
import { openSqlite } from "../../src/store/sqlite/sqlite.js";
import { findingsText } from "../support/checker/checker.js";
import { countOf } from "../support/counts.js";
import { testRuntime } from "../support/databases/databases.js";
import { Draw } from "../support/draw.js";
import { playHistory } from "../support/simulation/history.js";

/**
 * Agents at several processes, random graphs, outcomes and locks, faults at any statement and at COMMIT, jumps of the clock:
 * then all work is brought to its end, and nothing may be found. Thousands of them:
 *
 *   BATON_SIMULATIONS=5000 BATON_SIMULATION_SEED=1 npx vitest run test/simulation/histories.test.ts
 */
// Each plays more areas than before: 20 took 68 s on two busy cores, so 300 take about 17 minutes.
const COUNT = countOf("BATON_SIMULATIONS", { short: 20, long: 300 });
const FIRST_SEED = Number(process.env["BATON_SIMULATION_SEED"] ?? 1);
const GROUP = 10;
/** At each statement and COMMIT: no call in a history is struck, one in a hundred, one in ten. */
const FAULT_RATES = [0, 0.001, 0.001, 0.01] as const;

// Memory, where there is some: a history is not about the disk.
const SCRATCH = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

const groups = Array.from({ length: Math.ceil(COUNT / GROUP) }, (_, at) => FIRST_SEED + at * GROUP);

test.each(groups)(
  `nothing is lost, done twice, held twice or left behind in the histories from seed %i on`,
  async (first) => {
    const directory = mkdtempSync(path.join(SCRATCH, "baton-simulation-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    for (let seed = first; seed < Math.min(first + GROUP, FIRST_SEED + COUNT); seed++) {
      expect(await played(directory, seed), `seed ${seed}`).toBe("");
    }
  },
  300_000,
);

async function played(directory: string, seed: number): Promise<string> {
  const database = path.join(directory, "history.db");
  for (const suffix of ["", "-wal", "-shm"]) rmSync(database + suffix, { force: true });
  copyFileSync(inject("sqliteTemplate"), database);
  const store = await openSqlite({ file: database, synchronous: "NORMAL", runtime: testRuntime() });
  try {
    const draw = new Draw(seededRandom(seed));
    const course = { faultRate: draw.pick(FAULT_RATES), actions: draw.int(10, 100) };
    const options = { ...course, seed, database, cwd: directory, store, rough: true };
    return findingsText((await playHistory(options)).findings);
  } finally {
    await store.close();
  }
}
