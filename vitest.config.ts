import { defineConfig } from "vitest/config";
import { SlowFirst } from "./test/support/slow-first.js";
import { TallyReporter } from "./test/support/tally-reporter.js";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // They need other programs, or the machine to themselves: `npm run test:system`.
    exclude: ["test/system/**"],
    environment: "node",
    globalSetup: [
      "test/support/servers/built-server.ts",
      "test/support/databases/postgres-server.ts",
      "test/support/databases/sqlite-template.ts",
    ],
    setupFiles: ["test/support/properties.ts"],
    // Processes, not threads: tests start servers, take file locks and send signals. A process goes on with the next file and what
    // it has loaded, which saves a sixth of the time; so no file may leave anything behind in its process.
    pool: "forks",
    isolate: false,
    // One more than the cores of a small machine: tests of processes and timers mostly wait.
    maxWorkers: 3,
    sequence: { sequencer: SlowFirst },
    // Far more than any takes: what it catches are tests that hang, not machines that are busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    reporters: ["default", new TallyReporter()],
  },
});
