import { mkdirSync, symlinkSync } from "node:fs";
import type { InputOf, ResultOf } from "../../src/tools/registry.js";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Settings } from "../../src/base/settings.js";
import type { StorePoint } from "../../src/store/driver/faults.js";
import { startApp, type TestApp } from "../support/servers/app.js";
import { BACKENDS, createDatabase, temporaryDirectory, testRuntime } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { until } from "../support/until.js";

interface Ask extends InputOf<"acquire_file_lock"> {
  readonly signal?: AbortSignal;
}

async function acquire(app: TestApp, agent: string, ask: string[] | Ask): Promise<ResultOf<"acquire_file_lock">> {
  const { signal, ...input } = "paths" in ask ? ask : { paths: ask, signal: undefined };
  const options = signal === undefined ? {} : { signal };
  return app.call("acquire_file_lock", { agent, ...input }, options);
}
const release = (app: TestApp, agent: string, paths?: string[]) =>
  app.call("release_file_lock", { agent, ...(paths ? { paths } : { all: true }) });
const states = async (app: TestApp) => {
  const { locks } = await app.call("list_file_locks");
  return locks.map(({ agent, state }) => `${agent} ${state}`);
};
const inLine = (app: TestApp, agent: string) =>
  until(`${agent} is in line`, async () => (await states(app)).includes(`${agent} queued`));

function repository(): string {
  const directory = temporaryDirectory();
  mkdirSync(path.join(directory, ".git"));
  return directory;
}

/** Two processes' worth of server on one database and one clock. */
async function twoServers(backend: (typeof BACKENDS)[number], settings: Partial<Settings> = {}) {
  const { location } = await createDatabase(backend);
  const shared = { database: location, runtime: testRuntime(), settings, cwd: repository() };
  return { here: await startApp(shared), there: await startApp(shared) };
}

describe.each(BACKENDS)("waiting on %s", (backend) => {
  test("a waiting request is granted by the release of another process", async () => {
    const { here, there } = await twoServers(backend);
    await acquire(here, "ann", ["src/"]);
    const waiting = acquire(there, "bob", { paths: ["src/a.ts"], wait_seconds: 30 });
    await inLine(here, "bob");
    expect(await release(here, "ann")).toMatchObject({
      released: ["src/"],
      granted: [{ agent: "bob", paths: ["src/a.ts"] }],
    });
    expect(await waiting).toMatchObject({ outcome: "granted", locks: [{ path: "src/a.ts", token: 2 }] });
  });

  test("when the time is over the place in line lives on, and what comes free is offered", async () => {
    const { here, there } = await twoServers(backend);
    await acquire(here, "ann", ["a.ts"]);
    expect(await acquire(there, "bob", { paths: ["a.ts"], wait_seconds: 0.05 })).toMatchObject({
      outcome: "queued",
      position: 1,
    });
    expect(await release(here, "ann")).toMatchObject({ granted: [], offered: [{ agent: "bob", paths: ["a.ts"] }] });
    expect(await acquire(there, "bob", ["a.ts"])).toMatchObject({ outcome: "granted" });
  });

  test("a requester that hangs up keeps its place, counts as away, and holds nothing it has not heard of", async () => {
    const { here, there } = await twoServers(backend);
    await acquire(here, "ann", ["a.ts"]);
    const hangUp = new AbortController();
    const waiting = acquire(there, "bob", { paths: ["a.ts"], wait_seconds: 30, signal: hangUp.signal });
    await inLine(here, "bob");
    hangUp.abort();
    expect(await waiting).toMatchObject({ outcome: "queued", locks: [] });
    expect(await states(here)).toEqual(["ann held", "bob queued"]);
    expect(await release(here, "ann")).toMatchObject({ granted: [], offered: [{ agent: "bob" }] });
  });
});

