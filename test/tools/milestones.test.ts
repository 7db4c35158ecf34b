import { describe, expect, test } from "vitest";
import type { ResultOf } from "../../src/tools/registry.js";
import type { StorePoint } from "../../src/store/driver/faults.js";
import { startApp, type TestApp } from "../support/servers/app.js";
import { BACKENDS, createDatabase, testRuntime } from "../support/databases/databases.js";
import { Gate, someoneWaits } from "../support/fixtures/gate.js";
import { Crew } from "../support/fixtures/plan.js";

type MilestoneAnswer = ResultOf<"get_project_status">["milestones"][number];

const DAY_MS = 86_400_000;
const FLOW = { name: "flow", steps: [{ key: "a", prompt: "a" }] };

async function milestonesOf(app: TestApp): Promise<MilestoneAnswer[]> {
  return (await app.call("get_project_status", { project: "demo" })).milestones;
}

async function eventsOf(app: TestApp): Promise<string[]> {
  const { events } = await app.call("list_events", { project: "demo", types: ["milestone.completed"] });
  return events.map(({ data }) => String(data["name"]));
}

async function demo(app: TestApp): Promise<Crew> {
  await app.call("create_project", { name: "demo" });
  return new Crew(app);
}

const carryOut = async (crew: Crew, run: string) => crew.complete(await crew.take("ann", { run }));

describe.each(BACKENDS)("on %s, a milestone", (backend) => {
  async function start(): Promise<Crew> {
    const runtime = testRuntime();
    const { location } = await createDatabase(backend);
    return demo(await startApp({ database: location, runtime, storeHooks: { now: () => runtime.clock.now() } }));
  }

  test("completes itself with the last of what it links, in the transaction that ends that", async () => {
    const crew = await start();
    const { app } = crew;
    const { run } = await crew.start([{ key: "a" }], { project: "demo" });
    const { run: other } = await crew.start([{ key: "b" }, { key: "c" }], { project: "demo" });
    await app.call("create_workflow", { project: "demo", definition: FLOW });
    const links = { runs: [run.id], tasks: [`${other.id}/b`], workflows: ["flow"] };
    const added = await app.call("add_milestone", { project: "demo", name: "beta", due: "2d", ...links });
    expect(added).toMatchObject({ created: true, milestone: { status: "open", done: 0, links: 3, overdue: false } });

    await carryOut(crew, run.id);
    expect(await milestonesOf(app)).toMatchObject([{ status: "open", done: 1, waits_for: [{}, {}] }]);
    await carryOut(crew, other.id);
    expect(await milestonesOf(app)).toMatchObject([
      { status: "open", done: 2, waits_for: [{ kind: "workflow", name: "flow" }] },
    ]);
    const started = await app.call("execute_workflow", { project: "demo", workflow: "flow" });
    const watch = await app.call("wait_for", { agent: "watcher", kinds: ["milestone"], timeout_seconds: 0 });
    expect(watch.events).toEqual([]);
    await carryOut(crew, started.run.id);

    expect(await milestonesOf(app)).toMatchObject([
      { status: "completed", done: 3, waits_for: [], completed_by: null },
    ]);
    expect(await eventsOf(app)).toEqual(["beta"]);
    const heard = await app.call("wait_for", { agent: "watcher", kinds: ["milestone"], timeout_seconds: 0 });
    expect(heard.events).toMatchObject([{ type: "milestone.completed", data: { name: "beta" } }]);
    // Later changes have no effect on it.
    await carryOut(crew, other.id);
    expect(await eventsOf(app)).toEqual(["beta"]);
  });

  test("does not take a run that failed for done, until it has been mended", async () => {
    const crew = await start();
    const { run } = await crew.start([{ key: "a", retry: { max_attempts: 1 } }], { project: "demo" });
    await crew.app.call("add_milestone", { project: "demo", name: "beta", runs: [run.id] });
    await crew.fail(await crew.take("ann", { run: run.id }));
    expect((await crew.run(run.id)).status).toBe("failed");
    expect(await milestonesOf(crew.app)).toMatchObject([{ status: "open", done: 0 }]);
    await crew.app.call("control_run", { run: run.id, action: "retry_failed" });
    await carryOut(crew, run.id);
    expect(await milestonesOf(crew.app)).toMatchObject([{ status: "completed", done: 1 }]);
  });

  test("counts tasks that the server completes itself", async () => {
    const crew = await start();
    const steps = [{ key: "pause", kind: "wait", for: "1m" }];
    const { run } = await crew.start(steps, { project: "demo" });
    await crew.app.call("add_milestone", { project: "demo", name: "waited", tasks: [`${run.id}/pause`] });
    await crew.app.advance(60_000);
    expect(await milestonesOf(crew.app)).toMatchObject([{ name: "waited", status: "completed" }]);
  });
});

test("a run that has succeeded already counts at once", async () => {
  const crew = await demo(await startApp());
  const { run } = await crew.start([{ key: "a" }], { project: "demo" });
  const { run: open } = await crew.start([{ key: "a" }], { project: "demo" });
  await carryOut(crew, run.id);
  const whole = await crew.app.call("add_milestone", { project: "demo", name: "all", runs: [run.id] });
  expect(whole).toMatchObject({ milestone: { status: "completed", completed_by: null } });
  const half = await crew.app.call("add_milestone", { project: "demo", name: "half", runs: [run.id, open.id] });
  expect(half).toMatchObject({ milestone: { status: "open", done: 1, links: 2 } });
  expect(await eventsOf(crew.app)).toEqual(["all"]);
});

