import path from "node:path";
import { expect, test } from "vitest";
import { soak } from "../../soak/soak.js";
import { isLong } from "../support/counts.js";
import { BACKENDS, createDatabase, temporaryDirectory } from "../support/databases/databases.js";
import { findingsText } from "../support/checker/checker.js";

const HOME = path.resolve(import.meta.dirname, "../..");

// Short in `npm test`, longer with BATON_LONG_TESTS=1; `npm run soak` takes minutes.
test.each(BACKENDS)(
  "servers on %s are killed with -9 while they work, and nothing is lost, done twice or held by the dead",
  async (backend) => {
    const { location } = await createDatabase(backend);
    const report = await soak({
      place: { home: HOME, cwd: temporaryDirectory(), database: location },
      seed: 1,
      processes: 4,
      ...(isLong ? { seconds: 30, tasks: 500, kills: 20 } : { seconds: 1, tasks: 40, kills: 2 }),
      killEveryMs: 1_000,
    });
    expect(report.problems).toEqual([]);
    expect(findingsText(report.findings)).toBe("");
    expect(report.figures["kills"]).toBeGreaterThanOrEqual(isLong ? 20 : 2);
  },
  // Three minutes for each of its ends, should the machine be slow.
  420_000,
);
