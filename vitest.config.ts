import { defineConfig } from "vitest/config";
import { TallyReporter } from "./test/support/tally-reporter.js";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    environment: "node",
    globalSetup: ["test/support/built-server.ts", "test/support/postgres-server.ts"],
    // A process per file: tests start servers, take file locks and send signals.
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    reporters: ["default", new TallyReporter()],
  },
});