test("a milestone without links is completed by hand, and says when it is overdue", async () => {
  const crew = await demo(await startApp());
  const { app } = crew;
  await app.call("add_milestone", { project: "demo", name: "launch", due: "1d" });
  await app.call("add_milestone", { project: "demo", name: "later" });
  await app.advance(2 * DAY_MS);
  expect(await milestonesOf(app)).toMatchObject([
    { name: "launch", overdue: true },
    { name: "later", overdue: false },
  ]);
  const listed = async () => (await app.call("list_projects")).projects;
  expect(await listed()).toMatchObject([{ milestones: { open: 2, completed: 0, overdue: 1 } }]);
  const done = { project: "demo", agent: "ann", name: "launch", note: "shipped" };
  const first = await app.call("complete_milestone", done);
  expect(first).toMatchObject({
    milestone: { status: "completed", overdue: false, completed_by: "ann", note: "shipped" },
  });
  expect(await app.call("complete_milestone", { ...done, agent: "ben", note: "again" })).toEqual(first);
  expect(await eventsOf(app)).toEqual(["launch"]);
  expect(await listed()).toMatchObject([{ milestones: { open: 1, completed: 1, overdue: 0 } }]);
});

test("the same again gives the one that is there; another of its name is refused", async () => {
  const { app } = await demo(await startApp());
  await app.call("create_workflow", { project: "demo", definition: FLOW });
  const beta = { project: "demo", name: "beta", workflows: ["flow"] };
  await app.call("add_milestone", beta);
  expect(await app.call("add_milestone", beta)).toMatchObject({ created: false });
  await expect(app.call("add_milestone", { ...beta, workflows: [] })).rejects.toMatchObject({ code: "conflict" });
});

test("an invalid link is refused, and nothing is added", async () => {
  const crew = await demo(await startApp());
  const { app } = crew;
  await app.call("create_project", { name: "other" });
  const { run } = await crew.start([{ key: "a" }], { project: "other" });
  const task = await app.call("create_task", { project: "demo", title: "t", prompt: "t" });
  const standing = task.task.run;
  const wrong = [
    { runs: [run.id] },
    { runs: [standing] },
    { runs: ["run_0000000000000000"] },
    { tasks: ["nothing"] },
    { workflows: ["flow"] },
    { due: "soon" },
    { name: "a b" },
  ];
  const codes: string[] = [];
  for (const links of wrong) {
    const adding = app.call("add_milestone", { project: "demo", name: "beta", ...links });
    codes.push(await adding.then(String, ({ code }: { code: string }) => code));
  }
  expect(codes.join(" ")).toBe("invalid_input invalid_input not_found not_found not_found invalid_input invalid_input");
  await expect(app.call("complete_milestone", { project: "demo", name: "beta" })).rejects.toMatchObject({
    code: "not_found",
  });
  expect(await milestonesOf(app)).toEqual([]);
});

test("a completion costs no statement more where nothing waits for it", async () => {
  let seen = 0;
  const observe = ({ statement }: StorePoint) => {
    if (statement !== "COMMIT") seen += 1;
  };
  const crew = await demo(await startApp({ storeHooks: { observe } }));
  const steps = ["a", "b", "c", "d"].map((key) => ({ key }));
  const { run: plain } = await crew.start(steps, { project: "demo" });
  const { run: linked } = await crew.start(steps, { project: "demo" });
  const costOf = async (run: string) => {
    const held = await crew.take("ann", { run });
    seen = 0;
    await crew.complete(held);
    return seen;
  };
  await costOf(plain.id);
  const before = await costOf(plain.id);
  await crew.app.call("add_milestone", { project: "demo", name: "beta", tasks: [`${linked.id}/d`] });
  expect(await costOf(plain.id)).toBe(before);
  // One look into the index of what is waited for.
  expect(await costOf(linked.id)).toBe(before + 1);
});

test("two runs that end at the same moment complete what waits for both", async () => {
  const { location } = await createDatabase("postgres");
  const runtime = testRuntime();
  const gate = new Gate();
  const now = () => runtime.clock.now();
  const first = await demo(await startApp({ database: location, runtime, storeHooks: { ...gate.hooks, now } }));
  const second = new Crew(await startApp({ database: location, runtime, storeHooks: { now } }));
  const { run } = await first.start([{ key: "a" }], { project: "demo" });
  const { run: other } = await first.start([{ key: "a" }], { project: "demo" });
  await first.app.call("add_milestone", { project: "demo", name: "both", runs: [run.id, other.id] });
  const mine = await first.take("ann", { run: run.id });
  const theirs = await second.take("ben", { run: other.id });
  const stopped = gate.stopAt(/^COMMIT$/);
  const one = first.complete(mine);
  await stopped.reached;
  const two = second.complete(theirs);
  await someoneWaits(location);
  stopped.open();
  await Promise.all([one, two]);
  expect(await milestonesOf(first.app)).toMatchObject([{ status: "completed", done: 2 }]);
});
