import { describe, expect, test } from "vitest";
import type { InputOf, ResultOf } from "../../src/tools/registry.js";
import { defaultSettings } from "../../src/base/settings/defaults.js";
import { BACKENDS } from "../support/databases/databases.js";
import { Payers } from "../support/fixtures/payers.js";
import type { Step } from "../support/fixtures/plan.js";
import { startApp } from "../support/servers/app.js";

const two: readonly Step[] = [
  { key: "a", role: "backend" },
  { key: "b", role: "backend" },
];

describe.each(BACKENDS)("usage on %s", (backend) => {
  const report = (team: Payers, usage: InputOf<"record_usage">) => team.app.call("record_usage", usage);

  test("usage is recorded at any time, also of a task that has ended, and charged to the budget of its run", async () => {
    const team = await Payers.start(backend);
    const run = await team.run(two, 1);
    const held = await team.crew.take("ann", { run, roles: ["backend"] });
    await team.app.call("complete_task", {
      task: held.id,
      token: held.token,
      usage: { model: "claude-sonnet-4-5", input_tokens: 100_000, output_tokens: 10_000 },
    });
    expect(await team.shown(run)).toMatchObject({ spent: 0.45 });
    const late = await report(team, {
      task: held.id,
      model: "claude-sonnet-4-5",
      cached_tokens: 100_000,
      agent: "ben",
    });
    expect(late).toEqual({
      cost: 0.03,
      price: "list_price",
      agent: "ben",
      task: held.id,
      run,
      budgets: [{ scope: "run", run, limit: 1, spent: 0.48, remaining: 0.52, state: "ok" }],
    });
    const blocked = await report(team, { run, cost: 0.6 });
    expect(blocked.budgets).toMatchObject([{ run, state: "blocked" }]);
    expect(await team.crew.claim("ann", { run, roles: ["backend"] })).toMatchObject({ reason: "budget_blocked" });
    expect(await team.findings()).toBe("");
  });

  test("usage of a run that has ended counts too", async () => {
    const team = await Payers.start(backend);
    const run = await team.run([{ key: "a" }]);
    await team.pay(run, 0.25);
    expect((await team.crew.run(run)).status).toBe("succeeded");
    await report(team, { run, cost: 0.5 });
    expect(await team.check(run)).toMatchObject({ cost: 0.75 });
    expect((await team.crew.run(run)).status).toBe("succeeded");
    expect(await team.findings()).toBe("");
  });

  test("usage with a request id counts once", async () => {
    const team = await Payers.start(backend);
    const once = { scope: "global" as const };
    for (let time = 0; time < 2; time++) await report(team, { cost: 0.1, request_id: "same" });
    expect((await team.app.call("check_budget", once)).cost).toBe(0.1);
  });

  test("usage of a model without a known price says so, and counts as no cost", async () => {
    const team = await Payers.start(backend);
    const answer = await team.app.call("record_usage", { model: "nonesuch", input_tokens: 5_000 });
    expect(answer).toMatchObject({
      cost: 0,
      price: "unknown",
      note: expect.stringContaining("The price of nonesuch is not known"),
    });
    expect((await team.app.call("get_costs", { group_by: "model" })).groups).toMatchObject([
      { model: "nonesuch", cost: 0, input_tokens: 5_000, unpriced: 1 },
    ]);
  });

  test("usage is shown with its project, and completing a task says that a price is not known", async () => {
    const team = await Payers.start(backend);
    const run = await team.run(two);
    const { id: task, token } = await team.crew.take("ann", { run, roles: ["backend"] });
    const usage = { model: "nonesuch", input_tokens: 5_000 };
    const answer = await team.app.call("complete_task", { task, token, usage });
    expect(answer.note).toContain("The price of nonesuch is not known");
    const other = await team.crew.take("ann", { run, roles: ["backend"] });
    const priced = { model: "claude-sonnet-4-5", input_tokens: 100_000 };
    const { note } = await team.app.call("complete_task", { task: other.id, token: other.token, usage: priced });
    expect(note).toBeUndefined();
    await report(team, { cost: 0.2 });
    await team.app.call("set_budget", { scope: "project", project: "demo", limit: 4 });
    const shown = await team.app.call("get_project_status", { project: "demo" });
    expect(shown).toMatchObject({ cost: 0.5, budget: { scope: "project", limit: 4, spent: 0.5 } });
    expect((await team.app.call("list_projects", {})).projects).toMatchObject([{ name: "demo", cost: 0.5 }]);
  });

  test("usage of no run goes after the retention, that of a run with it, and budgets keep what they counted", async () => {
    const team = await Payers.start(backend);
    await team.app.call("set_budget", { scope: "global", limit: 4 });
    await team.run(two);
    await report(team, { cost: 0.2 });
    await team.app.advance(defaultSettings.retention_ms - 60_000);
    expect((await team.app.call("get_costs", { all_projects: true })).total.records).toBe(1);
    await team.app.advance(120_000);
    expect((await team.app.call("get_costs", { all_projects: true })).total.records).toBe(0);
    expect((await team.app.call("check_budget", { scope: "global" })).budgets).toMatchObject([{ spent: 0.2 }]);
  });

  test("usage is shown by run, agent, role, model, day and task, the dearest first", async () => {
    const team = await Payers.start(backend);
    const run = await team.run(two);
    for (const [name, cost] of [
      ["ann", 0.1],
      ["ben", 0.2],
    ] as const) {
      const { id: task, token } = await team.crew.take(name, { run, roles: ["backend"] });
      await team.app.call("complete_task", { task, token, usage: { model: `m-${name}`, cost, output_tokens: 7 } });
    }
    await report(team, { cost: 0.3, agent: "cleo" });
    const by = async (group: ResultOf<"get_costs">["group_by"]) => {
      const { groups, total, more } = await team.app.call("get_costs", { group_by: group as "run" });
      expect([total.cost, more]).toEqual([0.6, false]);
      return groups.map((one) => [one[group], one.cost]);
    };
    expect(new Map((await by("run")) as [string | null, number][])).toEqual(
      new Map([
        [run, 0.3],
        [null, 0.3],
      ]),
    );
    expect(await by("agent")).toEqual([
      ["cleo", 0.3],
      ["ben", 0.2],
      ["ann", 0.1],
    ]);
    expect(new Map((await by("role")) as [string | null, number][])).toEqual(
      new Map([
        ["backend", 0.3],
        [null, 0.3],
      ]),
    );
    expect(await by("model")).toEqual([
      [null, 0.3],
      ["m-ben", 0.2],
      ["m-ann", 0.1],
    ]);
    expect(await by("day")).toEqual([[expect.stringMatching(/^\d{4}-\d\d-\d\d$/), 0.6]]);
    expect(await by("task")).toHaveLength(3);
    const of = await team.app.call("get_costs", { run, group_by: "agent" });
    expect(of).toMatchObject({ total: { cost: 0.3, output_tokens: 14, records: 2 } });
  });

  test("usage goes with its run when that is pruned", async () => {
    const team = await Payers.start(backend);
    const run = await team.run([{ key: "a" }]);
    await team.pay(run, 0.25);
    expect((await team.app.call("get_costs", {})).total.records).toBe(1);
    await team.app.advance(91 * 86_400_000);
    expect((await team.app.call("get_costs", {})).total.records).toBe(0);
  });
});

