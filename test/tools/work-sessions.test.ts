import { expect, test } from "vitest";
import type { InputOf } from "../../src/tools/registry.js";
import { startApp } from "../support/servers/app.js";
import { BACKENDS, createDatabase, testRuntime } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";

const HOUR_MS = 3_600_000;

async function room(backend: (typeof BACKENDS)[number] = "sqlite") {
  const runtime = testRuntime();
  const { location } = await createDatabase(backend);
  const app = await startApp({ database: location, runtime, storeHooks: { now: () => runtime.clock.now() } });
  const definition = { name: "w", steps: [{ key: "a", prompt: "a" }] };
  const start = async (rest: InputOf<"execute_workflow"> = {}) =>
    (await app.call("execute_workflow", { definition, ...rest })).run;
  const sessions = async (all = false) => (await app.call("list_sessions", { all })).sessions;
  return { app, call: app.call, callUnchecked: app.callUnchecked, definition, start, sessions };
}

test.each(BACKENDS)("a run takes what its session says, and what is said of it goes before, on %s", async (backend) => {
  const { call, start, definition, sessions } = await room(backend);
  const made = await call("create_session", { name: "night", mode: "resource_aware", max_parallel_tasks: 7 });
  expect(made).toMatchObject({ created: true, session: { name: "night", status: "open", expires_at: null } });
  expect(await start({ session: "night" })).toMatchObject({ max_parallel: 7, mode: "resource_aware" });
  expect(await start({ session: "night", max_parallel: 2 })).toMatchObject({ max_parallel: 2 });
  const own = { definition: { ...definition, max_parallel: 3 } };
  expect(await start({ session: "night", ...own })).toMatchObject({ max_parallel: 3 });
  expect(await start()).not.toHaveProperty("mode");
  expect(await start({ session: "night", mode: "fault_tolerant" })).toMatchObject({ mode: "fault_tolerant" });
  const goal = await call("orchestrate", { goal: "tidy", session: "night", agent: "ann" });
  expect(goal.run).toMatchObject({ max_parallel: 7, mode: "resource_aware" });
  expect(await sessions()).toMatchObject([{ name: "night", runs: 5 }]);
});

test.each(BACKENDS)("a mode bounds a run, or frees it of its project's bound, on %s", async (backend) => {
  const { call, start } = await room(backend);
  await call("create_project", { name: "p", config: { max_parallel: 9 } });
  for (const mode of ["standard", "high_performance", "fault_tolerant", "resource_aware", "adaptive"] as const)
    await call("create_session", { name: mode, mode });
  const parallel = async (session: string) => (await start({ project: "p", session })).max_parallel;
  expect(await parallel("standard")).toBe(9);
  expect(await parallel("high_performance")).toBe(10_000);
  expect(await parallel("fault_tolerant")).toBe(9);
  expect(await parallel("resource_aware")).toBe(4);
  expect(await parallel("adaptive")).toBe(9);
});

test("a fault tolerant run tries its steps more often, those of its plan too", async () => {
  const { app, call } = await room();
  const crew = new Crew(app);
  await call("create_session", { name: "hard", mode: "fault_tolerant" });
  const failures = async (run: string) => {
    for (let count = 1; ; count++) {
      const answer = await crew.fail(await crew.take("ann", { run }));
      if (answer.outcome === "dead_letter") return count;
      await app.advance(HOUR_MS);
    }
  };
  const definition = { name: "w", steps: [{ key: "a", prompt: "a" }] };
  const { run: usual } = await call("execute_workflow", { definition });
  expect(await failures(usual.id)).toBe(3);
  const { run } = await call("execute_workflow", { definition, session: "hard" });
  expect(await failures(run.id)).toBe(5);
  const goal = await call("orchestrate", { goal: "tidy", session: "hard", agent: "ann" });
  const plan = { task: goal.task!.id, token: goal.lease!.token };
  await call("complete_task", { ...plan, result: [{ key: "b", prompt: "b" }] });
  expect(await failures(goal.run.id)).toBe(5);
});

test("a session ends when it is closed or its time is over; its runs go on, and its name is free", async () => {
  const { app, call, start, sessions } = await room();
  await call("create_session", { name: "short", ttl: "1h" });
  const run = await start({ session: "short" });
  await app.advance(HOUR_MS);
  await expect(start({ session: "short" })).rejects.toMatchObject({ code: "invalid_transition" });
  expect(await sessions()).toEqual([]);
  expect(await sessions(true)).toMatchObject([{ name: "short", status: "expired", runs: 1 }]);

  const again = await call("create_session", { name: "short", mode: "fault_tolerant" });
  expect(again).toMatchObject({ created: true });
  expect(await call("create_session", { name: "short", mode: "fault_tolerant" })).toEqual({ ...again, created: false });
  await expect(call("create_session", { name: "short" })).rejects.toMatchObject({ code: "conflict" });
  const closed = await call("close_session", { session: "short" });
  expect(closed).toMatchObject({ session: { status: "closed" } });
  expect(await call("close_session", { session: "short" })).toEqual(closed);
  await expect(start({ session: "short" })).rejects.toMatchObject({ code: "invalid_transition" });
  await expect(start({ session: "none" })).rejects.toMatchObject({ code: "not_found" });
  const crew = new Crew(app);
  await crew.complete(await crew.take("ann", { run: run.id }));
  expect((await crew.run(run.id)).status).toBe("succeeded");
});

test("nonsense is refused", async () => {
  const { callUnchecked, sessions } = await room();
  for (const wrong of [{ ttl: "soon" }, { ttl: 0 }, { name: "a b" }, { mode: "fast" }, { max_parallel_tasks: 0 }])
    await expect(callUnchecked("create_session", wrong)).rejects.toMatchObject({ code: "invalid_input" });
  expect(await sessions(true)).toEqual([]);
});

test.each(BACKENDS)(
  "sessions that ended longer ago than runs are kept are removed, unless a run of theirs is under way, on %s",
  async (backend) => {
    const { app, call, start, sessions } = await room(backend);
    const names = async () => (await sessions(true)).map(({ name }) => name).toSorted();
    for (const name of ["closed", "working", "open"]) await call("create_session", { name });
    await call("create_session", { name: "expired", ttl: "1h" });
    for (const session of ["closed", "working"]) await start({ session });
    const crew = new Crew(app);
    const [first] = (await call("list_runs")).runs.toReversed();
    await crew.complete(await crew.take("ann", { run: first?.id }));
    for (const session of ["closed", "working"]) await call("close_session", { session });
    await app.advance(90 * 24 * HOUR_MS);
    expect(await names()).toEqual(["closed", "expired", "open", "working"]);
    await app.advance(5_000);
    expect(await names()).toEqual(["expired", "open", "working"]);
    await app.advance(HOUR_MS);
    expect(await names()).toEqual(["open", "working"]);
    await expect(call("close_session", { session: "closed" })).rejects.toMatchObject({ code: "not_found" });
  },
);
