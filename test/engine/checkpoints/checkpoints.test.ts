import { describe, expect, test } from "vitest";
import { takeDueCheckpoints } from "../../../src/engine/checkpoints/schedule.js";
import type { Store } from "../../../src/store/tx.js";
import { startApp, startAppOn } from "../../support/servers/app.js";
import { isLong } from "../../support/counts.js";
import { Checker, findingsText } from "../../support/checker/checker.js";
import { CheckpointFixture } from "../../support/fixtures/checkpoint-fixture.js";
import { BACKENDS, createDatabase, testRuntime } from "../../support/databases/databases.js";
import { type Dump, dumpOf } from "../../support/databases/dump.js";
import { FaultPlan } from "../../support/databases/fault-plan.js";
import { Crew } from "../../support/fixtures/plan.js";

const FIVE_MINUTES = 300_000;
const IN_DEMO = { project: "demo" } as const;

describe.each(BACKENDS)("checkpoints that come by themselves on %s", (backend) => {
  async function start(settings: Record<string, number | boolean> = {}) {
    const app = await startAppOn(backend, { settings, channel: "human" });
    await app.call("create_project", { name: "demo", root: app.cwd });
    return { app, crew: new Crew(app), fixture: new CheckpointFixture(app) };
  }

  test("a run that changes is given one by itself, once, and one that rests is given none", async () => {
    const { crew, fixture, app } = await start({ checkpoints_kept: 2 });
    const { clock, database, cwd } = app;
    const runtime = { ...testRuntime(2), clock };
    const second = await startApp({ database, cwd, runtime, storeHooks: { now: () => clock.now() } });
    await second.call("register_agent", { name: "other" });
    const { run } = await crew.start(
      Array.from({ length: 6 }, (_, at) => ({ key: `s${at}` })),
      IN_DEMO,
    );
    const kinds = async () => (await fixture.list(run.id)).map(({ kind }) => kind);
    await app.advance(FIVE_MINUTES - 10_000);
    expect(await kinds()).toEqual([]);
    await Promise.all([app.advance(10_000), second.advance(0)]);
    await app.advance(10_000);
    expect(await kinds()).toEqual(["interval"]);
    await app.advance(FIVE_MINUTES);
    await app.advance(FIVE_MINUTES);
    expect(await kinds()).toEqual(["interval"]);
    await fixture.create(run.id, "by hand");
    for (let round = 0; round < 4; round++) {
      await crew.complete(await crew.take("ann", { run: run.id }));
      await app.advance(FIVE_MINUTES);
    }
    // The oldest automatic checkpoints are removed; manual ones stay.
    expect(await kinds()).toEqual(["interval", "interval", "manual"]);
  });

  test("before a gate and a question the run is kept as it stood, and they begin anew from there", async () => {
    const { crew, fixture, app } = await start();
    const { run } = await crew.start(
      [
        { key: "test" },
        { key: "good", kind: "gate", needs: ["test"], checks: ["steps.test.output.passed"] },
        { key: "ask", kind: "human", ask: "Ship?", needs: ["good"] },
        { key: "ship", needs: ["ask"] },
      ],
      IN_DEMO,
    );
    await crew.complete(await crew.take("ann", { run: run.id }), { passed: true });
    const [gate] = await fixture.list(run.id);
    expect(gate).toMatchObject({ kind: "gate", label: "before good", created_by: "baton" });
    expect(gate?.counts).toEqual({ succeeded: 1, pending: 3 });
    const ask = async () => (await app.call("list_escalations", { run: run.id })).escalations[0]!.id;
    await app.call("decide_escalation", { id: await ask(), decision: "rejected" });
    expect((await crew.run(run.id)).status).toBe("failed");

    const resumed = await fixture.resume(gate?.id ?? "");
    expect(resumed.run.status).toBe("running");
    expect(await crew.statuses(run.id)).toEqual({
      test: "succeeded",
      good: "succeeded",
      ask: "waiting",
      ship: "pending",
    });
    await app.call("decide_escalation", { id: await ask(), decision: "approved" });
    await crew.complete(await crew.take("ann", { run: run.id }));
    expect((await crew.run(run.id)).status).toBe("succeeded");
    expect(findingsText(await new Checker(await app.app.store()).findings({ over: true }))).toBe("");
  });

  test("a run is kept before the first step of each phase starts, once, and each phase begins anew from there", async () => {
    const { crew, fixture, app } = await start({ checkpoint_gates: false });
    const { run } = await crew.start(
      [
        { key: "sketch", phase: "design" },
        { key: "api", phase: "build", needs: ["sketch"] },
        { key: "page", phase: "build", needs: ["sketch"], for_each: ["a", "b"], prompt: "${{ item }}" },
        { key: "join", phase: "build", needs: ["api"] },
        { key: "good", kind: "gate", phase: "check", needs: ["join", "page"], checks: ["true"] },
        { key: "ship", phase: "hand over", needs: ["good"] },
      ],
      IN_DEMO,
    );
    const labels = async () => (await fixture.list(run.id)).map(({ kind, label }) => [kind, label]);
    const next = async () => crew.complete(await crew.take("ann", { run: run.id }));
    expect(await labels()).toEqual([["phase", "before phase design"]]);
    await next();
    const [build] = await fixture.list(run.id);
    expect(build).toMatchObject({ kind: "phase", label: "before phase build", created_by: "baton" });
    expect(build?.counts).toEqual({ succeeded: 1, pending: 5 });
    expect((await app.call("get_run", { run: run.id })).phases).toEqual([
      { phase: "design", status: "ended", tasks: 1, ended: 1 },
      { phase: "build", status: "under_way", tasks: 5, ended: 0 },
      { phase: "check", status: "not_begun", tasks: 1, ended: 0 },
      { phase: "hand over", status: "not_begun", tasks: 1, ended: 0 },
    ]);
    // The gate passes, and the phase behind it begins, in the transaction that ends the build: one copy is made there.
    for (let left = 4; left > 0; left--) await next();
    const before = [
      ["phase", "before phase check"],
      ["phase", "before phase build"],
      ["phase", "before phase design"],
    ];
    expect(await labels()).toEqual(before);
    await app.advance(0);
    expect(await labels()).toEqual([["phase", "at phase hand over"], ...before]);

    await fixture.resume(build?.id ?? "");
    expect(await crew.statuses(run.id)).toMatchObject({ sketch: "succeeded", api: "ready", join: "pending" });
    expect(await labels()).toHaveLength(4);
    for (let left = 4; left > 0; left--) await next();
    expect((await labels())[0]).toEqual(["phase", "before phase check"]);
    await next();
    expect((await crew.run(run.id)).status).toBe("succeeded");
    expect(findingsText(await new Checker(await app.app.store()).findings({ over: true }))).toBe("");
  });

  test("a phase begins once one of its steps does: neither with one that is left out, nor again with a retry or a step of a changed run", async () => {
    const { crew, fixture, app } = await start({ checkpoint_gates: false });
    const { run } = await crew.start(
      [
        { key: "first" },
        { key: "never", phase: "docs", needs: ["first"], trigger: "one_failed" },
        { key: "guide", needs: ["first"], retry: { initial_interval_ms: 60_000 } },
        { key: "other", needs: ["first"] },
      ],
      IN_DEMO,
    );
    const labels = async () => (await fixture.list(run.id)).map(({ label }) => label);
    const modify = (changes: object[]) => app.callUnchecked("modify_run", { run: run.id, changes });
    await crew.complete(await crew.take("ann", { run: run.id }));
    expect(await labels()).toEqual([]);
    await modify([{ op: "update_task", task: "guide", set: { phase: "docs" } }]);
    expect(await labels()).toEqual(["before phase docs"]);
    const guide = await crew.take("ann", { run: run.id });
    expect(guide.key).toBe("guide");
    expect((await app.call("get_task", { task: guide.id })).task.phase).toBe("docs");
    await crew.fail(guide, "no");
    await modify([{ op: "add_task", step: { key: "index", phase: "docs", prompt: "list" } }]);
    await modify([{ op: "update_task", task: "other", set: { title: "Kept" } }]);
    expect(await labels()).toEqual(["before phase docs"]);
    await modify([{ op: "add_task", step: { key: "talk", phase: "launch", prompt: "say" } }]);
    expect(await labels()).toEqual(["before phase launch", "before phase docs"]);
  });

  test("a large run is kept where a phase begins by the next tick, rather than at a gate of the same time", async () => {
    const { crew, fixture, app } = await start();
    const many = Array.from({ length: 501 }, (_, at) => ({ key: `s${at}` }));
    const last = { key: "end", phase: "end", needs: ["s0"] };
    const { run } = await crew.start([...many, { key: "ask", kind: "human", ask: "Go on?" }, last], IN_DEMO);
    await crew.complete(await crew.take("ann", { run: run.id }));
    await app.advance(0);
    await app.advance(0);
    expect(await fixture.list(run.id)).toMatchObject([{ kind: "phase", label: "at phase end", tasks: 503 }]);
  });

  test("a large run is kept at its gate by the next tick", async () => {
    const { crew, fixture, app } = await start();
    const many = Array.from({ length: 501 }, (_, at) => ({ key: `s${at}` }));
    const ask = { key: "ask", kind: "human", ask: "Go on?" };
    const { run } = await crew.start([...many, ask], IN_DEMO);
    expect(await fixture.list(run.id)).toEqual([]);
    await app.advance(0);
    const [kept] = await fixture.list(run.id);
    expect(kept).toMatchObject({ kind: "gate", label: "at ask", tasks: 502, counts: { waiting: 1, ready: 501 } });
    await app.advance(0);
    expect(await fixture.list(run.id)).toHaveLength(1);
  });

  test("a run of few tasks with long texts is copied likewise, whether in their prompts or in events not yet received", async () => {
    const { crew, fixture, app } = await start();
    const steps = (prompt: string) => [
      { key: "first" },
      { key: "ask", kind: "human", ask: "Go on?", needs: ["first"] },
      ...Array.from({ length: 6 }, (_, at) => ({ key: `s${at}`, prompt, needs: ["ask"] })),
    ];
    const keptOf = async (prompt: string, payload: string): Promise<(string | undefined)[]> => {
      const { run } = await crew.start(steps(prompt), IN_DEMO);
      for (let left = 6; left > 0; left--) await app.call("signal", { run: run.id, event: "later", payload });
      await crew.complete(await crew.take("ann", { run: run.id }));
      const before = (await fixture.list(run.id)).map(({ label }) => label);
      await app.advance(0);
      return [...before, ...(await fixture.list(run.id)).map(({ label }) => label)];
    };
    const [short, long] = ["short", "long ".repeat(40_000)];
    expect(await keptOf(short, short)).toEqual(["before ask", "before ask"]);
    expect(await keptOf(long, short)).toEqual(["at ask"]);
    expect(await keptOf(short, long)).toEqual(["at ask"]);
  });

  test("of processes that look at once, one takes it", async () => {
    const { crew, fixture, app } = await start();
    const { run } = await crew.start([{ key: "a" }, { key: "b" }], IN_DEMO);
    app.clock.advance(FIVE_MINUTES);
    const host = await app.app.background("test");
    const taken = await Promise.all([1, 2, 3].map(() => takeDueCheckpoints(host)));
    expect(taken.filter((count) => count === 1)).toHaveLength(1);
    expect(await fixture.list(run.id)).toHaveLength(1);
  });

  test("a paused, ended or standing run is given no checkpoint while it does not change; nor any run where checkpoints are off", async () => {
    const { crew, fixture, app } = await start({ checkpoint_gates: false });
    const { run } = await crew.start([{ key: "a" }, { key: "ask", kind: "human", ask: "?" }], IN_DEMO);
    const { task } = await app.call("create_task", { ...IN_DEMO, title: "One", prompt: "one" });
    await app.call("configure", { settings: { checkpoint_interval_ms: 0 } });
    await app.advance(FIVE_MINUTES);
    await app.advance(FIVE_MINUTES);
    expect(await fixture.list(run.id)).toEqual([]);
    await app.call("configure", { settings: { checkpoint_interval_ms: 60_000 } });
    await app.advance(FIVE_MINUTES);
    await app.advance(FIVE_MINUTES);
    expect(await fixture.list(run.id)).toHaveLength(1);
    expect(await fixture.list(task.run)).toEqual([]);
  });
});

