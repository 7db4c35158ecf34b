import { describe, expect, test } from "vitest";
import { BACKENDS, temporaryDirectory } from "../support/databases/databases.js";
import { contention, HOUR, writes } from "../support/days/contention.js";

describe.each(BACKENDS)("conflicts that change on %s", (backend) => {
  test("an order of tasks with the same files outlives the first of them: the second is done when that is cancelled", async () => {
    const { crew, call, run, detect, resolve } = await contention(backend, [
      writes("a", "x.ts"),
      writes("b", "x.ts", { estimate_ms: HOUR / 2 }),
    ]);
    await detect();
    expect((await resolve("shortest_first")).resolved).toHaveLength(1);
    await call("cancel_task", { task: `${run}/b` });
    expect(await crew.statuses(run)).toEqual({ a: "ready", b: "cancelled" });
  });

  test("a task goes before that of another run by the level that is needed, and no level where it does so already", async () => {
    const { call, start, detect, resolve } = await contention(backend, [writes("a", "x.ts", { priority: "low" })]);
    const other = await start([writes("b", "x.ts", { priority: "normal", estimate_ms: 2 * HOUR })]);
    await detect();
    const { unresolved } = await resolve("prioritize_critical");
    expect(unresolved).toMatchObject([{ why: "b goes before a: nothing is to be changed for that" }]);
    const { resolved } = await resolve("shortest_first");
    expect(resolved[0]?.decision).toMatch(/^a goes before b; a of run_\w+ has priority high now$/);
    expect((await call("get_task", { task: `${other}/b` })).task).toMatchObject({ priority: "normal" });
  });

  test("an order of two tasks that would undo one that was resolved before is refused, so that every order that is told is kept", async () => {
    const { crew, run, detect, resolve } = await contention(
      backend,
      [1, 2, 3].map((hours) => writes(`t${hours}`, "x.ts", { estimate_ms: hours * HOUR })),
    );
    expect(await detect()).toHaveLength(3);
    const { resolved, unresolved } = await resolve("shortest_first");
    expect(unresolved.map(({ why }) => why)).toContainEqual(
      expect.stringMatching(/^the priorities for that would undo conflict_\w+: t\d goes before t\d/),
    );
    expect(resolved.length).toBeGreaterThan(0);
    const taken: string[] = [];
    for (let at = 0; at < 3; at++) {
      const task = await crew.take("ann", { run });
      taken.push(task.key);
      await crew.complete(task);
    }
    for (const { decision } of resolved) {
      const [, first, second] = /^(t\d) goes before (t\d)/.exec(decision) ?? [];
      expect(taken.indexOf(first ?? "")).toBeLessThan(taken.indexOf(second ?? ""));
    }
  });

  test("no order is told where the other task has waited too long for any priority", async () => {
    const { app, start, detect, resolve } = await contention(backend, [
      writes("a", "x.ts", { priority: "low", estimate_ms: 2 * HOUR }),
    ]);
    await app.advance(7 * 24 * HOUR);
    await start([writes("b", "x.ts")]);
    await detect();
    const why = "no priority lets b go before a, which has waited too long";
    expect((await resolve("shortest_first")).unresolved).toMatchObject([{ why }]);
  });

  test("a lock that is free again is no conflict any more: a resolution says so, and a look closes it", async () => {
    const { call, detect, conflicts, resolve, lock } = await contention(backend, [{ key: "a" }]);
    await lock("ann", ["x.ts"]);
    await lock("ben", ["x.ts"], { wait_seconds: 0.01 });
    await detect();
    await call("release_file_lock", { project: "shop", agent: "ann", paths: ["x.ts"] });
    expect((await resolve("queue")).unresolved).toMatchObject([{ why: "it is over already" }]);
    expect(await detect()).toEqual([]);
    expect(await conflicts()).toMatchObject([{ status: "gone" }]);
  });

  test("a resolved conflict that is gone is open again when it comes back", async () => {
    const { call, run, detect, conflicts, resolve } = await contention(backend, [
      writes("a", "x.ts"),
      writes("b", "x.ts", { estimate_ms: HOUR / 2 }),
    ]);
    const [found] = await detect();
    await resolve("shortest_first");
    expect(await detect()).toMatchObject([{ id: found?.id, status: "resolved" }]);
    await call("modify_run", { run, changes: [{ op: "add_dependency", task: "b", on: "a" }] });
    await detect();
    expect(await conflicts()).toMatchObject([{ status: "gone", strategy: "shortest_first" }]);
    await call("modify_run", { run, changes: [{ op: "remove_dependency", task: "b", on: "a" }] });
    const [again] = await detect();
    expect(again).toMatchObject({ id: found?.id, status: "open" });
    expect(again).not.toHaveProperty("strategy");
  });

  test("a resolved wait is open again when another task waits there", async () => {
    const { crew, call, start, run, detect, resolve } = await contention(backend, [
      writes("low", "x.ts", { priority: "low" }),
    ]);
    await crew.take("ann", { run });
    const first = await start([writes("first", "x.ts", { priority: "high" })]);
    await crew.claim("ben", { run: first });
    const [found] = await detect();
    expect((await resolve("prioritize_critical")).resolved).toHaveLength(1);
    await call("cancel_task", { task: `${first}/first` });
    const second = await start([writes("second", "x.ts", { priority: "critical" })]);
    await crew.claim("ben", { run: second });
    const again = await detect();
    expect(again).toMatchObject([{ id: found?.id, status: "open" }]);
    expect(again[0]?.parties.map(({ key }) => key)).toEqual(["low", "second"]);
  });

  test("a task that is to give way does so also where one more comes to wait for it", async () => {
    const { app, crew, start, run, detect, resolve } = await contention(backend, [
      writes("low", "x.ts", { priority: "low" }),
    ]);
    await crew.take("ann", { run });
    const first = await start([writes("first", "x.ts", { priority: "critical" })]);
    await crew.claim("ben", { run: first });
    await detect();
    expect((await resolve("prioritize_critical")).resolved).toHaveLength(1);
    const second = await start([writes("second", "x.ts", { priority: "normal" })]);
    await crew.claim("eve", { run: second });
    const contended = (await detect()).filter(({ kind }) => kind === "lock_contention");
    expect(contended).toMatchObject([{ status: "resolved" }]);
    await app.advance(30_000);
    expect(await crew.statuses(run)).toEqual({ low: "ready" });
    expect((await crew.take("ben", { run: first })).key).toBe("first");
  });

  test("conflicts that are due in two projects are looked at one project after the other", async () => {
    const { app, crew, call } = await contention(backend, [{ key: "other" }]);
    await call("create_project", { name: "store", root: temporaryDirectory() });
    const projects = ["shop", "store"];
    for (const project of projects) {
      const { run } = await crew.start([writes("a", "x.ts")], { project });
      await call("acquire_file_lock", { project, agent: "ann", paths: ["x.ts"] });
      expect((await crew.claim("ben", { run: run.id })).outcome).toBe("none");
      expect((await call("detect_conflicts", { project })).conflicts).toHaveLength(1);
    }
    const asked = async () => {
      const lists = await Promise.all(projects.map((project) => call("list_escalations", { project })));
      return lists.flatMap(({ escalations }) => escalations).length;
    };
    await app.advance(300_000);
    expect(await asked()).toBe(1);
    await app.advance(5_000);
    expect(await asked()).toBe(2);
  });

  test("a question about a conflict is void once an agent resolves it", async () => {
    const { app, crew, call, run, detect, resolve } = await contention(backend, [
      writes("a", "x.ts"),
      writes("b", "x.ts", { estimate_ms: HOUR / 2 }),
    ]);
    await crew.take("ann", { run });
    await crew.claim("ben", { run });
    await detect();
    await app.advance(300_000);
    const asked = async () =>
      (await call("list_escalations", { project: "shop" })).escalations.map((one) => one.status);
    expect(await asked()).toEqual(["open"]);
    await call("modify_run", { run, changes: [{ op: "reprioritize", tasks: ["b"], priority: "high" }] });
    const conflicts = (await call("list_conflicts", { run, status: "escalated" })).conflicts.map(({ id }) => id);
    expect((await resolve("prioritize_critical")).resolved).toEqual([]);
    await call("resolve_conflicts", { conflicts, strategy: "prioritize_critical" });
    expect((await call("list_escalations", { project: "shop", status: "void" })).escalations).toHaveLength(1);
  });

  test("a holder that is to give way has a message and is told by its claim, its task cannot be handed over, and comes last again", async () => {
    const { app, crew, call, run, detect, resolve, lock } = await contention(backend, [
      writes("a", "x.ts", { priority: "high" }),
      writes("b", "x.ts"),
    ]);
    const held = await crew.take("ann", { run });
    await crew.claim("ben", { run });
    await call("modify_run", { run, changes: [{ op: "reprioritize", tasks: ["b"], priority: "critical" }] });
    await detect();
    await resolve("prioritize_critical");
    const [message] = (await call("read_messages", { agent: "ann" })).messages;
    expect(message).toMatchObject({ subject: "a gives way (preempted)" });
    expect(message?.body).toContain("in 30 s it is taken back");
    expect(await call("claim_task", { run, agent: "ann" })).toMatchObject({
      note: expect.stringContaining("Stop now: task a gives way") as string,
      next: [{ tool: "release_task" }],
    });
    // Its next lock says so too, and the one that waits is told that the wait will end.
    expect((await lock("ann", ["y.ts"])).note).toMatch(/^Your task a is asked to give way to another \(preempted\)/);
    expect((await crew.claim("ben", { run })).detail).toMatch(
      /x\.ts is held by ann until it ends task task_\w+, which is asked to give way/,
    );
    const offer = { task: held.id, token: held.token, to: "eve", reason: "yours" };
    await expect(call("request_handoff", offer)).rejects.toMatchObject({ code: "invalid_transition" });
    await call("release_task", { task: held.id, token: held.token });
    expect((await crew.take("eve", { run })).key).toBe("b");
    await app.advance(0);
    expect(await crew.statuses(run)).toEqual({ a: "ready", b: "running" });
  });

  test("a holder goes on whose task was to give way to one that is cancelled, and is told so", async () => {
    const { app, crew, call, run, detect, resolve } = await contention(backend, [
      writes("a", "x.ts"),
      writes("b", "x.ts", { estimate_ms: HOUR / 2 }),
    ]);
    const held = await crew.take("ann", { run });
    await crew.claim("ben", { run });
    await call("modify_run", { run, changes: [{ op: "reprioritize", tasks: ["b"], priority: "high" }] });
    await detect();
    expect((await resolve("prioritize_critical")).resolved).toHaveLength(1);
    await call("cancel_task", { task: `${run}/b` });
    await app.advance(30_000);
    expect(await call("report_progress", { task: held.id, token: held.token })).toMatchObject({ orders: "continue" });
    const told = (await call("read_messages", { agent: "ann" })).messages.map(({ subject }) => subject);
    expect(new Set(told)).toEqual(new Set(["a gives way (preempted)", "a goes on"]));
    await crew.complete(held);
  });

  test("a task gives way once: after that the others wait until it is done", async () => {
    const { app, crew, call, run, start, detect, resolve } = await contention(backend, [writes("a", "x.ts")]);
    const hurry = async (key: string) => {
      const other = await start([writes(key, "x.ts", { priority: "high" })]);
      expect((await crew.claim("ben", { run: other })).outcome).toBe("none");
      await detect();
      return { other, ...(await resolve("prioritize_critical")) };
    };
    const first = await crew.take("ann", { run });
    const { other, resolved } = await hurry("b");
    expect(resolved.map(({ decision }) => decision.split(":")[0])).toEqual(["a gives way to b"]);
    await call("release_task", { task: first.id, token: first.token });
    await crew.complete(await crew.take("ben", { run: other }));
    await crew.take("ann", { run });
    const { unresolved } = await hurry("c");
    const decision = "c goes next, when it is free: nothing is to be changed for that";
    expect(unresolved).toMatchObject([{ why: decision, strategy: "prioritize_critical" }]);
    expect(Object.keys(unresolved[0] ?? {})).toEqual(["id", "why", "strategy", "alternatives"]);
    // The record says so, and no one is asked about it until another comes to wait.
    const [contended] = (await call("list_conflicts", { project: "shop", kind: "lock_contention" })).conflicts;
    expect(contended).toMatchObject({ status: "open", decision });
    await app.advance(300_000);
    expect((await call("list_escalations", { project: "shop" })).escalations).toEqual([]);
  });

  test("the task of a holder that others of a circle wait for beside it is not taken back: its wait ends", async () => {
    const { crew, call, run, detect, lock } = await contention(backend, [{ key: "a" }]);
    await call("register_resource", { id: "gpu", type: "gpu", capacity: { units: 1 } });
    const allocate = async (agent: string, wait_seconds = 0) =>
      call("allocate_resources", { agent, requirements: { gpu: { units: 1 } }, wait_seconds });
    await allocate("ann");
    await lock("ben", ["x.ts"]);
    const held = await crew.take("ann", { run });
    await lock("ann", ["x.ts"], { wait_seconds: 0.01 });
    await allocate("ben", 0.01);
    const cycle = (await detect()).find(({ kind }) => kind === "wait_cycle");
    const { resolved } = await call("resolve_conflicts", { conflicts: [cycle?.id ?? ""], strategy: "queue" });
    expect(resolved).toMatchObject([{ decision: "ann leaves the line" }]);
    expect(await call("report_progress", { task: held.id, token: held.token })).toMatchObject({ orders: "continue" });
  });

  test("old conflicts are forgotten with the history", async () => {
    const { app, call, run, detect, conflicts } = await contention(
      backend,
      [writes("a", "x.ts"), writes("b", "x.ts")],
      { retention_ms: HOUR },
    );
    await detect();
    await call("control_run", { run, action: "cancel" });
    await detect();
    expect(await conflicts()).toMatchObject([{ status: "gone" }]);
    await app.advance(2 * HOUR);
    await app.advance(5_000);
    expect(await conflicts()).toEqual([]);
  });
});
