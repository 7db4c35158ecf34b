import * as fc from "fast-check";

// Runs the same cases each time: a new failing case must not meet an unrelated change. To look for more:
// BATON_PROPERTY_SEED=2 npx vitest run test/engine/paths/paths.test.ts
fc.configureGlobal({ seed: Number(process.env["BATON_PROPERTY_SEED"] ?? 1) });
