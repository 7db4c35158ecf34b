import { describe, expect, test } from "vitest";
import type { InputOf } from "../../src/tools/registry.js";
import { BACKENDS } from "../support/databases/databases.js";
import { Payers } from "../support/fixtures/payers.js";
import { startAppOn } from "../support/servers/app.js";

const SONNET = "claude-sonnet-4-5";

describe.each(BACKENDS)("forecasts on %s", (backend) => {
  /** A project whose tasks of a role have used so many tokens of input each, and a tenth of that of output. */
  async function withPast(role: string, inputs: readonly number[], model = SONNET): Promise<Payers> {
    const team = await Payers.start(backend);
    const run = await team.run(inputs.map((_, at) => ({ key: `past${at}`, role })));
    for (const input_tokens of inputs) {
      const { id: task, token } = await team.crew.take("ann", { run, roles: [role] });
      const usage = { model, input_tokens, output_tokens: Math.round(input_tokens / 10) };
      await team.app.call("complete_task", { task, token, usage });
    }
    return team;
  }

  const estimate = async (team: Payers, input: InputOf<"estimate_task_cost">) =>
    team.app.call("estimate_task_cost", input);

  test("an estimate without past tasks follows the size of the prompt, and says that it is a guess", async () => {
    const team = await Payers.start(backend);
    const small = await estimate(team, { role: "backend", prompt_tokens: 1_000, iterations: 2 });
    const large = await estimate(team, { role: "backend", prompt_tokens: 100_000, iterations: 2 });
    expect(small.estimate).toMatchObject({
      model: SONNET,
      price: "list_price",
      tier: "standard",
      basis: "prompt size",
      observations: 0,
      confidence: 0,
      input_tokens: 2_800,
      output_tokens: 1_600,
    });
    expect(small.estimate.total_cost).toBeCloseTo(0.0324, 6);
    expect((small.estimate.input_cost ?? 0) + (small.estimate.output_cost ?? 0)).toBeCloseTo(0.0324, 5);
    expect(large.estimate.total_cost).toBeGreaterThan(0.6);
    expect(small.notes?.join(" ")).toMatch(/No task has reported a model yet.*little more than a guess/);
  });

  test("an estimate follows the past tasks of the role, the surer the more there are", async () => {
    const few = await withPast("backend", [100_000, 120_000]);
    const many = await withPast("backend", [90_000, 100_000, 110_000, 95_000, 105_000, 100_000, 98_000, 103_000]);
    const [unsure, sure] = [await estimate(few, { role: "backend" }), await estimate(many, { role: "backend" })];
    // 100,000 tokens of input at 3 US$, 10,000 of output at 15 US$ for a million.
    expect(sure.estimate.total_cost).toBeGreaterThan(0.38);
    expect(sure.estimate.total_cost).toBeLessThan(0.48);
    expect(sure.estimate).toMatchObject({ basis: "role and model", observations: 8, model: SONNET });
    expect(sure.estimate.input_cost).toBeCloseTo((sure.estimate.total_cost ?? 0) * (2 / 3), 3);
    const width = ({ estimate: { low = 0, high = 0 } }: typeof sure) => high / low;
    expect(width(sure)).toBeLessThan(width(unsure));
    expect(sure.estimate.confidence).toBeGreaterThan(unsure.estimate.confidence);
    expect(sure.notes).toBeUndefined();
  });

  test("an estimate for another model takes the tokens of past tasks at its price", async () => {
    const team = await withPast(
      "backend",
      Array.from({ length: 12 }, () => 100_000),
    );
    const [own, dearer] = [
      await estimate(team, { role: "backend" }),
      await estimate(team, { role: "backend", model: "claude-opus-4-1" }),
    ];
    // Five times the price for input and for output.
    expect((dearer.estimate.total_cost ?? 0) / (own.estimate.total_cost ?? 1)).toBeCloseTo(5, 0);
    expect(dearer.estimate).toMatchObject({ tier: "frontier", basis: "role" });
    expect(dearer.estimate.confidence).toBeLessThan(own.estimate.confidence);
  });

  test("an estimate counts what an unfinished task has used so far for nothing", async () => {
    const team = await withPast("backend", [100_000, 100_000, 100_000]);
    const before = await estimate(team, { role: "backend" });
    const run = await team.run([{ key: "now", role: "backend" }]);
    const { id: task } = await team.crew.take("ann", { run, roles: ["backend"] });
    await team.app.call("record_usage", { task, model: SONNET, input_tokens: 10 });
    expect(await estimate(team, { role: "backend" })).toEqual(before);
  });

  test("an estimate of a task takes its role, its step and the length of its prompt", async () => {
    const team = await Payers.start(backend);
    const prompt = "word ".repeat(8_000);
    const { run } = await team.app.call("execute_workflow", {
      project: "demo",
      definition: { name: "long", steps: [{ key: "read", role: "analyst", prompt }] },
    });
    const found = await estimate(team, { task: `${run.id}/read`, iterations: 2 });
    expect(found.estimate).toMatchObject({ role: "analyst", type: "read", input_tokens: 20_800 });
  });

  test("an estimate of a model without a known price names no cost", async () => {
    const team = await Payers.start(backend);
    const unknown = await estimate(team, { role: "backend", model: "nonesuch" });
    expect(unknown.estimate).not.toHaveProperty("total_cost");
    expect(unknown).toMatchObject({
      estimate: { price: "unknown", input_tokens: 8_400 },
      notes: [expect.stringContaining("The price of nonesuch is not known"), expect.anything()],
    });
    await expect(estimate(team, { role: "a", prompt_length: -1 } as never)).rejects.toMatchObject({
      code: "invalid_input",
    });
    await expect(estimate(team, {})).rejects.toMatchObject({ code: "invalid_input" });
  });

  test("a forecast after work of a model without a known price is not zero", async () => {
    const team = await withPast("backend", [8_000], "nonesuch");
    const run = await team.run([
      { key: "a", role: "backend" },
      { key: "b", role: "docs" },
    ]);
    const { forecast, notes } = await team.app.call("forecast_run_cost", { run });
    expect(forecast.total_estimated).toBeGreaterThan(0);
    expect(notes).toEqual([expect.stringContaining("The price of nonesuch is not known")]);
    expect((await estimate(team, { role: "backend" })).notes).toContainEqual(expect.stringContaining("nonesuch"));
  });

  test("a forecast of workflows that run each other counts a bounded number of steps", async () => {
    const team = await Payers.start(backend);
    const within = (workflow: string) =>
      Array.from({ length: 200 }, (_, at) => ({ key: `s${at}`, kind: "workflow", workflow }));
    const save = (name: string, steps: unknown) =>
      team.app.callUnchecked("create_workflow", { project: "demo", definition: { name, steps } });
    await save(
      "leaf",
      Array.from({ length: 200 }, (_, at) => ({ key: `s${at}`, prompt: "x" })),
    );
    await save("inner", within("leaf"));
    const definition = { name: "outer", steps: within("inner") };
    const found = await team.app.callUnchecked("forecast_run_cost", { project: "demo", definition });
    expect(found["notes"]).toContain("Only the first 10000 steps were counted.");
  });

  test("costs that are reported without tokens are the estimate's too", async () => {
    const team = await Payers.start(backend);
    const run = await team.run(Array.from({ length: 6 }, (_, at) => ({ key: `s${at}` })));
    for (let paid = 0; paid < 6; paid++) await team.pay(run, 2);
    const again = await team.run([{ key: "s0" }]);
    const { estimate: found } = await estimate(team, { task: `${again}/s0` });
    expect(found).toMatchObject({ model: "m", price: "reported", basis: "role, type and model", observations: 1 });
    expect(found.total_cost).toBeGreaterThan(1);
    expect(found.total_cost).toBeLessThan(2.5);
  });

  test("a forecast of a run is what is spent and what its open tasks will cost, by step", async () => {
    const team = await withPast(
      "backend",
      Array.from({ length: 10 }, () => 100_000),
    );
    const steps = Array.from({ length: 10 }, (_, at) => ({ key: `part${at}`, role: "backend" }));
    const run = await team.run([...steps, { key: "check", kind: "gate", checks: ["true"], needs: ["part0"] }]);
    const asked = async () => (await team.app.call("forecast_run_cost", { run })).forecast;
    const before = await asked();
    expect(before).toMatchObject({ spent: 0, tasks: 10 });
    expect(before.total_estimated).toBeGreaterThan(4);
    expect(before.total_estimated).toBeLessThan(6);
    expect(before.low).toBeLessThan(before.total_estimated);
    expect(before.high).toBeGreaterThan(before.total_estimated);
    const parts = before.by_step.reduce((sum, { estimated }) => sum + estimated, 0);
    expect(parts).toBeCloseTo(before.total_estimated, 4);
    for (let done = 0; done < 9; done++) {
      const { id: task, token } = await team.crew.take("ann", { run, roles: ["backend"] });
      await team.app.call("complete_task", { task, token, usage: { model: SONNET, cost: 0.5 } });
    }
    const after = await asked();
    expect(after).toMatchObject({ spent: 4.5, tasks: 1 });
    expect(after.total_estimated).toBeGreaterThan(4.8);
    expect(after.high - after.low).toBeLessThan(before.high - before.low);
    const { id: task, token } = await team.crew.take("ann", { run, roles: ["backend"] });
    await team.app.call("record_usage", { task, cost: 7 });
    expect((await asked()).total_estimated).toBe(11.5);
    await team.app.call("complete_task", { task, token });
    expect(await asked()).toMatchObject({ total_estimated: 11.5, low: 11.5, high: 11.5, spent: 11.5, by_step: [] });
    expect(await team.findings()).toBe("");
  });

  test("a forecast of a definition counts lists and the workflows of its steps, and says what it cannot count", async () => {
    const team = await Payers.start(backend);
    const inner = { steps: [{ key: "in", prompt: "in" }] };
    await team.app.call("create_workflow", { project: "demo", name: "inner", definition: inner });
    const steps = [
      { key: "each", prompt: "each", for_each: [1, 2, 3] },
      { key: "call", kind: "workflow", workflow: "inner", needs: ["each"] },
      { key: "lost", kind: "workflow", workflow: "nowhere", needs: ["call"] },
      { key: "later", prompt: "later", for_each: "steps.each.output", needs: ["each"] },
    ];
    const found = await team.app.call("forecast_run_cost", { project: "demo", definition: { name: "all", steps } });
    const counts = Object.fromEntries(found.forecast.by_step.map(({ step, tasks }) => [step, tasks]));
    expect(counts).toEqual({ each: 3, in: 1, later: 1 });
    expect(found.notes).toEqual([
      expect.stringContaining("runs the workflow nowhere, which is not counted"),
      expect.stringContaining("Step later makes one task for each element"),
    ]);
    const stored = await team.app.call("forecast_run_cost", { project: "demo", workflow: "inner" });
    expect(stored.forecast).toMatchObject({ tasks: 1, spent: 0 });
  });

  test("a forecast of a goal is that of the template which fits it", async () => {
    const team = await Payers.start(backend);
    const found = await team.app.call("forecast_run_cost", { goal: "Build a REST API with authentication" });
    expect(found.template).toEqual(expect.any(String));
    expect(found.forecast.total_estimated).toBeGreaterThan(0);
    expect(found.forecast.tasks).toBeGreaterThan(1);
  });

  test("a forecast is of one thing", async () => {
    const team = await Payers.start(backend);
    await expect(team.app.call("forecast_run_cost", {})).rejects.toMatchObject({ code: "invalid_input" });
    await expect(team.app.call("forecast_run_cost", { run: "run_1", goal: "g" })).rejects.toThrow(
      "run and goal are given",
    );
  });

  test("an own price of nothing makes estimates free", async () => {
    const env = { BATON_PRICES: JSON.stringify({ local: { input: 0, output: 0 } }) };
    const app = await startAppOn(backend, { env });
    const { estimate: found } = await app.call("estimate_task_cost", { role: "backend", model: "local" });
    expect(found).toMatchObject({ total_cost: 0, price: "own_price", tier: "light" });
  });
});
