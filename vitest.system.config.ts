import { defineConfig, mergeConfig } from "vitest/config";
import base from "./vitest.config.js";

/** `npm run test:system`: tests that need other programs than Node and git, from registries, or the machine to themselves. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  defineConfig({ test: { include: ["test/system/**/*.test.ts"], exclude: [], maxWorkers: 1 } }),
);
