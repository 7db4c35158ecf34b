import { mkdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { type TestApp } from "../../support/servers/app.js";
import { temporaryDirectory } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";
import { raceRoom } from "../../support/fixtures/race-fixture.js";
import { until } from "../../support/until.js";

const agentOf = async (app: TestApp, agent: string) => (await app.call("get_agent", { agent })).agent;

function repository(name: string): string {
  const directory = path.join(temporaryDirectory(), name);
  mkdirSync(path.join(directory, ".git"), { recursive: true });
  return directory;
}

describe("two registrations of one agent at once", () => {
  it("keep what both say", async () => {
    const { first, second, gate, waiting } = await raceRoom();
    const stopped = gate.stopAt(/^COMMIT$/);
    const one = first.call("register_agent", { name: "ann", capabilities: ["typescript"] });
    await stopped.reached;
    const other = second.call("register_agent", { name: "ann", roles: ["reviewer"] });
    await waiting();
    stopped.open();
    await Promise.all([one, other]);
    expect(await agentOf(second, "ann")).toMatchObject({ capabilities: ["typescript"], roles: ["reviewer"] });
  });

  it("keep what both say of one that is known", async () => {
    const { first, second, gate, waiting } = await raceRoom();
    await second.call("register_agent", { name: "ann" });
    const stopped = gate.stopAt(/^UPDATE agents/);
    const one = first.call("register_agent", { name: "ann", capabilities: ["typescript"] });
    await stopped.reached;
    const other = second.call("update_agent", { agent: "ann", roles: ["reviewer"] });
    await waiting();
    stopped.open();
    await Promise.all([one, other]);
    expect(await agentOf(second, "ann")).toMatchObject({ capabilities: ["typescript"], roles: ["reviewer"] });
  });

  it("keep what was said where the other only happened to act", async () => {
    const { first, second, gate, waiting } = await raceRoom();
    await new Crew(second).start([{ key: "a" }]);
    const stopped = gate.stopAt(/^COMMIT$/);
    const said = first.call("register_agent", { name: "ann", capabilities: ["typescript"] });
    await stopped.reached;
    const heartbeat = second.call("agent_heartbeat", { agent: "ann" });
    await waiting();
    stopped.open();
    await Promise.all([said, heartbeat]);
    expect(await agentOf(second, "ann")).toMatchObject({ capabilities: ["typescript"] });
  });
});

describe("a claim in a project whose first run begins meanwhile", () => {
  it("waits for its tasks: the run is not taken for one that has ended", async () => {
    const { first, second, gate } = await raceRoom();
    const { project } = await second.call("create_project", { name: "p" });
    const stopped = gate.stopAt(/runs_by_end/);
    const waiting = first.call("claim_task", { agent: "early", project: project.id, wait_seconds: 50 });
    await stopped.reached;
    const { task } = await second.call("create_task", { project: project.id, title: "t", prompt: "do it" });
    stopped.open();
    expect(await waiting).toMatchObject({ outcome: "claimed", task: { id: task.id } });
  });
});

describe("taking an agent out while it claims", () => {
  it("returns the claimed task", async () => {
    const { first, second, gate, waiting } = await raceRoom();
    const crew = new Crew(first);
    const { run } = await crew.start([{ key: "a" }]);
    await second.call("register_agent", { name: "ann" });
    const stopped = gate.stopAt(/^UPDATE tasks SET status = 'running'/);
    const claim = crew.claim("ann", { run: run.id });
    await stopped.reached;
    const out = second.call("unregister_agent", { agent: "ann" });
    await waiting();
    stopped.open();
    const claimed = await claim;
    expect(await out).toMatchObject({ returned: [claimed.task?.id], agent: { status: "unregistered" } });
    expect(await crew.statuses(run.id)).toEqual({ a: "ready" });
  });

  it("registers it anew where the claim comes second", async () => {
    const { first, second, gate, waiting } = await raceRoom();
    const crew = new Crew(second);
    const { run } = await crew.start([{ key: "a" }]);
    await second.call("register_agent", { name: "ann" });
    const stopped = gate.stopAt(/^COMMIT$/);
    const out = first.call("unregister_agent", { agent: "ann" });
    await stopped.reached;
    const claim = crew.claim("ann", { run: run.id });
    await waiting();
    stopped.open();
    await out;
    expect(await claim).toMatchObject({ outcome: "claimed" });
    expect(await agentOf(second, "ann")).toMatchObject({ status: "active" });
  });
});

it("taking an agent out twice at once takes it out once", async () => {
  const { first, second, gate, waiting } = await raceRoom();
  await second.call("register_agent", { name: "ann" });
  const stopped = gate.stopAt(/^COMMIT$/);
  const one = first.call("unregister_agent", { agent: "ann" });
  await stopped.reached;
  const other = second.call("unregister_agent", { agent: "ann" });
  await waiting();
  stopped.open();
  for (const out of await Promise.all([one, other])) expect(out).toMatchObject({ agent: { status: "unregistered" } });
});

describe("a sign of life while the task is taken from a session that is over", () => {
  it("counts: the task outlasts it by the lease", async () => {
    const { first, second, gate, start, clock, waiting } = await raceRoom();
    const crew = new Crew(second);
    const { run } = await crew.start([{ key: "a", timeouts: { start_to_close: "24h" } }]);
    const shell = await start({ sessionless: true });
    const gone = await start();
    const held = await new Crew(gone).take("ann", { run: run.id });
    await shell.call("report_progress", { task: held.id, token: held.token, agent: "ann" });
    await gone.close();
    clock.advance(11_000);
    const stopped = gate.stopAt(/UPDATE tasks SET session = NULL/);
    const reaping = first.app.runBackground();
    await stopped.reached;
    const heartbeat = shell.call("agent_heartbeat", { agent: "ann" });
    await waiting();
    stopped.open();
    await Promise.all([reaping, heartbeat]);
    for (let waited = 0; waited < 9 * 60_000; waited += 15_000) await second.advance(15_000);
    expect(await crew.statuses(run.id)).toEqual({ a: "running" });
    for (let waited = 0; waited < 2 * 60_000; waited += 15_000) await second.advance(15_000);
    expect(await crew.statuses(run.id)).toEqual({ a: "ready" });
  });
});

describe("a session that ends", () => {
  it("while a claim is under way gives its task back", async () => {
    const { first, second, gate } = await raceRoom();
    const crew = new Crew(first);
    const { run } = await crew.start([{ key: "a" }]);
    await first.call("register_agent", { name: "ann" });
    const stopped = gate.stopAt(/^UPDATE tasks SET status = 'running'/);
    const claim = crew.claim("ann", { run: run.id });
    await stopped.reached;
    const closed = first.close();
    await until("the session has ended", async () => (await openSessions(second)) === 1);
    stopped.open();
    expect(await claim).toMatchObject({ outcome: "claimed" });
    await closed;
    for (let waited = 0; waited < 20_000; waited += 5_000) await second.advance(5_000);
    expect(await new Crew(second).statuses(run.id)).toEqual({ a: "ready" });
  });

  it("while a lock is taken releases it", async () => {
    const { first, second, gate, start, clock } = await raceRoom();
    const cwd = repository("app");
    const now = (): number => clock.now();
    const leaving = await start({ cwd, storeHooks: { ...gate.hooks, now } });
    await leaving.call("register_agent", { name: "ann" });
    await leaving.call("create_project", { name: "app" });
    const stopped = gate.stopAt(/^INSERT INTO file_locks/);
    const lock = leaving.call("acquire_file_lock", { agent: "ann", paths: ["a.ts"], ttl_seconds: 86_400 });
    await stopped.reached;
    const closed = leaving.close();
    await until("the session has ended", async () => (await openSessions(second)) === 2);
    stopped.open();
    await Promise.all([lock, closed]);
    const crew = new Crew(second);
    const { run } = await crew.start([{ key: "a", files: { write: ["a.ts"] } }], { project: "app" });
    expect(await crew.claim("ben", { run: run.id })).toMatchObject({ outcome: "none", reason: "locked_out" });
    for (let waited = 0; waited < 20_000; waited += 5_000) await first.advance(5_000);
    expect(await crew.claim("ben", { run: run.id })).toMatchObject({ outcome: "claimed" });
  });

  it("does not end when it was renewed meanwhile", async () => {
    const { first, second, gate, clock } = await raceRoom();
    const crew = new Crew(second);
    const { run } = await crew.start([{ key: "a" }]);
    await second.call("register_agent", { name: "ann" });
    clock.advance(61_000);
    const stopped = gate.stopAt(/UPDATE sessions SET ended_at/);
    const reaping = first.app.runBackground();
    await stopped.reached;
    await second.app.runBackground();
    stopped.open();
    await reaping;
    await crew.take("ann", { run: run.id });
    await first.advance(5_000);
    expect(await crew.statuses(run.id)).toEqual({ a: "running" });
    expect(await openSessions(second)).toBe(2);
  });
});

describe("a task that changes hands between the look and the lock", () => {
  it("is not given to who held it before, under the new holder's token", async () => {
    const { first, second, gate } = await raceRoom();
    const crew = new Crew(second);
    const { run } = await crew.start([{ key: "a" }]);
    const held = await crew.take("ann", { run: run.id });
    const stopped = gate.stopAt(/FROM runs WHERE id = \$1|FROM tasks t JOIN task_specs/);
    const again = new Crew(first).claim("ann", { run: run.id });
    await stopped.reached;
    await second.call("release_task", { task: held.id, token: held.token });
    const now = await crew.take("ben", { run: run.id });
    stopped.open();
    expect(await again).toMatchObject({ outcome: "none" });
    expect(await crew.complete(now)).toMatchObject({ run: { status: "succeeded" } });
  });
});

describe("a project that is archived", () => {
  it("while a run starts in it has that run, and says so", async () => {
    const { first, second, gate, waiting } = await raceRoom();
    await second.call("create_project", { name: "p", root: second.cwd });
    const stopped = gate.stopAt(/^INSERT INTO run_counters/);
    const started = new Crew(first).start([{ key: "a" }], { project: "p" });
    await stopped.reached;
    const archived = second.call("archive_project", { project: "p" });
    await Promise.all([
      expect(archived).rejects.toMatchObject({ code: "invalid_transition" }),
      waiting().then(() => stopped.open()),
      started,
    ]);
  });

  it("reopens no failed run", async () => {
    const { second } = await raceRoom();
    await second.call("create_project", { name: "p", root: second.cwd });
    const crew = new Crew(second);
    const { run } = await crew.start([{ key: "a", retry: { max_attempts: 1 } }], { project: "p" });
    await crew.fail(await crew.take("ann", { run: run.id }));
    await second.call("archive_project", { project: "p" });
    const again = second.call("control_run", { run: run.id, action: "retry_failed" });
    await expect(again).rejects.toMatchObject({ code: "invalid_transition", details: { status: "archived" } });
  });

  it("takes no first task of its own meanwhile", async () => {
    const { first, second, gate, waiting } = await raceRoom();
    await second.call("create_project", { name: "p", root: second.cwd });
    const stopped = gate.stopAt(/^COMMIT$/);
    const archived = first.call("archive_project", { project: "p" });
    await stopped.reached;
    const made = second.call("create_task", { project: "p", title: "t", prompt: "p" });
    await Promise.all([
      expect(made).rejects.toMatchObject({ code: "invalid_transition" }),
      waiting().then(() => stopped.open()),
      archived,
    ]);
  });

  it("takes no run that began to start before", async () => {
    const { first, second, gate, waiting } = await raceRoom();
    await second.call("create_project", { name: "p", root: second.cwd });
    const stopped = gate.stopAt(/^COMMIT$/);
    const archived = first.call("archive_project", { project: "p" });
    await stopped.reached;
    const started = new Crew(second).start([{ key: "a" }], { project: "p" });
    await Promise.all([
      expect(started).rejects.toMatchObject({ code: "invalid_transition" }),
      waiting().then(() => stopped.open()),
      archived,
    ]);
    expect(await second.call("list_runs", { project: "p" })).toMatchObject({ runs: [] });
  });
});

it("two repositories of one name, met at once, become two projects", async () => {
  const { gate, start, clock, waiting } = await raceRoom();
  const now = (): number => clock.now();
  const [here, there] = await Promise.all([
    start({ cwd: repository("app"), storeHooks: { ...gate.hooks, now } }),
    start({ cwd: repository("app") }),
  ]);
  for (const app of [here, there]) await app.call("register_agent", { name: "registrar" });
  const stopped = gate.stopAt(/^COMMIT$/);
  const first = here.call("create_task", { title: "one", prompt: "do it" });
  await stopped.reached;
  const second = there.call("create_task", { title: "two", prompt: "do it" });
  await waiting();
  stopped.open();
  await Promise.all([first, second]);
  const { projects } = await here.call("list_projects");
  expect(projects.map(({ name }) => name)).toEqual(["app", "app-2"]);
});

it("a run that is opened again while it is to be removed stays", async () => {
  const { first, second, gate, clock } = await raceRoom();
  const crew = new Crew(second);
  const { run } = await crew.start([{ key: "a", retry: { max_attempts: 1 } }]);
  await crew.fail(await crew.take("ann", { run: run.id }));
  clock.advance(91 * 86_400_000);
  const stopped = gate.stopAt(/FROM runs WHERE id = \$1 %FOR_UPDATE%/);
  const pruning = first.app.runBackground();
  await stopped.reached;
  await second.call("control_run", { run: run.id, action: "retry_failed" });
  stopped.open();
  await pruning;
  expect(await crew.statuses(run.id)).toEqual({ a: "ready" });
});

async function openSessions(app: TestApp): Promise<number> {
  const status = await app.call("get_system_status");
  return status.sessions.open;
}
