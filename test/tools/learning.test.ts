import { describe, expect, test } from "vitest";
import { BACKENDS, createDatabase, testRuntime } from "../support/databases/databases.js";
import { Crew, type Step } from "../support/fixtures/plan.js";
import { reviewTeam } from "../support/reviews/review-team.js";
import { startApp, startAppOn, type TestApp } from "../support/servers/app.js";

const DAY_MS = 86_400_000;

describe.each(BACKENDS)("learning on %s", (backend) => {
  async function crewOn(steps: readonly Step[], app?: TestApp): Promise<{ crew: Crew; run: string }> {
    const crew = new Crew(app ?? (await startAppOn(backend)));
    await crew.app.call("create_project", { name: "demo" });
    const { run } = await crew.start(steps, { project: "demo" });
    return { crew, run: run.id };
  }

  const learnedOf = async (crew: Crew, about: { agent?: string; task_type?: string } = {}) =>
    (await crew.app.call("get_learning", about)).learning;

  test("an ended attempt is evidence of its agent and type: success, and how long it took", async () => {
    const { crew, run } = await crewOn([
      { key: "a", type: "docs" },
      { key: "b", type: "docs", retry: { max_attempts: 1 } },
      { key: "c", type: "api" },
    ]);
    for (const [end, ms] of [
      ["complete", 4_000],
      ["fail", 1_000],
      ["complete", 60_000],
    ] as const) {
      const held = await crew.take("ann", { run });
      await crew.app.advance(ms);
      await crew[end](held);
    }
    expect(await learnedOf(crew)).toMatchObject([
      { agent: "ann", type: "api", success: { rate: 1, evidence: 1 }, duration: { median_ms: 60_000 } },
      {
        agent: "ann",
        type: "docs",
        success: { rate: 0.5, evidence: 2 },
        duration: { median_ms: 4_000, evidence: 1 },
        observations: 2,
      },
    ]);
  });

  test("a released attempt, and one that the server ended, are evidence of none", async () => {
    const { crew, run } = await crewOn([{ key: "a" }, { key: "gate", kind: "gate", checks: ["true"], needs: ["a"] }]);
    const first = await crew.take("ann", { run });
    await crew.app.call("release_task", { task: first.id, token: first.token });
    expect(await learnedOf(crew)).toEqual([]);
    await crew.complete(await crew.take("ben", { run }));
    await crew.app.advance(1_000);
    expect((await learnedOf(crew)).map(({ agent }) => agent)).toEqual(["ben"]);
  });

  test("evidence is shared by processes and outlives them, and weighs half after its half-life", async () => {
    const database = await createDatabase(backend);
    const runtime = testRuntime();
    const shared = { database: database.location, runtime, storeHooks: { now: () => runtime.clock.now() } };
    const first = await startApp(shared);
    const { crew, run } = await crewOn([{ key: "a" }], first);
    await crew.complete(await crew.take("ann", { run }));
    const second = new Crew(await startApp(shared));
    const [before] = await learnedOf(second);
    expect(before).toMatchObject({ agent: "ann", success: { rate: 1, evidence: 1 } });
    const { half_life_ms: halfLife } = await second.app.call("get_learning", {});
    expect(halfLife! / DAY_MS).toBeCloseTo(6.58, 2);
    await second.app.advance(halfLife!);
    const [after] = await learnedOf(second);
    expect(after).toMatchObject({ success: { rate: 1, evidence: 0.5 }, observations: 1 });
  });

  test("evidence fades where more is added, too", async () => {
    const { crew, run } = await crewOn([
      { key: "a", type: "docs" },
      { key: "b", type: "docs" },
    ]);
    await crew.fail(await crew.take("ann", { run }), "broken", { retryable: false });
    await crew.app.advance((await crew.app.call("get_learning", {})).half_life_ms!);
    await crew.complete(await crew.take("ann", { run }));
    expect(await learnedOf(crew)).toMatchObject([{ success: { rate: 0.667, evidence: 1.5 }, observations: 2 }]);
  });

  test("evidence that has faded to next to nothing is none, and stops no attempt from ending", async () => {
    const { crew, run } = await crewOn(
      ["a", "b", "c"].map((key) => ({ key, type: "docs", retry: { max_attempts: 1 } })),
    );
    await crew.app.call("configure", { settings: { learning_rate: 0.99 } });
    await crew.complete(await crew.take("ann", { run }));
    for (const _ of ["b", "c"]) {
      await crew.app.advance(85 * DAY_MS);
      await crew.fail(await crew.take("ann", { run }));
    }
    expect(await learnedOf(crew)).toMatchObject([{ success: { rate: 0, evidence: 1 }, observations: 3 }]);
  });

  test("a verdict is evidence of the author, not the submission; revise counts in part, a serious finding takes a tenth", async () => {
    const { crew, work, submit } = await reviewTeam(backend, { step: { type: "docs" } });
    await work();
    expect(await learnedOf(crew, { agent: "ann" })).toMatchObject([{ duration: { evidence: 1 }, observations: 1 }]);
    expect((await learnedOf(crew, { agent: "ann" }))[0]).not.toHaveProperty("success");
    await submit("rita", ["reviewer"], { verdict: "revise", findings: [{ severity: "major", what: "no limit" }] });
    expect(await learnedOf(crew, { agent: "ann" })).toMatchObject([
      { type: "docs", success: { rate: 0.36, evidence: 1 }, quality: { mean: 0.36, evidence: 1 } },
    ]);
    await work();
    await submit("rita", ["reviewer"], { verdict: "approve" });
    expect(await learnedOf(crew, { agent: "ann" })).toMatchObject([{ success: { rate: 0.68, evidence: 2 } }]);
    expect(await learnedOf(crew, { agent: "rita" })).toMatchObject([{ type: "reviewer", success: { rate: 1 } }]);
  });

  test("the cost that an attempt reports is evidence of its agent and type", async () => {
    const { crew, run } = await crewOn([{ key: "a", type: "docs" }]);
    const { id: task, token } = await crew.take("ann", { run });
    await crew.app.call("complete_task", { task, token, usage: { cost: 0.25 } });
    expect(await learnedOf(crew)).toMatchObject([{ cost: { mean: 0.25, evidence: 1 } }]);
  });

  test("feedback counts as the success of an attempt, once for each author and task", async () => {
    const { crew, run } = await crewOn([{ key: "a", type: "docs" }]);
    const { id: task, token } = await crew.take("ann", { run });
    const give = async (by: string, score = -1) =>
      crew.app.call("give_feedback", { task, score, by, note: "it has no tests" });
    await expect(give("ben")).rejects.toThrow(/is running: feedback is about a task that has ended/);
    await crew.complete({ id: task, token });
    await expect(give("ann", 1)).rejects.toThrow(/ann gives no feedback on its own work/);
    expect(await give("ben")).toMatchObject({ feedback: { agent: "ann", type: "docs", score: -1, from: "ben" } });
    await expect(give("ben", 1)).rejects.toThrow(/ben has given feedback on task a .* with score -1, which stands/);
    expect(await learnedOf(crew)).toMatchObject([
      { agent: "ann", type: "docs", success: { rate: 0.5, evidence: 2 }, quality: { mean: 0, evidence: 1 } },
    ]);
  });

  test("feedback on an agent is evidence of the agent as a whole, once a day for each author", async () => {
    const { crew } = await crewOn([{ key: "a" }]);
    await crew.app.call("register_agent", { name: "ann" });
    const give = async () => crew.app.call("give_feedback", { agent: "ann", score: 1, by: "ben" });
    await give();
    await expect(give()).rejects.toThrow(/ben has given feedback on ann today already/);
    await crew.app.advance(DAY_MS);
    await give();
    const [whole] = await learnedOf(crew, { agent: "ann" });
    expect(whole).toMatchObject({ agent: "ann", success: { rate: 1 }, observations: 2 });
    expect(whole).not.toHaveProperty("type");
  });

  test("feedback names a known task or agent, one of both", async () => {
    const { crew } = await crewOn([{ key: "a" }]);
    const give = async (about: { task?: string; agent?: string }) =>
      crew.app.call("give_feedback", { ...about, score: 1, by: "ben" });
    await expect(give({})).rejects.toThrow(/name one of both/);
    await expect(give({ agent: "nobody" })).rejects.toMatchObject({ code: "not_found" });
    await expect(give({ task: "task_0000000000000000" })).rejects.toMatchObject({ code: "not_found" });
    expect(await learnedOf(crew)).toEqual([]);
  });

  test("the expectation of an attempt follows its own evidence, else that of the agent, of the type, or a prior", async () => {
    const { crew, run } = await crewOn(
      Array.from({ length: 9 }, (_, at) => ({
        key: `s${at}`,
        type: at < 6 ? "docs" : "api",
        retry: { max_attempts: 1 },
      })),
    );
    const expected = async (agent: string, task_type: string) =>
      (await crew.app.call("get_learning", { agent, task_type })).together.expected;
    const prior = await expected("ann", "docs");
    expect(prior).toMatchObject({ success: 0.8, median_ms: 600_000 });
    for (let at = 0; at < 6; at++) {
      const held = await crew.take("ann", { run });
      await crew.app.advance(5_000);
      await crew.fail(held);
    }
    for (let at = 0; at < 3; at++) {
      const held = await crew.take("ben", { run });
      await crew.app.advance(60_000);
      await crew.complete(held);
    }
    const [bad, elsewhere, newcomer, good] = [
      await expected("ann", "docs"),
      await expected("ann", "api"),
      await expected("cy", "docs"),
      await expected("ben", "api"),
    ];
    expect(bad.success).toBeLessThan(0.15);
    expect(elsewhere.success).toBeLessThan(0.5);
    expect(newcomer.success).toBeLessThan(0.5);
    expect(good.success).toBeGreaterThan(0.85);
    expect(bad.success_high - bad.success_low).toBeLessThan(prior.success_high - prior.success_low);
    // An unknown agent takes as long for a type as others do.
    expect((await expected("cy", "api")).median_ms).toBeLessThan(150_000);
    const { learning } = await crew.app.call("get_learning", { agent: "ben" });
    expect(learning[0]!.expected).toEqual(good);
  });

  test("the expectation hears a judgement as four outcomes, and its bounds of time are as wide as few attempts make them", async () => {
    const { crew, run } = await crewOn([{ key: "a", type: "docs" }]);
    const held = await crew.take("ann", { run });
    await crew.app.advance(60_000);
    await crew.complete(held);
    const expected = async () => (await crew.app.call("get_learning", { agent: "ann" })).together.expected;
    const before = await expected();
    // One attempt against a prior of ten minutes: eight in ten are no narrower than a factor of 10 to each side.
    expect(before.low_ms).toBeLessThan(before.median_ms / 10);
    expect(before.high_ms).toBeGreaterThan(before.median_ms * 10);
    await crew.app.call("give_feedback", { task: held.id, score: -1, by: "ben" });
    // Without their weight the judgement would leave 2.6 of 4.
    expect((await expected()).success).toBeLessThan(0.5);
  });

  test("configure forgets an agent, or a type of all agents", async () => {
    const { crew, run } = await crewOn(["a", "b", "c"].map((key) => ({ key, type: key })));
    for (const agent of ["ann", "ann", "ben"]) await crew.complete(await crew.take(agent, { run }));
    const left = async () => (await learnedOf(crew)).map(({ agent, type }) => `${agent} ${type}`);
    expect(await left()).toEqual(["ann a", "ann b", "ben c"]);
    expect(await crew.app.call("configure", { forget: { task_type: "a" } })).toMatchObject({ forgotten: 1 });
    expect(await left()).toEqual(["ann b", "ben c"]);
    await crew.app.call("configure", { forget: { agent: "ann" } });
    expect(await left()).toEqual(["ben c"]);
    await expect(crew.app.call("configure", { forget: {} })).rejects.toThrow(/names an agent, a task_type, or both/);
    await expect(crew.app.call("configure", { scope: "demo", forget: { agent: "ben" } })).rejects.toThrow(/no scope/);
  });

  test("evidence and feedback older than the retention are removed", async () => {
    const { crew, run } = await crewOn([{ key: "a" }]);
    const held = await crew.take("ann", { run });
    await crew.complete(held);
    await crew.app.call("give_feedback", { task: held.id, score: 1, by: "ben" });
    await crew.app.advance(91 * DAY_MS);
    expect(await learnedOf(crew)).toEqual([]);
  });

  test("evidence that does not fade is kept for good", async () => {
    const { crew, run } = await crewOn([{ key: "a" }]);
    await crew.complete(await crew.take("ann", { run }));
    await crew.app.call("configure", { settings: { learning_rate: 0 } });
    await crew.app.advance(91 * DAY_MS);
    expect(await learnedOf(crew)).toMatchObject([{ success: { rate: 1, evidence: 1 } }]);
  });

  test("without learning nothing is recorded", async () => {
    const { crew, run } = await crewOn([{ key: "a" }]);
    await crew.app.call("configure", { settings: { learning_enabled: false } });
    await crew.complete(await crew.take("ann", { run }));
    expect(await crew.app.call("get_learning", {})).toMatchObject({ enabled: false, learning: [] });
  });

  test("pages follow agent and type", async () => {
    const { crew, run } = await crewOn(["a", "b", "c"].map((key) => ({ key, type: key })));
    for (const agent of ["ben", "ann", "ben"]) await crew.complete(await crew.take(agent, { run }));
    const first = await crew.app.call("get_learning", { limit: 2 });
    const second = await crew.app.call("get_learning", { limit: 2, cursor: first.next_cursor! });
    const shown = [first, second].map(({ learning }) => learning.map(({ agent, type }) => `${agent} ${type}`));
    expect(shown).toEqual([["ann b", "ben a"], ["ben c"]]);
    expect(second).not.toHaveProperty("next_cursor");
  });
});
