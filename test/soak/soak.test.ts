import path from "node:path";
import { expect, test } from "vitest";
import { soak } from "../../soak/soak.js";
import { BACKENDS, createDatabase, temporaryDirectory } from "../support/databases/databases.js";
import { findingsText } from "../support/checker/checker.js";

const HOME = path.resolve(import.meta.dirname, "../..");

// The small one; `npm run soak` is the long one.
test.each(BACKENDS)(
  "servers on %s are killed with -9 while they work, and nothing is lost, done twice or held by the dead",
  async (backend) => {
    const { location } = await createDatabase(backend);
    const report = await soak({
      place: { home: HOME, cwd: temporaryDirectory(), database: location },
      seed: 1,
      processes: 4,
      seconds: 1,
      tasks: 60,
      kills: 3,
      killEveryMs: 1_000,
    });
    expect(report.problems).toEqual([]);
    expect(findingsText(report.findings)).toBe("");
    expect(report.figures["kills"]).toBeGreaterThanOrEqual(3);
  },
  // A minute for each of its ends, should the machine be slow.
  240_000,
);
