import { describe, expect, test } from "vitest";
import type { BatonError } from "../../src/base/errors.js";
import type { Statement } from "../../src/store/tx.js";
import { startApp, startAppOn } from "../support/servers/app.js";
import { Checker, findingsText } from "../support/checker/checker.js";
import { BACKENDS } from "../support/databases/databases.js";
import { dumpOf } from "../support/databases/dump.js";
import { CheckpointFixture } from "../support/fixtures/checkpoint-fixture.js";
import { Crew } from "../support/fixtures/plan.js";

describe.each(BACKENDS)("checkpoints on %s", (backend) => {
  async function start(settings: Record<string, number> = {}) {
    const app = await startAppOn(backend, { settings, channel: "human" });
    await app.call("create_project", { name: "demo", root: app.cwd });
    return { app, crew: new Crew(app), fixture: new CheckpointFixture(app) };
  }

  test("a run goes back to how it stood, and on from there to its end", async () => {
    const { app, crew, fixture } = await start();
    const { run } = await crew.start([{ key: "a" }, { key: "b", needs: ["a"] }, { key: "c", needs: ["b"] }], IN_DEMO);
    await crew.complete(await crew.take("ann", { run: run.id }), { said: "first" });
    const { checkpoint } = await fixture.create(run.id, "before b");
    expect(checkpoint).toMatchObject({ kind: "manual", label: "before b", tasks: 3 });
    expect(checkpoint.counts).toEqual({ pending: 1, ready: 1, succeeded: 1 });
    await crew.complete(await crew.take("ann", { run: run.id }), { said: "wrong" });
    await crew.complete(await crew.take("ann", { run: run.id }));
    expect((await crew.run(run.id)).status).toBe("succeeded");

    const resumed = await fixture.resume(checkpoint.id);
    expect(resumed.run).toMatchObject({ status: "running", revision: 2 });
    expect(resumed.run.counts).toMatchObject({ total: 3, succeeded: 1, ready: 1, pending: 1 });
    expect(resumed).toMatchObject({ restored: 2, superseded: 0, fenced_total: 0, notes: [] });
    expect(resumed.ready.map(({ key }) => key)).toEqual(["b"]);
    expect(await crew.statuses(run.id)).toEqual({ a: "succeeded", b: "ready", c: "pending" });

    const again = await crew.claim("ben", { run: run.id });
    // The task's later result does not count; its given input does.
    expect(again.task).toMatchObject({ key: "b", dependencies: [{ key: "a", result: { said: "first" } }] });
    await crew.complete({ id: again.task?.id ?? "", token: again.lease?.token ?? 0 }, { said: "right" });
    const last = await crew.claim("ben", { run: run.id });
    expect(last.task?.dependencies).toMatchObject([{ key: "b", result: { said: "right" } }]);
    await crew.complete({ id: last.task?.id ?? "", token: last.lease?.token ?? 0 });
    expect((await crew.run(run.id)).status).toBe("succeeded");
    expect(findingsText(await new Checker(await app.app.store()).findings({ over: true }))).toBe("");
  });

  test("running work is fenced off: its holder is told, its files are free, waiting requests are served", async () => {
    const { app, crew, fixture } = await start();
    const steps = [
      { key: "a", files: { write: ["a.md"] } },
      { key: "b", files: { write: ["b.md"] } },
    ];
    const { run } = await crew.start(steps, IN_DEMO);
    const other = await crew.start([{ key: "x", files: { write: ["a.md"] } }], IN_DEMO);
    const before = await crew.take("ann", { run: run.id });
    const { checkpoint } = await fixture.create(run.id);
    const after = await crew.take("ben", { run: run.id });
    // Set aside until ann's file is free.
    expect((await crew.claim("cleo", { run: other.run.id })).outcome).toBe("none");

    const resumed = await fixture.resume(checkpoint.id);
    expect(resumed.fenced).toEqual([
      { task: before.id, key: "a", agent: "ann", token: before.token },
      { task: after.id, key: "b", agent: "ben", token: after.token },
    ]);
    expect(resumed.run.counts).toMatchObject({ ready: 2, running: 0 });
    for (const held of [before, after]) {
      await expect(crew.complete(held)).rejects.toMatchObject({ code: "stale_token" });
      await expect(app.call("report_progress", { task: held.id, token: held.token })).rejects.toMatchObject({
        code: "stale_token",
      });
    }
    const { task } = await app.call("get_task", { task: before.id, include: ["attempts"] });
    expect(task).toMatchObject({ status: "ready" });
    expect((await crew.take("cleo", { run: other.run.id })).key).toBe("x");
    expect(findingsText(await new Checker(await app.app.store()).findings())).toBe("");
  });

  test("a task that was open then and has been done since counts for nothing, and one done then counts as it did", async () => {
    const { crew, fixture, app } = await start();
    const { run } = await crew.start([{ key: "a" }, { key: "b", needs: ["a"] }], IN_DEMO);
    const early = (await fixture.create(run.id, "early")).checkpoint;
    await crew.complete(await crew.take("ann", { run: run.id }), { version: 1 });
    const late = (await fixture.create(run.id, "late")).checkpoint;
    await fixture.resume(early.id);
    const second = await crew.take("ann", { run: run.id });
    expect(second.token).toBeGreaterThan(1);
    await crew.complete(second, { version: 2 });
    const back = await fixture.resume(late.id);
    expect(back.restored).toBe(1);
    const claim = await crew.claim("ann", { run: run.id });
    expect(claim.task?.dependencies).toMatchObject([{ key: "a", result: { version: 1 } }]);
    const { attempts } = await app.call("get_task", { task: `${run.id}/a`, include: ["attempts"] });
    expect(attempts!.map(({ number, agent, outcome }) => [number, agent, outcome])).toEqual([
      [1, "ann", "succeeded"],
      [2, "baton", "released"],
      [3, "ann", "succeeded"],
      [4, "baton", "succeeded"],
    ]);
    expect(findingsText(await new Checker(await app.app.store()).findings())).toBe("");
  });

  test("tasks made since leave the graph, and their keys are free for those made instead", async () => {
    const { crew, fixture, app } = await start();
    const { run } = await crew.start(
      [
        { key: "list" },
        { key: "page", needs: ["list"], for_each: "steps.list.output", prompt: "write ${{ item }}" },
        { key: "end", needs: ["page"] },
      ],
      IN_DEMO,
    );
    const { checkpoint } = await fixture.create(run.id);
    await crew.complete(await crew.take("ann", { run: run.id }), ["x", "y"]);
    const held = await crew.take("ann", { run: run.id });
    const [listed] = await fixture.list(run.id);
    expect(listed?.since).toMatchObject({ tasks_added: 2, attempts: 2 });
    const { events } = await app.call("list_events", { run: run.id, cursor: listed?.since?.cursor });
    expect(events.map(({ type }) => type)).toContain("task.spread");

    const resumed = await fixture.resume(checkpoint.id);
    expect(resumed).toMatchObject({ superseded: 2, fenced_total: 1 });
    expect(resumed.run.counts).toMatchObject({ total: 5, cancelled: 2, ready: 1, pending: 2 });
    expect(resumed.run.progress).toBe(0);
    await expect(crew.complete(held)).rejects.toMatchObject({ code: "stale_token" });
    await crew.complete(await crew.take("ann", { run: run.id }), ["z"]);
    const claim = await crew.claim("ann", { run: run.id });
    expect(claim.task).toMatchObject({ key: "page[0]", prompt: "write z" });
    await crew.complete({ id: claim.task?.id ?? "", token: claim.lease?.token ?? 0 }, "Z");
    expect((await crew.claim("ann", { run: run.id })).task?.dependencies).toMatchObject([
      { key: "page", result: ["Z"] },
    ]);
    expect(findingsText(await new Checker(await app.app.store()).findings())).toBe("");
  });

  test("waits, retries, dead letters and events that were kept come back as they were", async () => {
    const { crew, fixture, app } = await start();
    const { run } = await crew.start(
      [
        { key: "timer", kind: "wait", for: "1h" },
        { key: "hook", kind: "wait", event: "go" },
        { key: "later", needs: ["hook"], kind: "wait", event: "stop" },
        { key: "again", retry: { max_attempts: 2, initial_interval_ms: 60_000 } },
        { key: "lost", retry: { max_attempts: 1 } },
      ],
      IN_DEMO,
    );
    await crew.fail(await crew.take("ann", { run: run.id }), "once");
    await crew.fail(await crew.take("ann", { run: run.id }), "broken");
    await app.call("signal", { run: run.id, event: "stop", payload: 1 });
    const before = await crew.statuses(run.id);
    const { checkpoint } = await fixture.create(run.id);
    await app.call("signal", { run: run.id, event: "go" });
    await app.call("signal", { run: run.id, event: "other" });
    const deadLetter = async () =>
      (await app.call("list_dead_letters", { run: run.id, status: "pending" })).dead_letters;
    const [first] = await deadLetter();
    await app.call("resolve_dead_letter", { id: first!.id, notes: "by hand" });
    await app.advance(2 * 3_600_000);
    await crew.fail(await crew.take("ben", { run: run.id }), "twice");
    expect(await crew.statuses(run.id)).toMatchObject({ timer: "succeeded", hook: "succeeded", lost: "succeeded" });

    const resumed = await fixture.resume(checkpoint.id);
    expect(resumed.dropped_signals).toBe(1);
    expect(await crew.statuses(run.id)).toEqual(before);
    const deadLetters = await deadLetter();
    expect(deadLetters).toHaveLength(1);
    expect(deadLetters[0]?.id).not.toBe(first?.id);
    // The timer's instant has passed meanwhile, and so has that of the retry.
    await app.advance(1_000);
    expect(await crew.statuses(run.id)).toMatchObject({ timer: "succeeded", again: "ready" });
    await app.call("signal", { run: run.id, event: "go" });
    // An event sent before the checkpoint is there again.
    expect(await crew.statuses(run.id)).toMatchObject({ hook: "succeeded", later: "succeeded" });
    expect(findingsText(await new Checker(await app.app.store()).findings())).toBe("");
  });

  test("a fork shares nothing with its origin and changes nothing of it", async () => {
    const { crew, fixture, app } = await start();
    const { run } = await crew.start(
      [
        { key: "a" },
        { key: "b", needs: ["a"] },
        { key: "c", needs: ["b"] },
        { key: "hook", kind: "wait", event: "go" },
      ],
      IN_DEMO,
    );
    await crew.complete(await crew.take("ann", { run: run.id }), { said: "first" });
    await app.call("signal", { run: run.id, event: "kept" });
    const held = await crew.take("ann", { run: run.id });
    const { checkpoint } = await fixture.create(run.id);
    const store = await app.app.store();
    const ofOrigin = async () => rowsOf(await dumpOf(store), run.id);
    const before = await ofOrigin();

    const forked = await fixture.resume(checkpoint.id, "fork");
    expect(await ofOrigin()).toEqual(before);
    expect(forked.run).toMatchObject({ name: "plan-fork", status: "running", revision: 1 });
    expect(forked.run.id).not.toBe(run.id);
    expect(forked).toMatchObject({ carried_results: 1, notes: [] });
    expect(await crew.statuses(forked.run.id)).toEqual({ a: "succeeded", b: "ready", c: "pending", hook: "waiting" });
    const claim = await crew.claim("ben", { run: forked.run.id });
    expect(claim.task).toMatchObject({ key: "b", dependencies: [{ key: "a", result: { said: "first" } }] });
    await crew.complete({ id: claim.task?.id ?? "", token: claim.lease?.token ?? 0 });
    await crew.complete(await crew.take("ben", { run: forked.run.id }));
    await app.call("signal", { run: forked.run.id, event: "go" });
    expect((await crew.run(forked.run.id)).status).toBe("succeeded");
    expect(await ofOrigin()).toEqual(before);
    // The origin's own work goes on as if nothing had happened.
    await crew.complete(held);
    expect(findingsText(await new Checker(store).findings())).toBe("");
  });

  test("one of a newer version is refused by name, a damaged one too, and nothing is changed", async () => {
    const { crew, fixture, app } = await start();
    const { run } = await crew.start([{ key: "a" }], IN_DEMO);
    const { checkpoint } = await fixture.create(run.id);
    const store = await app.app.store();
    const write = (statement: Statement) =>
      store.transact(function* () {
        yield statement;
      });
    const ofWork = async () => ({ ...(await dumpOf(store)), checkpoints: [] });
    const before = await ofWork();
    const refused = async () =>
      fixture.resume(checkpoint.id).then(
        () => undefined,
        (error: unknown) => error,
      );
    await write(["UPDATE checkpoint_parts SET data = 'AAAA' || data WHERE number = 0"]);
    const damaged = await refused();
    expect(damaged).toMatchObject({ code: "unavailable" });
    expect((damaged as BatonError).message).toContain("is damaged");
    await write(["UPDATE checkpoints SET format = 3"]);
    const newer = await refused();
    expect(newer).toMatchObject({ code: "unavailable", details: { format: 3, understood: 2 } });
    expect((newer as BatonError).message).toContain(
      "has format 3, this process understands up to 2: restart to update",
    );
    expect(await ofWork()).toEqual(before);
  });

  test("the same request again resumes once, and forks once", async () => {
    const { crew, fixture, app } = await start();
    const { run } = await crew.start([{ key: "a" }, { key: "b" }], IN_DEMO);
    const made = () => app.call("create_checkpoint", { run: run.id, request_id: "made" });
    expect(await made()).toEqual(await made());
    const [only, ...others] = await fixture.list(run.id);
    expect(others).toEqual([]);
    const resume = (as: "in_place" | "fork") =>
      app.call("resume_from_checkpoint", { checkpoint: only!.id, as, request_id: `r-${as}` });
    const first = await resume("in_place");
    const held = await crew.take("ann", { run: run.id });
    expect(await resume("in_place")).toEqual(first);
    await crew.complete(held);
    expect(await resume("fork")).toEqual(await resume("fork"));
    expect((await app.call("list_runs", {})).runs).toHaveLength(2);
  });

  test("checkpoints go with their run", async () => {
    const { crew, fixture, app } = await start();
    const { run } = await crew.start([{ key: "a" }], IN_DEMO);
    await fixture.create(run.id);
    await crew.complete(await crew.take("ann", { run: run.id }));
    await app.advance(100 * 86_400_000);
    const left = await (
      await app.app.store()
    ).read(function* () {
      return [
        yield ["SELECT id FROM checkpoints"],
        yield ["SELECT checkpoint FROM checkpoint_parts"],
        yield ["SELECT run FROM checkpoint_turns"],
      ];
    });
    expect(left).toEqual([[], [], []]);
  });
});