describe("acquire_file_lock", () => {
  test("answers in the shape of the specification", async () => {
    const app = await startApp({ cwd: repository() });
    expect(await acquire(app, "ann", { paths: ["./src/x/../a.ts"], mode: "shared", ttl_seconds: 60 })).toEqual({
      outcome: "granted",
      locks: [{ path: "src/a.ts", mode: "shared", token: 1, expires_at: "2026-01-01T00:01:00.000Z" }],
      conflicts: [],
      conflicts_total: 0,
    });
  });

  test("takes absolute paths inside the root, and refuses what is outside or leads out by a link", async () => {
    const root = repository();
    const app = await startApp({ cwd: root });
    symlinkSync("/", path.join(root, "out"));
    expect(await acquire(app, "ann", [path.join(root, "src/a.ts")])).toMatchObject({ locks: [{ path: "src/a.ts" }] });
    await expect(acquire(app, "ann", ["b.ts", "out/etc/passwd"])).rejects.toThrow("by a symbolic link");
    await expect(acquire(app, "ann", ["b.ts", "../other/x"])).rejects.toThrow("outside the project root");
    await expect(acquire(app, "ann", ["/etc/passwd"])).rejects.toThrow("outside the project root");
    expect(await states(app)).toEqual(["ann held"]);
    const outside = await startApp();
    expect(await acquire(outside, "ann", ["notes.md"])).toMatchObject({ outcome: "granted" });
    await expect(acquire(outside, "ann", ["/notes.md"])).rejects.toThrow("no root directory");
  });

  test("under a request id is done once", async () => {
    const app = await startApp({ cwd: repository() });
    const ask = () => acquire(app, "ann", { paths: ["a.ts"], request_id: "r1" });
    const first = await ask();
    await release(app, "ann");
    expect(await ask()).toEqual(first);
    expect(await states(app)).toEqual([]);
  });

  test.each(["L/ask/0", "L/end/0", "L%2Fask%2F0"])(
    "under a request id is not another call's of the id %s",
    async (id) => {
      const app = await startApp({ cwd: repository() });
      const first = await acquire(app, "ann", { paths: ["a.ts"], request_id: "L" });
      const task = { title: "One", prompt: "do", agent: "ann" };
      const { task: made } = await app.call("create_task", { ...task, request_id: id });
      expect(made.title).toBe("One");
      expect(await acquire(app, "ann", { paths: ["a.ts"], request_id: "L" })).toEqual(first);
      await expect(app.call("create_task", { ...task, title: "Two", request_id: id })).rejects.toThrow(
        `request_id "${id}"`,
      );
    },
  );
});

const WRITES = (key: string, ...write: string[]) => ({ key, files: { write } });

