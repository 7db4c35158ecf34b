import { describe, expect, test } from "vitest";
import { startApp, type TestApp } from "../../support/servers/app.js";
import { Crew } from "../../support/fixtures/plan.js";

interface Item {
  readonly id: number | string;
  readonly [field: string]: unknown;
}

/** A plan in Task Master's form that is imported again and again. */
async function imported(
  app: TestApp,
  items: readonly Item[],
  rest: { apply?: boolean; remove?: boolean } = { apply: true },
) {
  const tasks = items.map((item) => ({ title: `task ${item.id}`, ...item }));
  const answer = await app.call("import_workflow", {
    document: JSON.stringify({ tasks }),
    path: "tasks.json",
    ...rest,
  });
  const [plan] = answer.plans ?? [];
  if (plan === undefined) throw new Error("no plan");
  return plan;
}

async function started(items: readonly Item[]) {
  const app = await startApp();
  const plan = await imported(app, items);
  const crew = new Crew(app);
  const run = plan.run?.id ?? "";
  return { app, crew, run, plan, statuses: () => crew.statuses(run) };
}

describe("a first import", () => {
  test("creates nothing without apply", async () => {
    const app = await startApp();
    const plan = await imported(app, [{ id: 1 }, { id: 2, dependencies: [1] }], {});
    expect(plan).toMatchObject({ applied: false, counts: { create: 2, ready: 1, dependencies: 1 } });
    expect(plan.run).toBeUndefined();
    expect((await app.call("list_runs", {})).runs).toEqual([]);
    expect((await app.call("list_projects", {})).projects).toEqual([]);
  });

  test("makes a run of what is left to do, whose tasks can be claimed at once", async () => {
    const { crew, run, plan, statuses } = await started([
      { id: 1, status: "done" },
      { id: 2, dependencies: [1], priority: "high", description: "Say ${{ inputs.x }}." },
      { id: 3, dependencies: [2] },
      { id: 4, status: "cancelled" },
    ]);
    expect(plan.counts).toMatchObject({ create: 2, done: 1, dropped: 1 });
    expect(await statuses()).toEqual({ "2": "ready", "3": "pending" });
    const { task } = await crew.claim("ann", { run });
    expect(task).toMatchObject({ key: "2", title: "task 2" });
    expect(task?.prompt).toBe("task 2\n\nSay $ {{ inputs.x }}.\n\nFrom taskmaster/master, 2.");
  });

  test("a task waits for its parts, and they for what it needs", async () => {
    const subtasks = [
      { id: 1, title: "a" },
      { id: 2, title: "b", dependencies: [1] },
    ];
    const { crew, run, statuses } = await started([{ id: 1 }, { id: 2, dependencies: [1], subtasks }]);
    expect(await statuses()).toEqual({ "1": "ready", "2": "pending", "2.1": "pending", "2.2": "pending" });
    const order = [];
    for (let at = 0; at < 4; at += 1) {
      const held = await crew.take("ann", { run });
      order.push(held.key);
      await crew.complete(held);
    }
    expect(order).toEqual(["1", "2.1", "2.2", "2"]);
  });

  test("circles, dangling and double entries are told with their place, and all else is taken", async () => {
    const { plan } = await started([
      { id: 1, dependencies: [3] },
      { id: 2, dependencies: [1] },
      { id: 3, dependencies: [2, 9, 3] },
      { id: 2, title: "again" },
    ]);
    expect(plan.counts.create).toBe(3);
    expect(plan.unmapped.map(({ what, why }) => `${what}: ${why}`)).toEqual([
      "again: tasks.json: master.tasks[1] has the id 2 already",
      "3 needs 9: the plan has no task 9, so it waits for none",
      "3 needs 3: a task cannot wait for itself",
      "2 needs 1: closes a circle: 1 → 3 → 2 → 1",
    ]);
  });

  test("a part that its whole's dependency waits for does not wait for it", async () => {
    const subtasks = [
      { id: 1, title: "a" },
      { id: 2, title: "b" },
    ];
    const { statuses } = await started([
      { id: 1, dependencies: ["2.1"] },
      { id: 2, dependencies: [1], subtasks },
    ]);
    expect(await statuses()).toEqual({ "1": "pending", "2": "pending", "2.1": "ready", "2.2": "pending" });
  });

  test("a plan in which nothing is left makes no run", async () => {
    const { app, plan } = await started([{ id: 1, status: "done" }]);
    expect(plan).toMatchObject({ applied: true, counts: { create: 0, done: 1 } });
    expect((await app.call("list_runs", {})).runs).toEqual([]);
  });
});

