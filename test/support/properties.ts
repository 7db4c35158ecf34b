import * as fc from "fast-check";

// The same cases in each run: a new one that fails must not meet whoever comes by with another change. To look for more:
//
//   BATON_PROPERTY_SEED=2 npx vitest run test/engine/paths/paths.test.ts
fc.configureGlobal({ seed: Number(process.env["BATON_PROPERTY_SEED"] ?? 1) });