describe("runs without a checkpoint", () => {
  test("the run of ad-hoc tasks, one that is being cancelled, and what is not there", async () => {
    const app = await startApp();
    const crew = new Crew(app);
    await app.call("create_project", { name: "demo", root: app.cwd });
    const adhoc = (await app.call("create_task", { project: "demo", title: "One", prompt: "one" })).task;
    await expect(app.call("create_checkpoint", { run: adhoc.run })).rejects.toMatchObject({
      code: "invalid_transition",
      message: expect.stringContaining("ad-hoc tasks") as string,
    });
    const { run } = await crew.start([{ key: "a" }], IN_DEMO);
    await crew.take("ann", { run: run.id });
    await app.call("control_run", { run: run.id, action: "cancel" });
    await expect(app.call("create_checkpoint", { run: run.id })).rejects.toMatchObject({ code: "invalid_transition" });
    await expect(app.call("create_checkpoint", { run: "run_none" })).rejects.toMatchObject({ code: "not_found" });
    await expect(app.call("resume_from_checkpoint", { checkpoint: "none" })).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(app.call("list_checkpoints", { run: "run_none" })).rejects.toMatchObject({ code: "not_found" });
  });
});

const IN_DEMO = { project: "demo" } as const;

/** All rows of a database that belong to a run, or name a task of it. */
function rowsOf(dump: Awaited<ReturnType<typeof dumpOf>>, run: string): Record<string, unknown[]> {
  const tasks = (dump["tasks"] ?? []).filter((row) => row["run"] === run).map((row) => String(row["id"]));
  const own = [run, ...tasks];
  return Object.fromEntries(
    Object.entries(dump).map(([table, rows]) => [
      table,
      rows.filter((row) =>
        Object.entries(row).some(([column, value]) => column !== "data" && own.includes(String(value))),
      ),
    ]),
  );
}