describe("the same source again", () => {
  test("changes nothing where it says the same, also where its entries moved and what agents did is ahead of it", async () => {
    const { app, crew, run } = await started([{ id: 1 }, { id: 2, dependencies: [1] }]);
    await crew.complete(await crew.take("ann", { run }));
    const plan = await imported(app, [{ id: 2, dependencies: [1] }, { id: 1 }]);
    expect(plan).toMatchObject({ run: { id: run }, counts: { create: 0, update: 0, complete: 0, unchanged: 2 } });
    expect((await app.call("list_runs", {})).runs).toHaveLength(1);
  });

  test("adds tasks, changes those that have not begun, and completes what was done elsewhere", async () => {
    const { app, crew, run, statuses } = await started([
      { id: 1 },
      { id: 2, dependencies: [1] },
      { id: 3, dependencies: [2] },
    ]);
    const plan = await imported(app, [
      { id: 1, status: "done" },
      { id: 2, title: "better", dependencies: [1] },
      { id: 3 },
      { id: 4, dependencies: [3] },
    ]);
    expect(plan).toMatchObject({
      create: [{ key: "4", needs: ["3"] }],
      update: [{ key: "2", title: "better" }, { key: "3" }],
      complete: [{ key: "1" }],
    });
    expect(await statuses()).toEqual({ "1": "succeeded", "2": "ready", "3": "ready", "4": "pending" });
    const { tasks } = await app.call("list_tasks", { run });
    expect(tasks.map(({ title }) => title)).toContain("better");
    for (let at = 0; at < 3; at += 1) await crew.complete(await crew.take("ann", { run }));
    expect((await crew.run(run)).status).toBe("succeeded");
  });

  test("leaves tasks that have begun and says so each time", async () => {
    const { app, crew, run, statuses } = await started([{ id: 1 }, { id: 2 }]);
    const held = await crew.take("ann", { run });
    const other = held.key === "1" ? "2" : "1";
    const changed = [
      { id: held.key, status: "done" },
      { id: other, title: "new words" },
    ];
    expect((await imported(app, changed)).left).toEqual([
      { key: held.key, title: `task ${held.key}`, why: "is done at its source and running here" },
    ]);
    expect((await imported(app, changed)).counts).toMatchObject({ left: 1, update: 0, unchanged: 1 });
    expect(await statuses()).toEqual({ [held.key]: "running", [other]: "ready" });
    await crew.complete(held);
  });

  test("names what the source has no longer, and removes it on request alone", async () => {
    const { app, statuses } = await started([{ id: 1 }, { id: 2, dependencies: [1] }, { id: 3 }]);
    const rest = [{ id: 1 }, { id: 3, status: "deferred" }];
    expect(await imported(app, rest)).toMatchObject({
      gone: [
        { key: "3", status: "ready", removable: true },
        { key: "2", status: "pending", removable: true },
      ],
    });
    expect(Object.keys(await statuses())).toHaveLength(3);
    await imported(app, rest, { apply: true, remove: true });
    expect(await statuses()).toEqual({ "1": "ready" });
    expect((await imported(app, rest)).counts).toMatchObject({ gone: 0, create: 0, unchanged: 1 });
  });

  test("keeps what agents added to the run, and its keys", async () => {
    const { app, run, statuses } = await started([{ id: "a b" }]);
    const step = { key: "c", prompt: "more", needs: ["a-b"] };
    await app.call("modify_run", { run, changes: [{ op: "add_task", step }] });
    await imported(app, [{ id: "a b", description: "new" }, { id: "c" }, { id: "a-b" }]);
    expect(await statuses()).toEqual({ "a-b": "ready", c: "pending", "c-2": "ready", "a-b-2": "ready" });
  });

  test("starts another run of what is new once the run has ended", async () => {
    const { app, crew, run } = await started([{ id: 1 }]);
    await crew.complete(await crew.take("ann", { run }));
    expect((await imported(app, [{ id: 1 }])).counts.create).toBe(0);
    const next = await imported(app, [{ id: 1 }, { id: 2, dependencies: [1] }]);
    expect(next).toMatchObject({ ended_run: run, create: [{ key: "2" }] });
    expect(next.run?.id).not.toBe(run);
    expect(await crew.statuses(next.run?.id ?? "")).toEqual({ "2": "ready" });
    expect((await imported(app, [{ id: 1 }, { id: 2, dependencies: [1] }])).run).toEqual(next.run);
  });
});

test("hostile names are keys, refs and texts like any other", async () => {
  const { plan, statuses } = await started([
    { id: "__proto__" },
    { id: "constructor", dependencies: ["__proto__"] },
    { id: "\u202Eevil\u0000", title: "a\u0000\u202Eb\uD800" },
  ]);
  expect(Object.keys(await statuses()).toSorted()).toEqual(["constructor", "evil", "proto"]);
  expect(plan.create[2]).toMatchObject({ title: "a\\u0000\u202Eb\\ud800", ref: "\u202Eevil\\u0000" });
});

test("a plan beyond the limits of a run is refused whole", async () => {
  const app = await startApp({ settings: { open_tasks_max: 20, depth_max: 10 } });
  const many = Array.from({ length: 21 }, (_, id) => ({ id }));
  await expect(imported(app, many)).rejects.toMatchObject({ code: "limit_exceeded" });
  const deep = Array.from({ length: 12 }, (_, id) => ({ id, dependencies: id === 0 ? [] : [id - 1] }));
  await expect(imported(app, deep, {})).rejects.toMatchObject({ code: "limit_exceeded" });
  await expect(app.call("import_workflow", {})).rejects.toThrow("Give either document");
  await expect(app.call("import_workflow", { document: "prose", path: "a.md" })).rejects.toThrow(
    "No plan was found in a.md",
  );
});