describe.each(BACKENDS)("wider budgets on %s", (backend) => {
  const stopped = (who: string) => ({
    outcome: "none",
    reason: "budget_blocked",
    detail: expect.stringContaining(who),
  });

  test("a budget of a project stops claims in it alone, and goes on when it is raised", async () => {
    const team = await Payers.start(backend);
    const run = await team.run([{ key: "a" }, { key: "b" }, { key: "c" }]);
    await team.pay(run, 0.25);
    const set = await team.app.call("set_budget", { scope: "project", project: "demo", limit: 0.5 });
    expect(set).toMatchObject({
      scope: "project",
      cost: 0.25,
      budgets: [{ scope: "project", spent: 0.25, state: "ok" }],
    });
    await team.pay(run, 0.25);
    expect(await team.claim(run)).toMatchObject(stopped("project"));
    expect(await team.crew.claim("ben", { project: "demo" })).toMatchObject(stopped("project"));
    await team.app.call("create_project", { name: "other" });
    await team.app.call("create_task", { project: "other", title: "free", prompt: "free" });
    expect(await team.crew.claim("ben", { project: "other" })).toMatchObject({ outcome: "claimed" });
    expect(await team.check(run)).toMatchObject({ state: "blocked", allowed: false });
    await team.app.call("set_budget", { project: "demo", limit: 5 });
    expect(await team.claim(run)).toMatchObject({ outcome: "claimed" });
    expect(await team.findings()).toBe("");
  });

  test("a budget of an agent stops this agent alone, in every project", async () => {
    const team = await Payers.start(backend);
    const run = await team.run([{ key: "a" }, { key: "b" }, { key: "c" }]);
    await team.app.call("register_agent", { name: "ann" });
    await team.app.call("set_budget", { for_agent: "ann", limit: 0.5 });
    await team.pay(run, 0.5);
    expect(await team.claim(run)).toMatchObject(stopped("agent ann"));
    expect(await team.crew.claim("ben", { run })).toMatchObject({ outcome: "claimed" });
    expect(await team.app.call("check_budget", { for_agent: "ann", amount: 1 })).toMatchObject({
      allowed: false,
      budget: { scope: "agent", limit: 0.5 },
      budgets: [{ scope: "agent", agent: "ann", spent: 0.5, state: "blocked" }],
    });
    expect(await team.findings()).toBe("");
  });

  test("a budget of everything stops all claims; one below what is spent is accepted, and says that it is", async () => {
    const team = await Payers.start(backend);
    const run = await team.run([{ key: "a" }, { key: "b" }]);
    await team.pay(run, 2);
    const set = await team.app.call("set_budget", { scope: "global", limit: 1 });
    expect(set).toMatchObject({
      state: "blocked",
      budgets: [{ scope: "global", spent: 2, remaining: -1, state: "blocked" }],
    });
    expect(await team.claim(run)).toMatchObject(stopped("everything together"));
    expect(await team.app.call("check_task_ready", { task: `${run}/b` })).toMatchObject({ claimable: false });
    await team.app.call("set_budget", { scope: "global", limit: null });
    expect(await team.claim(run)).toMatchObject({ outcome: "claimed" });
    expect(await team.findings()).toBe("");
  });

  test("wider budgets warn and block in the history", async () => {
    const team = await Payers.start(backend);
    const run = await team.run([{ key: "a" }, { key: "b" }]);
    await team.app.call("set_budget", { scope: "global", limit: 1 });
    await team.pay(run, 0.8);
    await team.pay(run, 0.2);
    const types = ["budget.set", "budget.warned", "budget.blocked"];
    const { events } = await team.app.call("list_events", { types, limit: 20 });
    expect(events.map(({ type }) => type).toSorted()).toEqual(types.toSorted());
  });
});

