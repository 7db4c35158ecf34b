import { describe, expect, test } from "vitest";
import { defaultSettings } from "../../src/base/settings/defaults.js";
import { worthClaiming } from "../../src/engine/claims/claims.js";
import type { InputOf } from "../../src/tools/registry.js";
import { engineFor } from "../../src/engine/engine.js";
import { openCommandFixture } from "../support/fixtures/command-fixture.js";
import { BACKENDS, createDatabase, ownRuntime, testRuntime } from "../support/databases/databases.js";
import { Payers } from "../support/fixtures/payers.js";
import { startApp } from "../support/servers/app.js";
import { Crew, type Step } from "../support/fixtures/plan.js";
import { CALLER } from "../support/databases/caller.js";

const ARCHITECTS = ["tech_lead", "security_reviewer", "architect"];

const steps: readonly Step[] = ["a", "b", "c", "d", "e"].map((key) => ({ key }));

describe.each(BACKENDS)("a spent budget on %s", (backend) => {
  const questions = async ({ app }: Payers, status?: "void" | "rejected") =>
    (await app.call("list_escalations", { ...(status && { status }) })).escalations;

  test("is asked to be raised, once, of a person; approved, its limit rises by half and claims go on", async () => {
    const team = await Payers.start(backend);
    const run = await team.run(steps, 50);
    const held = await team.crew.take("ben", { run });
    await team.pay(run, 50);
    expect(await questions(team)).toEqual([]);
    await team.app.advance(1_000);
    await team.complete(held, 2);
    await team.app.advance(1_000);
    const [asked, ...others] = await questions(team);
    expect(others).toEqual([]);
    expect(asked).toMatchObject({
      type: "budget_override",
      tier: "human",
      from: "baton",
      run,
      budget: run,
      ask: `Raise the budget of run ${run}? 50 of 50 US$ are spent, and nothing new is claimed.`,
      details: expect.stringContaining("the limit rises by 25 US$"),
      default_decision: "reject",
    });
    expect(await team.claim(run)).toMatchObject({ reason: "budget_blocked" });
    const decided = await team.app.call("decide_escalation", { id: asked!.id, decision: "approved" });
    expect(decided.budget).toMatchObject({ limit: 75, spent: 52, state: "ok" });
    expect((await team.events(run, ["run.budget_set"])).length).toBe(1);
    await team.pay(run, 1);
    expect(await questions(team)).toEqual([]);
    // Blocked a second time, it is asked again.
    await team.pay(run, 60);
    await team.app.advance(1_000);
    expect(await questions(team)).toHaveLength(1);
    expect(await team.findings()).toBe("");
  });

  test("rises by the amount of the decision, which is refused where it would stay blocked", async () => {
    const team = await Payers.start(backend);
    const run = await team.run(steps, 1);
    await team.pay(run, 5);
    await team.app.advance(1_000);
    const [{ id } = { id: "" }] = await questions(team);
    const decide = async (amount: number) =>
      team.app.call("decide_escalation", {
        id,
        decision: "approved_with_conditions",
        conditions: ["be brief"],
        amount,
      });
    await expect(decide(2)).rejects.toMatchObject({ code: "invalid_input", details: { least: 4.000001 } });
    expect((await decide(10)).budget).toMatchObject({ limit: 11, spent: 5 });
    await team.pay(run, 0);
    expect(await team.findings()).toBe("");
  });

  test("stays where it is rejected, or no decision comes, and is not asked again", async () => {
    const team = await Payers.start(backend);
    const [one, other] = [await team.run(steps, 1), await team.run(steps, 1)];
    for (const run of [one, other]) await team.pay(run, 1);
    await team.app.advance(1_000);
    const [first] = await questions(team);
    await team.app.call("decide_escalation", { id: first!.id, decision: "rejected" });
    for (let minute = 0; minute < 62; minute++) await team.app.advance(60_000);
    expect(await questions(team)).toEqual([]);
    expect(await questions(team, "rejected")).toHaveLength(2);
    for (const run of [one, other]) expect(await team.shown(run)).toMatchObject({ limit: 1, state: "blocked" });
  });

  test("is not asked any more once it is raised or removed, or its run has ended", async () => {
    const team = await Payers.start(backend);
    const runs = [await team.run(steps, 1), await team.run(steps, 1), await team.run(steps, 1)] as const;
    for (const run of runs) await team.pay(run, 1);
    await team.app.advance(1_000);
    expect(await questions(team)).toHaveLength(3);
    await team.set(runs[0], 3);
    await team.set(runs[1], null);
    await team.app.call("control_run", { run: runs[2], action: "cancel" });
    await team.app.advance(1_000);
    expect((await questions(team, "void")).map(({ run }) => run)).toEqual(runs);
    // A person sets a limit below the cost on purpose, and is told what it does.
    const below = await team.app.call("set_budget", { run: runs[0], limit: 0.5 });
    expect(below.note).toMatch(/\$\d\.\d\d are spent already, and the limit is \$0\.50: nothing new is claimed/);
    await team.app.advance(1_000);
    expect(await questions(team)).toEqual([]);
  });

  test("is asked to be raised for a project, an agent or everything, too", async () => {
    const team = await Payers.start(backend);
    const run = await team.run(steps);
    await team.app.call("set_budget", { scope: "global", limit: 1 });
    await team.app.call("set_budget", { scope: "project", project: "demo", limit: 1 });
    await team.crew.claim("ann", { run });
    await team.app.call("set_budget", { for_agent: "ann", limit: 1 });
    await team.pay(run, 2);
    await team.app.advance(1_000);
    const asked = await questions(team);
    expect(asked.map(({ ask }) => ask.split("?")[0])).toEqual(
      expect.arrayContaining([
        "Raise the budget of everything together",
        expect.stringMatching(/^Raise the budget of project project_/),
        "Raise the budget of agent ann",
      ]),
    );
    for (const { id } of asked) await team.app.call("decide_escalation", { id, decision: "approved", amount: 9 });
    expect((await team.app.call("check_budget", { scope: "global" })).budgets).toMatchObject([{ limit: 10 }]);
    await team.pay(run, 0);
    expect(await team.findings()).toBe("");
  });

  test("is a person's to raise: no agent decides it, and an agent may ask before it is spent", async () => {
    const team = await Payers.start(backend);
    const run = await team.run(steps, 10);
    const asked = await team.app.callUnchecked("request_budget_override", {
      run,
      current_spend: 8,
      requested_amount: 20,
      budget_limit: 10,
      reason: "More iterations",
      agent: "ann",
    });
    expect(asked).toMatchObject({
      escalation: { tier: "human", budget: run, details: "More iterations (asks for 20 US$ more; 8 of 10 are spent)" },
    });
    const { id } = asked["escalation"] as { id: string };
    const agents = await startApp({ database: team.app.database, cwd: team.app.cwd, agent: "ben" });
    await agents.app.store();
    await expect(agents.call("decide_escalation", { id, decision: "approved", agent: "ben" })).rejects.toMatchObject({
      code: "not_permitted",
    });
    await team.app.advance(1_000);
    const { budget } = await team.app.call("decide_escalation", { id, decision: "approved", amount: 20 });
    expect(budget).toMatchObject({ limit: 30 });
  });

  test("is not raised by the agents that it stops: a person does, or for a run or a project a supervising role", async () => {
    const team = await Payers.start(backend);
    const run = await team.run(steps, 1);
    await team.app.call("set_budget", { scope: "project", project: "demo", limit: 1 });
    await team.pay(run, 1);
    await team.app.call("set_budget", { for_agent: "ann", limit: 1 });
    const { database, cwd } = team.app;
    const agents = await startApp({ database, cwd, agent: "ann", runtime: ownRuntime() });
    const refused = async (input: InputOf<"set_budget">, details: object) =>
      expect(agents.call("set_budget", input)).rejects.toMatchObject({ code: "not_permitted", details });
    const byLead = { permitted: ["human", "code_reviewer", "project_manager", "lead", ...ARCHITECTS] };
    await refused({ run, limit: 2 }, { run, ...byLead });
    await refused({ run, limit: null }, byLead);
    await refused({ run, limit: 1, block_at: 2 }, byLead);
    await refused({ project: "demo", limit: 2 }, byLead);
    await refused({ for_agent: "ann", limit: 2 }, { agent: "ann", permitted: ["human"] });
    // Nothing asks for it yet: the next call does.
    const request = { tool: "escalate", arguments: { type: "budget_override", run, title: expect.any(String) } };
    await expect(agents.call("set_budget", { run, limit: 2 })).rejects.toMatchObject({ next: [request] });
    await team.app.advance(1_000);
    const asked = (await questions(team)).find(({ budget }) => budget === run)!.id;
    await expect(agents.call("set_budget", { run, limit: 2 })).rejects.toMatchObject({
      details: { escalation: asked },
      message: expect.stringContaining(`baton approve ${asked} --amount N`),
    });
    expect(await team.shown(run)).toMatchObject({ limit: 1, state: "blocked" });
    // Lowered, it stays a stop.
    await agents.call("set_budget", { run, limit: 0.5 });
    await team.app.call("register_agent", { name: "lea", roles: ["lead"] });
    await agents.call("set_budget", { run, limit: 3, agent: "lea" });
    expect(await team.shown(run)).toMatchObject({ limit: 3, state: "ok" });
    await refused({ for_agent: "ann", limit: 2, agent: "lea" }, { permitted: ["human"] });
    // A budget that does not block yet is a plan, which agents change.
    await agents.call("set_budget", { run, limit: 4 });
    expect(await team.findings()).toBe("");
  });

  test("that is raised wakes a claim of another process which waits", async () => {
    const team = await Payers.start(backend);
    const run = await team.run(steps);
    await team.app.call("set_budget", { scope: "global", limit: 1 });
    await team.pay(run, 1);
    await team.app.advance(1_000);
    const [{ id } = { id: "" }] = await questions(team);
    const { database, cwd } = team.app;
    const other = await startApp({ database, cwd, agent: "ben", runtime: { ...testRuntime(), clock: team.app.clock } });
    const claim = other.call("claim_task", { run, wait_seconds: 20 });
    await team.app.call("decide_escalation", { id, decision: "approved" });
    expect(await claim).toMatchObject({ outcome: "claimed" });
  });

  test("leaves no claim that waits to try again with each commit", async () => {
    const team = await Payers.start(backend);
    const run = await team.run(steps);
    await team.app.call("set_budget", { scope: "global", limit: 1 });
    await team.pay(run, 1);
    const store = await team.app.app.store();
    const parts = { version: "test", settings: () => defaultSettings, now: () => team.app.clock.now(), effects: [] };
    const isWorthTrying = async () =>
      engineFor(store, CALLER, parts).read((ctx) => worthClaiming(ctx, { agent: "ann", run }));
    expect(await isWorthTrying()).toBe(false);
    await team.app.call("set_budget", { scope: "global", limit: 9 });
    expect(await isWorthTrying()).toBe(true);
  });

  test("amount is refused where there is no budget to raise", async () => {
    const team = await Payers.start(backend);
    const { escalation } = await team.app.call("escalate", { type: "quality_concern", title: "Good?", agent: "ann" });
    const decide = team.app.call("decide_escalation", { id: escalation.id, decision: "approved", amount: 1 });
    await expect(decide).rejects.toMatchObject({ code: "invalid_input", details: { path: "amount" } });
  });

  test("a command step does not start while the budget is spent", async () => {
    const fixture = await openCommandFixture({ database: (await createDatabase(backend)).location });
    const crew = new Crew(fixture.app);
    const spending = [
      { key: "think", prompt: "think" },
      { key: "a", kind: "command", run: "echo ran", needs: ["think"] },
    ];
    const answer = await fixture.app.call("execute_workflow", {
      definition: { name: "w", steps: spending },
      budget: 1,
    });
    const run = answer.run.id;
    const { id: task, token } = await crew.take("ann", { run });
    await fixture.app.call("complete_task", { task, token, usage: { cost: 1 } });
    // It looks after every commit, and takes what it may: when this has run, it has passed the other by.
    const { run: free } = await fixture.start([{ key: "b", run: "true" }]);
    expect(await fixture.ended(free)).toBe("succeeded");
    expect(await crew.statuses(run)).toEqual({ think: "succeeded", a: "ready" });
    await fixture.app.call("register_agent", { name: "lea", roles: ["lead"] });
    await fixture.app.call("set_budget", { run, limit: 2, agent: "lea" });
    expect(await fixture.ended(run)).toBe("succeeded");
  });
});
