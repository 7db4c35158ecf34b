import { expect, test } from "vitest";
import { Problems } from "../../../src/base/problems.js";
import { defaultSettings } from "../../../src/base/settings/defaults.js";
import { addGraphProblems } from "../../../src/engine/graph/problems.js";

/** Each step needs all before it. */
function problemsOfDense(count: number) {
  const keys = Array.from({ length: count }, (_, at) => `k${at}`);
  const problems = new Problems();
  const steps = keys.map((key, at) => ({ key, needs: keys.slice(0, at), trigger: undefined }));
  addGraphProblems(steps, defaultSettings, problems);
  return problems.list();
}

test("a definition has at most 100,000 dependencies in all, and is told how the same is written with fewer", () => {
  expect(problemsOfDense(440)).toEqual([]);
  expect(problemsOfDense(500)).toEqual([
    {
      path: "steps",
      limit: true,
      message: "124750 dependencies, the limit is 100000: let many steps need one that needs the many before it",
    },
  ]);
});