test.each([
  [{ scope: "agent" as const, limit: 1 }, "it lacks for_agent"],
  [{ limit: 1 }, "it lacks run"],
  [{ scope: "global" as const, run: "run_1", limit: 1 }, "run belong to another scope"],
  [{ for_agent: "nobody-known", limit: 1 }, "nobody-known"],
])("a budget for %j is refused with what it lacks", async (input, message) => {
  const app = await startApp();
  await expect(app.call("set_budget", input)).rejects.toThrow(message);
});

test("a report without tokens and cost is refused, and nothing is recorded", async () => {
  const app = await startApp();
  await app.call("create_project", { name: "demo", root: app.cwd });
  await expect(app.call("record_usage", { model: "m" })).rejects.toThrow("neither tokens nor a cost");
  expect((await app.call("get_costs", {})).total.records).toBe(0);
});

test("a report in a provider's own keys is recorded with the cached tokens counted once", async () => {
  const app = await startApp();
  await app.call("create_project", { name: "demo", root: app.cwd });
  const usage = { prompt_tokens: 100, completion_tokens: 5, cache_read_input_tokens: 60 };
  await app.callUnchecked("record_usage", { model: "gpt-5", ...usage });
  expect((await app.call("get_costs", {})).total).toMatchObject({
    input_tokens: 40,
    output_tokens: 5,
    cached_tokens: 60,
    records: 1,
  });
  await expect(app.callUnchecked("record_usage", { prompt_tokens: -1 })).rejects.toMatchObject({
    code: "invalid_input",
    message: expect.stringContaining("prompt_tokens"),
  });
});

test("record_llm_call is a name of record_usage", async () => {
  const app = await startApp();
  const usage = { model: "claude-sonnet-4", input_tokens: 1_500, output_tokens: 800, cost: 0.023 };
  expect(await app.callUnchecked("record_llm_call", usage)).toMatchObject({ cost: 0.023, price: "given" });
});