describe.each(BACKENDS)("a process that dies on %s", (backend) => {
  test(
    "at any statement of keeping, going back and forking, leaves all of it or nothing",
    { timeout: 300_000 },
    async () => {
      const database = (await createDatabase(backend)).location;
      const app = await startApp({ database, channel: "human" });
      await app.call("create_project", { name: "demo", root: app.cwd });
      const crew = new Crew(app);
      const fixture = new CheckpointFixture(app);
      const steps = [
        { key: "a", files: { write: ["a.md"] } },
        { key: "b", needs: ["a"] },
      ];
      const { run } = await crew.start(steps, IN_DEMO);
      const { checkpoint } = await fixture.create(run.id);
      const store = await app.app.store();
      const checker = new Checker(store);
      let done = 0;
      const deaths = async (name: string, input: () => Record<string, unknown>): Promise<number> => {
        // Every statement on one database; on the other, whose deaths take longer, every third in the short form.
        for (let place = 0; ; place += isLong || backend === "sqlite" ? 1 : 3) {
          await takeSomething(crew, run.id);
          const before = await whatStands(store);
          const plan = FaultPlan.at(place, "crash");
          const runtime = testRuntime(++done + 10);
          const dying = await startApp({ database, cwd: app.cwd, runtime, sessionless: true, storeHooks: plan.hooks });
          const told = await dying.callUnchecked(name, input()).then(
            () => "done",
            () => "died",
          );
          if (plan.strikes.length === 0) return place;
          expect(told).toBe("died");
          expect(await whatStands(store)).toEqual(before);
          expect(findingsText(await checker.findings())).toBe("");
        }
      };
      expect(await deaths("create_checkpoint", () => ({ run: run.id, agent: "ann" }))).toBeGreaterThan(5);
      expect(
        await deaths("resume_from_checkpoint", () => ({ checkpoint: checkpoint.id, agent: "ann" })),
      ).toBeGreaterThan(20);
      const fork = { checkpoint: checkpoint.id, as: "fork", agent: "ann" };
      expect(await deaths("resume_from_checkpoint", () => fork)).toBeGreaterThan(10);
    },
  );
});

/** So that there is something to fence off. */
async function takeSomething(crew: Crew, run: string): Promise<void> {
  await crew.claim("ann", { run });
}

/** Everything but what each call may note beside its work. */
async function whatStands(store: Store): Promise<Dump> {
  const { requests: _, agents: __, sessions: ___, host_clocks: ____, ...rest } = await dumpOf(store);
  return rest;
}
