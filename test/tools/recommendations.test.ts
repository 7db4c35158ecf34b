import { describe, expect, test } from "vitest";
import type { InputOf } from "../../src/tools/registry.js";
import { BACKENDS } from "../support/databases/databases.js";
import { Payers } from "../support/fixtures/payers.js";

const TIERS = { light: "claude-haiku-4-5", standard: "claude-sonnet-4-5", frontier: "claude-opus-4-1" } as const;

describe.each(BACKENDS)("recommend_model on %s", (backend) => {
  const recommend = async (team: Payers, input: Partial<InputOf<"recommend_model">> = {}) =>
    team.app.call("recommend_model", { role: "backend", ...input });

  /** Tasks of a role that a model did, and did not. */
  async function done(team: Payers, model: string, { good = 0, bad = 0 }): Promise<void> {
    const steps = Array.from({ length: good + bad }, (_, at) => ({
      key: `s${at}`,
      role: "backend",
      retry: { max_attempts: 1 },
    }));
    const run = await team.run(steps);
    for (let at = 0; at < good + bad; at++) {
      const { id: task, token } = await team.crew.take("ann", { run, roles: ["backend"] });
      const usage = { model, input_tokens: 50_000, output_tokens: 5_000 };
      if (at < good) await team.app.call("complete_task", { task, token, usage });
      else await team.app.call("fail_task", { task, token, usage, error: { type: "wrong", message: "wrong" } });
    }
  }

  test("without past tasks the complexity decides the tier, and the answer says so", async () => {
    const team = await Payers.start(backend);
    for (const [complexity, tier] of [
      ["low", "light"],
      ["medium", "standard"],
      ["high", "frontier"],
    ] as const) {
      const { recommendation } = await recommend(team, { complexity });
      expect(recommendation).toMatchObject({ model: TIERS[tier], tier, observations: 0, confidence: 0 });
      expect(recommendation.because).toContain("the tier of its price stands for its quality");
    }
  });

  test("a light model that has done the role's tasks well is taken for them, and one that failed is not", async () => {
    const [well, badly] = [await Payers.start(backend), await Payers.start(backend)];
    await done(well, TIERS.light, { good: 10 });
    await done(badly, TIERS.light, { good: 2, bad: 8 });
    await done(badly, TIERS.standard, { good: 5 });
    const taken = await recommend(well);
    expect(taken.recommendation).toMatchObject({ model: TIERS.light, observations: 10 });
    expect(taken.recommendation.quality).toBeGreaterThan(0.85);
    const avoided = await recommend(badly, { complexity: "low" });
    expect(avoided.recommendation).toMatchObject({ model: TIERS.standard, observations: 5 });
    expect(avoided.alternatives.find(({ model }) => model === TIERS.light)?.quality).toBeLessThan(0.5);
  });

  test("a budget leaves out dearer models, and one that is below all of them gets the cheapest", async () => {
    const team = await Payers.start(backend);
    const { recommendation, alternatives } = await recommend(team, { complexity: "high" });
    const light = alternatives.find(({ model }) => model === TIERS.light);
    expect(recommendation.expected_cost).toBeGreaterThan(light?.expected_cost ?? 1);
    const bounded = await recommend(team, { complexity: "high", budget: light?.expected_cost ?? 0 });
    expect(bounded.recommendation).toMatchObject({ model: TIERS.light });
    expect(bounded.recommendation.because).toContain("it is the best of them");
    expect((await recommend(team, { budget: 0 })).recommendation.because).toContain("costs more than the budget");
  });
});
