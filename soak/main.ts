import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { findingsText } from "../test/support/checker/checker.js";
import { startPostgres } from "../test/support/postgres-server.js";
import { soak } from "./soak.js";

const USAGE = "npm run soak -- [--seconds 300] [--seed N] [--database sqlite|postgres] [--processes 8]";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "300" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    database: { type: "string", default: "sqlite" },
    processes: { type: "string", default: "8" },
  },
});

const [seconds, seed, processes] = [values.seconds, values.seed, values.processes].map(Number);
if (
  !seconds ||
  !processes ||
  seed === undefined ||
  Number.isNaN(seed) ||
  !["sqlite", "postgres"].includes(values.database)
) {
  console.error(USAGE);
  process.exit(2);
}

const cwd = mkdtempSync(path.join(tmpdir(), "baton-soak-"));
const postgres = values.database === "postgres" ? await startPostgres() : undefined;
try {
  console.log(`${processes} servers on ${values.database} for ${seconds} s, seed ${seed}`);
  const report = await soak({
    place: {
      home: path.resolve(import.meta.dirname, "../../.."),
      cwd,
      database: postgres?.url ?? path.join(cwd, "baton.db"),
    },
    seed,
    processes,
    seconds,
    tasks: 200,
    kills: 5,
    killEveryMs: 1_500,
    progress: (line) => console.log(line),
  });
  console.table(report.figures);
  const wrong = [...report.problems, ...(report.findings.length > 0 ? [findingsText(report.findings)] : [])];
  console.log(wrong.length === 0 ? "all invariants hold" : wrong.join("\n"));
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  await postgres?.stop();
  rmSync(cwd, { recursive: true, force: true });
}
