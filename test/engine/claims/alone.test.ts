import { describe, expect, test } from "vitest";
import { Checker, findingsText } from "../../support/checker/checker.js";
import { BACKENDS, createDatabase, testRuntime } from "../../support/databases/databases.js";
import { Crew, type PlanHead, type Step } from "../../support/fixtures/plan.js";
import { raceRoom } from "../../support/fixtures/race-fixture.js";
import { startApp } from "../../support/servers/app.js";

const ALONE = { parallelizable: false };

describe.each(BACKENDS)("a task that runs alone in its run, on %s", (backend) => {
  async function team() {
    const [runtime, { location }] = [testRuntime(), await createDatabase(backend)];
    const start = () => startApp({ runtime, database: location, storeHooks: { now: () => runtime.clock.now() } });
    const app = await start();
    await app.call("create_project", { name: "demo", root: app.cwd });
    const crew = new Crew(app);
    const plan = async (steps: readonly Step[], head: PlanHead = {}) =>
      (await crew.start(steps, { project: "demo", ...head })).run.id;
    const claim = (agent: string, where: object) => app.call("claim_task", { agent, fresh: true, ...where });
    const check = async () =>
      expect(findingsText(await new Checker(await app.app.store()).findings({ at: app.clock.now() }))).toBe("");
    return { app, call: app.call, crew, plan, claim, check, start };
  }

  test("waits until its run is idle, holds back what comes after it meanwhile, and while it runs all of its run", async () => {
    const { call, crew, plan, claim, check } = await team();
    const run = await plan([{ key: "a" }, { key: "migrate", ...ALONE }, { key: "b" }]);
    const a = await crew.take("ann", { run });
    const none = await claim("ben", { run });
    expect(none).toMatchObject({ outcome: "none", reason: "run_at_capacity" });
    expect(none.detail).toBe(
      `migrate runs alone in run plan (${run}), and waits until what is running there has ended: a by ann`,
    );
    const { ready } = await call("get_run", { run });
    expect(ready.map(({ key, reasons }) => [key, reasons])).toEqual([
      [
        "migrate",
        [{ kind: "runs_alone", detail: "it runs alone in its run, where a by ann is running", blocking: [a.id] }],
      ],
      ["b", undefined],
    ]);
    await crew.complete(a);
    const migrate = await crew.take("ben", { run });
    expect(migrate.key).toBe("migrate");
    await check();
    expect((await claim("ann", { run })).detail).toBe(
      `migrate by ben runs alone in run plan (${run}): nothing else of it begins before it ends`,
    );
    const shown = await call("get_run", { run });
    expect(shown.ready).toMatchObject([
      { key: "b", claimable: false, reasons: [{ kind: "runs_alone", detail: "migrate by ben runs alone in its run" }] },
    ]);
    expect(await call("check_task_ready", { task: `${run}/b`, agent: "ann" })).toMatchObject({
      claimable: false,
      reasons: [{ kind: "runs_alone", blocking: [migrate.id] }],
    });
    await crew.complete(migrate);
    expect((await crew.take("ann", { run })).key).toBe("b");
    await check();
  });

  test("lets what comes before it go first, and agents that cannot take it are not held back by it", async () => {
    const { crew, plan, claim } = await team();
    const run = await plan([
      { key: "a" },
      { key: "urgent", priority: "high" },
      { key: "migrate", role: "dba", ...ALONE },
      { key: "b" },
    ]);
    expect((await crew.take("ann", { run, roles: ["dba"] })).key).toBe("urgent");
    expect((await crew.take("ben", { run, roles: ["dba"] })).key).toBe("a");
    expect((await claim("cid", { run, roles: ["dba"] })).reason).toBe("run_at_capacity");
    expect((await crew.take("cid", { run })).key).toBe("b");
  });

  test("holds back no other run, nor the same work in one that is idle", async () => {
    const { crew, plan, claim } = await team();
    const steps = [
      { key: "a", role: "starter" },
      { key: "migrate", ...ALONE },
      { key: "b", role: "other" },
    ];
    const first = await plan(steps);
    await crew.take("ann", { run: first, roles: ["starter"] });
    const second = await plan(steps);
    const where = { project: "demo", roles: ["other"] };
    const [migrate, other] = [await claim("ben", where), await claim("cid", where)];
    expect([migrate.task?.key, migrate.task?.run]).toEqual(["migrate", second]);
    expect(other).toMatchObject({ outcome: "none", reason: "run_at_capacity" });
    const third = await plan(steps);
    expect((await claim("cid", where)).task).toMatchObject({ key: "migrate", run: third });
  });

  test("keeps its run closed over a pause, a failure and a loss, and its end opens it however it ends", async () => {
    const { app, call, crew, plan, claim, check } = await team();
    const run = await plan([
      { key: "migrate", ...ALONE, retry: { max_attempts: 2, initial_interval_ms: 0 } },
      { key: "b" },
    ]);
    const first = await crew.take("ann", { run });
    await call("control_run", { run, action: "pause" });
    await call("control_run", { run, action: "resume" });
    expect((await claim("ben", { run })).reason).toBe("run_at_capacity");
    await check();
    await call("release_task", { task: first.id, token: first.token });
    await check();
    const second = await crew.take("ann", { run });
    expect(second.key).toBe("migrate");
    await crew.fail(second);
    await check();
    const b = await crew.take("ben", { run });
    expect(b.key).toBe("b");
    await app.advance(1_000);
    expect((await claim("cid", { run })).detail).toContain("what is running there has ended: b by ben");
    await check();
    await crew.complete(b);
    const third = await crew.take("cid", { run });
    expect(third.key).toBe("migrate");
    await call("cancel_task", { task: third.id });
    await app.advance(3_600_000);
    await check();
    expect((await call("get_run", { run })).run.status).toBe("succeeded");
  });

  test("opens its run to others while it waits for a decision", async () => {
    const { call, crew, plan, check } = await team();
    const run = await plan([{ key: "migrate", ...ALONE }, { key: "b" }]);
    const migrate = await crew.take("ann", { run });
    await call("escalate", {
      type: "quality_concern",
      title: "Drop it?",
      agent: "ann",
      task: migrate.id,
      token: migrate.token,
      blocking: true,
    });
    await check();
    expect((await crew.take("ben", { run })).key).toBe("b");
    await check();
  });

  test("is never one of two that are running, whichever of several processes claim at once", async () => {
    const { crew, plan, check, start } = await team();
    const apps = [crew, ...(await Promise.all([start(), start()])).map((app) => new Crew(app))];
    const steps = Array.from({ length: 12 }, (_, at) => ({ key: `t${at}`, ...(at % 3 === 1 && ALONE) }));
    const run = await plan(steps);
    const order: string[] = [];
    while (order.length < steps.length) {
      const claims = await Promise.all(
        apps.flatMap((one, app) => ["ann", "ben"].map((name) => one.claim(`${name}-${app}`, { run, fresh: true }))),
      );
      const held = claims.flatMap(({ task, lease }) => (task && lease ? [{ ...task, token: lease.token }] : []));
      expect(held.length).toBeGreaterThan(0);
      const alone = held.filter(({ key }) => Number(key.slice(1)) % 3 === 1).length;
      expect(alone === 0 || held.length === 1).toBe(true);
      await check();
      order.push(...held.map(({ key }) => key));
      for (const one of held) await crew.complete(one);
    }
    expect(new Set(order).size).toBe(steps.length);
  });

  test("is changed, added, copied and stored as one: by create_task, modify_run, a fork and a template", async () => {
    const { call, crew, plan, claim } = await team();
    const run = await plan([{ key: "a" }, { key: "migrate", ...ALONE }]);
    await call("create_task", { run, key: "index", title: "Index", prompt: "do it", ...ALONE });
    const add = { op: "add_task" as const, step: { key: "vacuum", prompt: "do it", ...ALONE } };
    const set = (task: string, more: object) => ({ op: "update_task" as const, task, set: more });
    await call("modify_run", { run, changes: [add, set("migrate", { title: "Another" })] });
    for (const key of ["migrate", "index", "vacuum"])
      expect((await call("get_task", { task: `${run}/${key}` })).spec).toMatchObject(ALONE);
    const { checkpoint } = await call("create_checkpoint", { run });
    await crew.take("ann", { run });
    expect((await claim("ben", { run })).reason).toBe("run_at_capacity");
    await call("modify_run", {
      run,
      changes: ["migrate", "index", "vacuum"].map((key) => set(key, { parallelizable: true })),
    });
    expect((await crew.take("ben", { run })).key).toBe("migrate");
    const fork = (await call("resume_from_checkpoint", { checkpoint: checkpoint.id, as: "fork" })).run.id;
    await crew.take("cid", { run: fork });
    expect((await claim("dan", { run: fork })).reason).toBe("run_at_capacity");
  });
});

describe("a task that runs alone, claimed by two processes at once", () => {
  test("is not taken where another task of its run was, between the look and the lock", async () => {
    const { first, second, gate } = await raceRoom();
    const { run } = await new Crew(second).start([{ key: "migrate", role: "dba", ...ALONE }, { key: "b" }]);
    const stopped = gate.stopAt(/FROM runs WHERE id = \$1 %FOR_UPDATE%/);
    const claim = first.call("claim_task", { agent: "ann", run: run.id, roles: ["dba"] });
    await stopped.reached;
    expect((await new Crew(second).take("ben", { run: run.id })).key).toBe("b");
    stopped.open();
    expect(await claim).toMatchObject({ outcome: "none", reason: "run_at_capacity" });
  });
});