describe("locks and tasks", () => {
  test("a claim locks what the task declares, for as long as the task; its end serves who waits", async () => {
    const app = await startApp({ cwd: repository() });
    const team = new Crew(app);
    const { run } = await team.start([
      { ...WRITES("a", "src/api/"), files: { write: ["src/api/"], read: ["docs/**"] } },
    ]);
    const task = await team.take("ann", { run: run.id });
    expect((await team.claim("ann", { run: run.id })).locks).toEqual([
      { path: "docs/**", mode: "shared", token: 2, expires_at: null },
      { path: "src/api/", mode: "exclusive", token: 1, expires_at: null },
    ]);
    const refused = await acquire(app, "bob", ["src/api/x.ts"]);
    expect(refused.conflicts).toMatchObject([
      { held_by: "ann", task: task.id, locked_path: "src/api/", expires_at: null },
    ]);
    expect(await acquire(app, "bob", { paths: ["docs/x.md"], mode: "shared" })).toMatchObject({ outcome: "granted" });
    const waiting = acquire(app, "bob", { paths: ["src/api/x.ts"], wait_seconds: 30 });
    await inLine(app, "bob");
    await team.complete(task);
    expect(await waiting).toMatchObject({ outcome: "granted" });
    expect(await states(app)).toEqual(["bob held", "bob held"]);
  });

  test("an untasked lock goes to the agent's only running task and ends with it; with two it stays the agent's", async () => {
    const app = await startApp({ cwd: repository() });
    const team = new Crew(app);
    await app.call("register_agent", { name: "ann", capabilities: [], max_concurrent_tasks: 2 });
    const { run } = await team.start([{ key: "a" }, { key: "b" }]);
    const first = await team.take("ann", { run: run.id });
    await acquire(app, "ann", ["one.ts"]);
    expect((await acquire(app, "bob", ["one.ts"])).conflicts).toMatchObject([{ held_by: "ann", task: first.id }]);
    const second = await team.take("ann", { run: run.id });
    await acquire(app, "ann", ["two.ts"]);
    expect((await acquire(app, "bob", ["two.ts"])).conflicts[0]).not.toHaveProperty("task");
    // Subagents that share a handle do not re-enter each other's locks.
    expect(await acquire(app, "ann", { paths: ["one.ts"], task: second.id })).toMatchObject({ outcome: "denied" });
    expect(await acquire(app, "ann", { paths: ["one.ts"], task: first.id })).toMatchObject({
      outcome: "granted",
      locks: [{ token: 1 }],
    });
    await team.complete(first);
    expect(await acquire(app, "bob", ["one.ts"])).toMatchObject({ outcome: "granted" });
    expect(await acquire(app, "bob", ["two.ts"])).toMatchObject({ outcome: "denied" });
  });

  test("a lock for a task that the agent does not hold is refused, and nothing is locked", async () => {
    const app = await startApp({ cwd: repository() });
    const team = new Crew(app);
    const { run } = await team.start([{ key: "a" }]);
    const task = await team.take("ann", { run: run.id });
    const refused = acquire(app, "bob", { paths: ["a.ts"], task: task.id });
    await expect(refused).rejects.toMatchObject({ code: "conflict", details: { held_by: "ann" } });
    await team.complete(task);
    await expect(acquire(app, "ann", { paths: ["a.ts"], task: task.id })).rejects.toMatchObject({ code: "conflict" });
    await expect(acquire(app, "ann", { paths: ["a.ts"], task: "task_0000000000000000" })).rejects.toMatchObject({
      code: "not_found",
    });
    expect(await states(app)).toEqual([]);
  });

  test("a task whose files are locked is not claimable, and is as soon as they are free", async () => {
    const app = await startApp({ cwd: repository() });
    const team = new Crew(app);
    await acquire(app, "bob", ["src/a.ts"]);
    const { run } = await team.start([WRITES("a", "src/**")]);
    expect(await team.claim("ann", { run: run.id })).toMatchObject({ outcome: "none", reason: "locked_out" });
    await release(app, "bob");
    expect(await team.claim("ann", { run: run.id })).toMatchObject({ outcome: "claimed", task: { key: "a" } });
  });

  test("a task that another agent's claim parked because of one's own lock is still claimable by oneself", async () => {
    const app = await startApp({ cwd: repository() });
    const team = new Crew(app);
    await acquire(app, "ann", ["src/a.ts"]);
    const { run } = await team.start([WRITES("a", "src/**")]);
    expect(await team.claim("bob", { run: run.id })).toMatchObject({ outcome: "none", reason: "locked_out" });
    expect(await team.claim("bob", { run: run.id })).toMatchObject({ outcome: "none", reason: "locked_out" });
    expect(await team.claim("ann", { run: run.id })).toMatchObject({ outcome: "claimed", task: { key: "a" } });
  });

  test("two who each hold a part of the files do not bring it back for each other", async () => {
    const changes: string[] = [];
    const observe = ({ statement }: StorePoint): void => {
      if (statement[0].startsWith("UPDATE scope_lanes SET parked_on")) changes.push(statement[0]);
    };
    const app = await startApp({ cwd: repository(), storeHooks: { observe } });
    const team = new Crew(app);
    await acquire(app, "ann", ["src/a.ts"]);
    await acquire(app, "bob", ["src/b.ts"]);
    const { run } = await team.start([WRITES("a", "src/**")]);
    expect(await team.claim("ann", { run: run.id })).toMatchObject({ reason: "locked_out" });
    expect(changes).toHaveLength(1);
    for (const agent of ["bob", "ann", "bob"]) {
      expect(await team.claim(agent, { run: run.id })).toMatchObject({ reason: "locked_out" });
    }
    expect(changes).toHaveLength(1);
    await release(app, "bob");
    expect(await team.claim("ann", { run: run.id })).toMatchObject({ outcome: "claimed", task: { key: "a" } });
  });

  test("one waits in a claim for what another has set aside because of one's own lock", async () => {
    const app = await startApp({ cwd: repository() });
    const team = new Crew(app);
    await acquire(app, "ann", ["src/a.ts"]);
    await acquire(app, "bob", ["src/b.ts"]);
    const { run } = await team.start([WRITES("a", "src/**")]);
    expect(await team.claim("bob", { run: run.id })).toMatchObject({ reason: "locked_out" });
    const waiting = team.claim("ann", { run: run.id, wait_seconds: 30 });
    await release(app, "bob");
    expect(await waiting).toMatchObject({ outcome: "claimed", task: { key: "a" } });
  });

  test("one's own task is found behind many that one may not take, in few statements", async () => {
    let statements = 0;
    const observe = ({ statement }: StorePoint): void => void (statement === "COMMIT" ? 0 : statements++);
    const app = await startApp({ cwd: repository(), storeHooks: { observe } });
    const team = new Crew(app);
    const paths = Array.from({ length: 500 }, (_, at) => `src/${at}.ts`);
    await acquire(app, "ann", paths);
    const others = paths.map((file, at) => ({ ...WRITES(`other-${at}`, file), role: "editor", priority: "high" }));
    const { run } = await team.start([...others, WRITES("own", "src/0.ts")]);
    for (let parked = 0; parked < 2; parked++)
      expect(await team.claim("bob", { run: run.id, roles: ["editor"] })).toMatchObject({ reason: "locked_out" });
    statements = 0;
    expect(await team.claim("ann", { run: run.id })).toMatchObject({ outcome: "claimed", task: { key: "own" } });
    expect(statements).toBeLessThanOrEqual(30);
  });

  test("an agent that holds the files and cannot take the task does not unpark it", async () => {
    const app = await startApp({ cwd: repository() });
    const team = new Crew(app);
    await acquire(app, "ann", ["src/a.ts"]);
    const { run } = await team.start([{ ...WRITES("a", "src/**"), role: "editor" }]);
    expect(await team.claim("bob", { run: run.id, roles: ["editor"] })).toMatchObject({ reason: "locked_out" });
    expect(await team.claim("ann", { run: run.id })).toMatchObject({ outcome: "none", reason: "no_capability" });
    expect(await team.claim("ann", { run: run.id, roles: ["editor"] })).toMatchObject({ outcome: "claimed" });
  });

  test("a claim does not pass those who asked earlier, and comes when their place has lapsed", async () => {
    const app = await startApp({ cwd: repository() });
    const team = new Crew(app);
    await acquire(app, "ann", ["a.ts"]);
    await acquire(app, "bob", { paths: ["a.ts", "b.ts"], wait_seconds: 0.01 });
    app.clock.advance(1);
    const { run } = await team.start([WRITES("b", "b.ts")]);
    expect(await team.claim("cem", { run: run.id })).toMatchObject({ outcome: "none", reason: "locked_out" });
    await app.advance(61_000);
    expect(await team.claim("cem", { run: run.id })).toMatchObject({ outcome: "claimed" });
  });

  test("the request for the more urgent task is served first", async () => {
    const app = await startApp({ cwd: repository() });
    const team = new Crew(app);
    const { run } = await team.start([
      { key: "low", priority: "low" },
      { key: "critical", priority: "critical" },
    ]);
    const critical = await team.take("cem", { run: run.id });
    const low = await team.take("bob", { run: run.id });
    await acquire(app, "ann", ["a.ts"]);
    const second = acquire(app, "bob", { paths: ["a.ts"], task: low.id, wait_seconds: 30 });
    await inLine(app, "bob");
    const first = acquire(app, "cem", { paths: ["a.ts"], task: critical.id, wait_seconds: 30 });
    await inLine(app, "cem");
    expect((await release(app, "ann")).granted).toEqual([{ agent: "cem", paths: ["a.ts"] }]);
    expect(await first).toMatchObject({ outcome: "granted" });
    await team.complete(critical);
    expect(await second).toMatchObject({ outcome: "granted" });
  });

  test("a grant that would come before a waiter its party waits for is refused as a deadlock", async () => {
    const app = await startApp({ cwd: repository() });
    const team = new Crew(app);
    const { run } = await team.start([{ key: "critical", priority: "critical" }]);
    const critical = await team.take("ann", { run: run.id });
    await acquire(app, "bob", ["1"]);
    await acquire(app, "cem", ["3"]);
    const bobs = acquire(app, "bob", { paths: ["2", "3"], wait_seconds: 30 });
    await inLine(app, "bob");
    const anns = acquire(app, "ann", { paths: ["1"], task: critical.id, wait_seconds: 30 });
    await inLine(app, "ann");
    // Free, and more urgent than Bob's request; but Bob would wait for it, and Ann waits for Bob.
    const refused = await acquire(app, "ann", { paths: ["2"], task: critical.id });
    expect(refused.outcome).toBe("deadlock");
    expect(refused.cycle?.map(({ agent }) => agent)).toEqual(["ann", "bob", "ann"]);
    await release(app, "cem");
    expect(await bobs).toMatchObject({ outcome: "granted" });
    await release(app, "bob");
    expect(await anns).toMatchObject({ outcome: "granted" });
  });

  test("an agent that loses the task loses its locks and its queue position", async () => {
    const app = await startApp({ cwd: repository() });
    const team = new Crew(app);
    const { run } = await team.start([WRITES("a", "a.ts")]);
    const task = await team.take("ann", { run: run.id });
    await acquire(app, "bob", ["b.ts"]);
    await acquire(app, "ann", { paths: ["b.ts"], wait_seconds: 0.01 });
    await team.fail(task);
    expect(await states(app)).toEqual(["bob held"]);
  });
});

test("check_file_lock tells hooks whether an edit would violate a lock, for relative and absolute paths", async () => {
  const root = repository();
  const app = await startApp({ cwd: root });
  const check = (agent: string, file: string) => app.call("check_file_lock", { agent, path: file });
  expect(await check("bob", "src/a.ts")).toEqual({ allowed: true, held_by: [] });
  await acquire(app, "ann", ["src/*.ts"]);
  expect(await check("bob", path.join(root, "src/a.ts"))).toMatchObject({
    allowed: false,
    held_by: [{ held_by: "ann", locked_path: "src/*.ts" }],
  });
  expect(await check("ann", "src/a.ts")).toMatchObject({ allowed: true });
  expect(await check("bob", "src/a.md")).toMatchObject({ allowed: true });
});
