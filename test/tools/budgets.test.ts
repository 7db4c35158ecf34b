import { describe, expect, test } from "vitest";
import type { BatonError } from "../../src/base/errors.js";
import { startApp, type TestApp } from "../support/servers/app.js";
import { CheckpointFixture } from "../support/fixtures/checkpoint-fixture.js";
import { BACKENDS, createDatabase, testRuntime } from "../support/databases/databases.js";
import { type Budget, Payers } from "../support/fixtures/payers.js";
import { Crew, type Step } from "../support/fixtures/plan.js";

const ofRun = (run: string) => ({ scope: "run", run });

describe.each(BACKENDS)("budgets on %s", (backend) => {
  const three: readonly Step[] = [{ key: "a" }, { key: "b" }, { key: "c" }];

  test("a run stops giving out tasks at its limit, lets holders complete, and goes on when that is raised", async () => {
    const team = await Payers.start(backend);
    const run = await team.run([...three, { key: "d" }], 1);
    expect(await team.shown(run)).toEqual({ ...ofRun(run), limit: 1, spent: 0, remaining: 1, state: "ok" });
    await team.pay(run, 0.8);
    expect(await team.shown(run)).toEqual({ ...ofRun(run), limit: 1, spent: 0.8, remaining: 0.2, state: "warn" });
    const held = await team.crew.take("ben", { run });
    await team.pay(run, 0.2);
    const claim = await team.claim(run);
    expect(claim).toMatchObject({ outcome: "none", reason: "budget_blocked" });
    expect(claim.detail).toMatch(new RegExp(`^1 of the 1 US\\$ that run ${run} may cost are spent`));
    // A task already under way is completed.
    await team.complete(held, 0.5);
    expect(await team.shown(run)).toEqual({ ...ofRun(run), limit: 1, spent: 1.5, remaining: -0.5, state: "blocked" });
    expect(await team.app.call("check_task_ready", { task: `${run}/d` })).toMatchObject({
      ready: true,
      claimable: false,
      reasons: [{ kind: "budget", detail: expect.stringContaining("1.5 of the 1 US$"), blocking: [run] }],
    });
    // Raised, and still below what is spent.
    expect((await team.set(run, 1.5)).state).toBe("blocked");
    expect(await team.claim(run)).toMatchObject({ reason: "budget_blocked" });
    const raised = { ...ofRun(run), limit: 2, spent: 1.5, remaining: 0.5, state: "ok", warn_at: 0.8, block_at: 1 };
    expect(await team.set(run, 2)).toEqual({ ...ofRun(run), state: "ok", cost: 1.5, budgets: [raised] });
    await team.pay(run, 0);
    expect((await team.crew.run(run)).status).toBe("succeeded");
    expect((await team.events(run, ["run.budget_warned", "run.budget_blocked", "run.budget_set"])).map(line)).toEqual([
      `run.budget_warned ${run} 0.8`,
      `run.budget_blocked ${run} 1`,
      `run.budget_set ${run} 1.5`,
      `run.budget_set ${run} 1.5`,
    ]);
    expect(await team.findings()).toBe("");
  });

  function line({ type, data }: Awaited<ReturnType<Payers["events"]>>[number]): string {
    const { run = "none", spent = "-" } = { ...(data["budget"] as Budget | null) };
    return `${type} ${run} ${spent}`;
  }

  test("a spent run does not hide the work of others from who looks at the project", async () => {
    const team = await Payers.start(backend);
    const spent = await team.run(three, 1);
    const held = await team.crew.take("ben", { run: spent });
    const other = await team.run([{ key: "x" }, { key: "y" }]);
    await team.complete(held, 5);
    const first = await team.crew.claim("ann", { project: "demo" });
    expect(first.task).toMatchObject({ run: other });
    await team.complete({ id: first.task?.id ?? "", token: first.lease?.token ?? 0 }, 1);
    expect((await team.crew.claim("ann", { project: "demo" })).task).toMatchObject({ run: other });
    // No remaining task can be claimed, and the answer says why.
    expect(await team.crew.claim("cleo", { project: "demo" })).toMatchObject({
      reason: "budget_blocked",
      detail: expect.stringContaining(spent),
    });
  });

  test("a child run's spending stops its parent, its siblings and their children", async () => {
    const team = await Payers.start(backend);
    const [top = "", middle = "", inner = ""] = await team.nested(1, 2);
    expect(await team.shown(inner)).toEqual({ ...ofRun(top), limit: 1, spent: 0, remaining: 1, state: "ok" });
    await team.pay(inner, 1);
    const blocked = { outcome: "none", reason: "budget_blocked", detail: expect.stringContaining(top) };
    for (const run of [inner, middle, top]) {
      expect(await team.shown(run)).toMatchObject({ run: top, state: "blocked" });
      expect(await team.claim(run)).toMatchObject(blocked);
    }
    expect(await team.events(inner, ["run.budget_blocked"])).toMatchObject([{ data: { budget: { run: top } } }]);
    expect(await team.findings()).toBe("");
    await team.set(top, 2);
    await team.pay(inner, 0.25);
    await team.pay(top, 0.5);
    await team.settle();
    expect((await team.crew.run(top)).status).toBe("succeeded");
    expect(await team.check(top)).toMatchObject({ cost: 1.75, budgets: [{ spent: 1.75 }] });
    expect(await team.findings()).toBe("");
  });

  test("a run within another may have a budget of its own: both count, and either stops it", async () => {
    const team = await Payers.start(backend);
    const [top = "", child = ""] = await team.nested(10);
    await team.set(child, 1);
    await team.pay(child, 1);
    expect((await team.check(child)).budgets).toMatchObject([
      { run: child, spent: 1, state: "blocked" },
      { run: top, spent: 1, state: "ok" },
    ]);
    expect(await team.claim(child)).toMatchObject({ reason: "budget_blocked" });
    // The run that it is in goes on.
    await team.pay(top, 1);
    expect(await team.claim(top)).toMatchObject({ reason: "budget_blocked", detail: expect.stringContaining(child) });
    // Without one of its own it has that of the run around it.
    expect(await team.set(child, null)).toMatchObject({ state: "ok", budgets: [{ run: top, spent: 2 }] });
    await team.pay(child, 8);
    await team.settle();
    expect(await team.check(top)).toMatchObject({ cost: 10, state: "blocked" });
    expect(await team.findings()).toBe("");
  });

  test("cost from before the budget was set counts, also of child runs that have ended", async () => {
    const team = await Payers.start(backend);
    const one = [{ key: "in", prompt: "in" }];
    await team.app.call("create_workflow", { project: "demo", name: "one", definition: { steps: one } });
    const run = await team.run([{ key: "call", kind: "workflow", workflow: "one" }, { key: "own" }, { key: "more" }]);
    await team.settle();
    const child = await team.childOf(run);
    await team.pay(child, 0.1);
    await team.settle();
    await team.pay(run, 0.2);
    expect(await team.check(run)).toEqual({
      ...ofRun(run),
      budget: null,
      state: "none",
      cost: 0.3,
      budgets: [],
      allowed: true,
    });
    expect(await team.set(run, 0.3)).toMatchObject({ state: "blocked", budgets: [{ spent: 0.3 }] });
    expect(await team.check(child)).toMatchObject({ cost: 0.1, budgets: [{ run }] });
    expect(await team.claim(run)).toMatchObject({ reason: "budget_blocked" });
    expect(await team.set(run, null)).toMatchObject({ state: "none", budgets: [] });
    expect(await team.shown(run)).toBeUndefined();
    await team.pay(run, 1);
    expect(await team.findings()).toBe("");
  });

  test("no child run starts while a budget is spent, and it starts when that is raised", async () => {
    const team = await Payers.start(backend);
    const one = [{ key: "in", prompt: "in" }];
    await team.app.call("create_workflow", { project: "demo", name: "one", definition: { steps: one } });
    const call = { kind: "workflow", workflow: "one", needs: ["first"] };
    const run = await team.run([{ key: "first" }, { key: "call", ...call }, { key: "also", ...call }], 1);
    await team.pay(run, 1);
    await team.app.advance(120_000);
    expect(await team.crew.statuses(run)).toEqual({ first: "succeeded", call: "waiting", also: "waiting" });
    expect([await team.childOf(run), await team.childOf(run, "also")]).toEqual(["", ""]);
    const { checkpoint } = await new CheckpointFixture(team.app).create(run);
    await team.set(run, 2);
    await team.settle();
    const early = await team.childOf(run);
    expect(early).not.toBe("");
    // Taken back to when they waited for that, they look again by themselves.
    await new CheckpointFixture(team.app).resume(checkpoint.id);
    await team.app.advance(60_000);
    await team.settle();
    expect(await team.childOf(run)).not.toBe(early);
    for (const key of ["call", "also"]) await team.pay(await team.childOf(run, key), 0.1);
    await team.settle();
    expect((await team.crew.run(run)).status).toBe("succeeded");
    expect(await team.check(run)).toMatchObject({ cost: 1.2 });
  });

  test("failures and tasks given back cost too; a replay of the same request costs nothing more", async () => {
    const team = await Payers.start(backend);
    const run = await team.run(three, 10);
    const call = async (name: string, more: object) => {
      const { id: task, token } = await team.crew.take("ann", { run });
      const input = { task, token, usage: { cost: 1 }, request_id: name, ...more };
      expect(await team.app.callUnchecked(name, input)).toEqual(await team.app.callUnchecked(name, input));
      return { task, token };
    };
    await call("release_task", {});
    await call("fail_task", { error: { type: "broken", message: "it is" } });
    const { task, token } = await call("complete_task", { result: 1 });
    // The same without a request id finds the attempt ended.
    await team.app.call("complete_task", { task, token, result: 1, usage: { cost: 1 } });
    const held = await team.crew.take("ann", { run });
    await team.app.call("cancel_task", { task: held.id });
    await team.app.call("release_task", { task: held.id, token: held.token, usage: { cost: 1 } });
    expect(await team.check(run)).toMatchObject({ cost: 4, budgets: [{ spent: 4 }] });
    expect(await team.findings()).toBe("");
  });

  const noCosts = [-1, "1", null, 1e300, [], {}].map((cost) => ({ cost }));

  test.each(noCosts)("a cost of $cost is refused, and the task goes on", async ({ cost }) => {
    const team = await Payers.start(backend);
    const run = await team.run(three, 1);
    const { id: task, token } = await team.crew.take("ann", { run });
    const error = { type: "broken", message: "it is" };
    for (const [name, more] of [
      ["complete_task", {}],
      ["fail_task", { error }],
      ["release_task", {}],
    ] as const) {
      const refused = team.app.call(name, { task, token, usage: { cost }, ...more });
      await expect(refused).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringContaining("usage.cost"),
      } satisfies Partial<Record<keyof BatonError, unknown>>);
    }
    await team.app.call("complete_task", { task, token, usage: { tokens: -1, cost: 0.000001 } });
    expect(await team.check(run)).toMatchObject({ cost: 0.000001 });
  });

  test("budgets that are none are refused", async () => {
    const team = await Payers.start(backend);
    const run = await team.run(three);
    for (const limit of [0, -1, 1e12, "one", undefined]) {
      const setting = team.app.callUnchecked("set_budget", { run, limit });
      await expect(setting).rejects.toMatchObject({ code: "invalid_input" });
    }
    for (const shares of [{ warn_at: 0 }, { warn_at: 1.1 }, { block_at: 0.5 }, { block_at: 11 }]) {
      await expect(team.set(run, 1, shares)).rejects.toMatchObject({ code: "invalid_input" });
    }
    await expect(team.set("run_none", 1)).rejects.toMatchObject({ code: "not_found" });
    await expect(team.run(three, 0)).rejects.toMatchObject({ code: "invalid_input" });
    expect(await team.check(run)).toMatchObject({ state: "none", budget: null });
    // Shares stay as they were said last.
    await team.set(run, 1, { warn_at: 0.1, block_at: 0.5 });
    expect(await team.set(run, 2)).toMatchObject({ budgets: [{ limit: 2, warn_at: 0.1, block_at: 0.5 }] });
    await team.pay(run, 1);
    expect(await team.claim(run)).toMatchObject({ reason: "budget_blocked" });
  });

  test("a gate sees the budget as the task before it left it", async () => {
    const team = await Payers.start(backend);
    const checks = ["run.budget.limit == null || run.budget.remaining > 0.5"];
    const steps: readonly Step[] = [
      { key: "work" },
      { key: "gate", kind: "gate", needs: ["work"], checks },
      { key: "next", needs: ["gate"], prompt: "You may spend ${{ run.budget.remaining }} more" },
      { key: "cheap", needs: ["work"], if: "run.budget.spent < 0.5" },
    ];
    const dear = await team.run(steps, 2);
    await team.pay(dear, 1.5);
    expect(await team.crew.statuses(dear)).toMatchObject({ gate: "dead_letter", next: "blocked", cheap: "skipped" });
    const cheap = await team.run(steps, 2);
    await team.pay(cheap, 0.25);
    expect(await team.crew.statuses(cheap)).toMatchObject({ gate: "succeeded", cheap: "ready" });
    const claims = [await team.crew.claim("ben", { run: cheap }), await team.claim(cheap)];
    expect(new Set(claims.map(({ task }) => task?.prompt))).toEqual(new Set(["You may spend 1.75 more", "do cheap"]));
  });

  test("the budget values that a gate may read are known when the workflow is made", async () => {
    const team = await Payers.start(backend);
    const problemsOf = async (check: string) => {
      const steps = [{ key: "gate", kind: "gate", checks: [check] }];
      const answer = await team.app.call("validate_workflow", { definition: { name: "w", steps } });
      return JSON.stringify(answer.problems);
    };
    expect(await problemsOf("run.budget.remaining > 0")).toBe("[]");
    expect(await problemsOf("run.budget.remainder > 0")).toMatch(/remainder.*did you mean.*remaining/);
    expect(await problemsOf("run.buget.remaining > 0")).toMatch(/buget.*did you mean.*budget/);
  });

  test("a prompt that reads the budget alone is filled in when its task begins, in a run that was changed too", async () => {
    const team = await Payers.start(backend);
    const prompt = "${{ run.budget.spent }} of ${{ run.budget.limit }}";
    const run = await team.run([{ key: "first" }, { key: "later", needs: ["first"], prompt }], 4);
    const step = { key: "added", needs: ["first"], prompt };
    await team.app.call("modify_run", { run, changes: [{ op: "add_task", step }] });
    await team.app.call("modify_run", {
      run,
      changes: [{ op: "update_task", task: "later", set: { title: "Later" } }],
    });
    await team.pay(run, 1);
    const prompts = [(await team.crew.claim("ben", { run })).task?.prompt, (await team.claim(run)).task?.prompt];
    expect(prompts).toEqual(["1 of 4", "1 of 4"]);
  });

  test("a run that goes back to a checkpoint has spent what it has, and its fork nothing", async () => {
    const team = await Payers.start(backend);
    const fixture = new CheckpointFixture(team.app);
    const run = await team.run([{ key: "a" }, { key: "b", needs: ["a"] }, { key: "c", needs: ["b"] }], 5);
    await team.pay(run, 1);
    const { checkpoint } = await fixture.create(run);
    await team.set(run, 2, { warn_at: 0.25 });
    await team.pay(run, 1);
    expect(await team.claim(run)).toMatchObject({ reason: "budget_blocked" });
    await fixture.resume(checkpoint.id);
    expect(await team.crew.statuses(run)).toEqual({ a: "succeeded", b: "ready", c: "pending" });
    expect(await team.shown(run)).toEqual({ ...ofRun(run), limit: 2, spent: 2, remaining: 0, state: "blocked" });
    expect(await team.claim(run)).toMatchObject({ reason: "budget_blocked" });
    const fork = (await team.app.call("resume_from_checkpoint", { checkpoint: checkpoint.id, as: "fork" })).run.id;
    expect(await team.check(fork)).toMatchObject({
      cost: 0,
      budgets: [{ run: fork, limit: 2, spent: 0, warn_at: 0.25 }],
    });
    await team.pay(fork, 2);
    expect(await team.claim(fork)).toMatchObject({ reason: "budget_blocked", detail: expect.stringContaining(fork) });
    await team.set(run, 3);
    await team.pay(run, 0.5);
    expect(await team.findings()).toBe("");
  });

  test("a fork of a run within another may cost what that may", async () => {
    const team = await Payers.start(backend);
    const [top = "", child = ""] = await team.nested(3);
    const { checkpoint } = await new CheckpointFixture(team.app).create(child);
    await team.pay(child, 3);
    const fork = (await team.app.call("resume_from_checkpoint", { checkpoint: checkpoint.id, as: "fork" })).run.id;
    expect((await team.check(fork)).budgets).toMatchObject([{ run: fork, limit: 3, spent: 0 }]);
    await team.pay(fork, 1);
    expect(await team.check(top)).toMatchObject({ cost: 3 });
    expect(await team.findings()).toBe("");
  });

  test("a run that is reopened after its budget was set is under it", async () => {
    const team = await Payers.start(backend);
    const [top = "", child = ""] = await team.nested(5);
    await team.set(top, null);
    const { id: task, token } = await team.crew.take("ann", { run: child });
    const error = { type: "hopeless", message: "it is" };
    await team.app.call("fail_task", { task, token, error, retryable: false, usage: { cost: 1 } });
    await team.pay(child, 1);
    await team.settle();
    expect((await team.crew.run(child)).status).toBe("failed");
    expect(await team.set(top, 2)).toMatchObject({ state: "blocked" });
    await team.app.call("control_run", { run: child, action: "retry_failed" });
    expect(await team.claim(child)).toMatchObject({ reason: "budget_blocked", detail: expect.stringContaining(top) });
    await team.set(top, 3);
    await team.pay(child, 1);
    expect(await team.check(top)).toMatchObject({ cost: 3, state: "blocked" });
    expect(await team.findings()).toBe("");
  });

  test("a waiting claim is woken when the budget is raised", async () => {
    const team = await Payers.start(backend);
    const run = await team.run(three, 1);
    await team.pay(run, 1);
    const claimed = team.app.call("claim_task", { agent: "ben", run, wait_seconds: 30 });
    await team.set(run, 2);
    expect(await claimed).toMatchObject({ outcome: "claimed" });
  });

  test("a run's budget goes with the run", async () => {
    const team = await Payers.start(backend);
    const run = await team.run([{ key: "a" }], 1);
    await team.pay(run, 1);
    await team.app.advance(100 * 86_400_000);
    const left = await (
      await team.app.app.store()
    ).read(function* () {
      return (yield ["SELECT id FROM budgets UNION ALL SELECT id FROM usage_records UNION ALL SELECT id FROM runs"])
        .length;
    });
    expect(left).toBe(0);
  });

  test("several processes that spend at once lose no cent", async () => {
    const { location } = await createDatabase(backend);
    const runtime = testRuntime();
    const storeHooks = { now: () => runtime.clock.now() };
    const first = await startApp({ database: location, runtime, storeHooks });
    const second = await startApp({ database: location, runtime, storeHooks, cwd: first.cwd });
    const team = new Payers(first);
    await first.call("create_project", { name: "demo", root: first.cwd });
    const two = Array.from({ length: 6 }, (_, at) => ({ key: `t${at}`, prompt: "do" }));
    await first.call("create_workflow", { project: "demo", name: "part", definition: { steps: two } });
    const all = { key: "all", kind: "workflow", workflow: "part", for_each: [1, 2, 3, 4] };
    const run = await team.run([all, ...two], 1_000);
    await team.settle();
    const held: { app: TestApp; task: string; token: number }[] = [];
    for (let at = 0; at < 30; at++) {
      const app = at % 2 === 0 ? first : second;
      const { id, token } = await new Crew(app).take(`agent-${at}`, { run });
      held.push({ app, task: id, token });
    }
    const usage = { cost: 0.1 };
    const end = ({ app, task, token }: (typeof held)[number]) => app.call("complete_task", { task, token, usage });
    const limits = [900, 800, 700].map((limit) => second.call("set_budget", { run, limit }));
    await Promise.all([...held.slice(0, 15).map(end), ...limits]);
    expect(await team.set(run, 2)).toMatchObject({ cost: 1.5, budgets: [{ spent: 1.5, state: "ok" }] });
    await Promise.all(held.slice(15).map(end));
    expect(await team.check(run)).toMatchObject({ cost: 3, budgets: [{ spent: 3 }] });
    // Each line is crossed once, by whichever comes to it.
    const types = ["run.budget_warned", "run.budget_blocked"];
    expect((await team.events(run, types)).map(({ type }) => type)).toEqual(types);
    expect(await team.findings()).toBe("");
  });
});
