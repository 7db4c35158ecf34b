import { expect, test } from "vitest";
import { isLong } from "../support/counts.js";
import { type Backend, createDatabase, temporaryDirectory } from "../support/databases/databases.js";
import { findingsText } from "../support/checker/checker.js";
import { type Dump, dumpOf, normalised } from "../support/databases/dump.js";
import { playHistory } from "../support/simulation/history.js";

const SEEDS = isLong ? [2, 3, 5, 6] : [3, 5];

test.each(SEEDS)(
  "the history of seed %i leaves the same state on both databases",
  async (seed) => {
    const cwd = temporaryDirectory();
    const [sqlite, postgres] = [await stateAfter("sqlite", { seed, cwd }), await stateAfter("postgres", { seed, cwd })];
    // Table by table, so that a difference shows where it is.
    for (const table of Object.keys(sqlite)) {
      expect({ [table]: postgres[table] }).toEqual({ [table]: sqlite[table] });
    }
  },
  300_000,
);

async function stateAfter(backend: Backend, { seed, cwd }: { seed: number; cwd: string }): Promise<Dump> {
  const database = await createDatabase(backend);
  const store = await database.open();
  const options = { seed, cwd, store, database: database.location, faultRate: 0, actions: 80, rough: false };
  const { findings } = await playHistory(options);
  expect(findingsText(findings)).toBe("");
  return normalised(await dumpOf(store));
}
