import { describe, expect, test } from "vitest";
import { BACKENDS, createDatabase, testRuntime } from "../support/databases/databases.js";
import { startApp, type TestApp } from "../support/servers/app.js";

const HOUR_MS = 3_600_000;
const plan = (count: number, more = {}) => ({
  project: "p",
  definition: { name: "w", steps: Array.from({ length: count }, (_, n) => ({ key: `s${n}`, prompt: "x", ...more })) },
});
const task = (more = {}) => ({ project: "p", title: "t", prompt: "x", ...more });
const refusedBy = (quota: string, used: number, added: number) => ({
  code: "limit_exceeded",
  details: expect.objectContaining({ quota, used, added }),
  message: expect.stringContaining(`BATON_${quota.toUpperCase()}`),
});

describe.each(BACKENDS)("quotas of each agent on %s", (backend) => {
  const start = async (settings: object): Promise<TestApp & { other: TestApp }> => {
    const { location: database } = await createDatabase(backend);
    const [runtime, otherRuntime] = [testRuntime(1), testRuntime(2)];
    const storeHooks = { now: () => runtime.clock.now() };
    const app = await startApp({ database, settings, agent: "ann", runtime, storeHooks });
    const other = await startApp({ database, settings, agent: "bob", runtime: otherRuntime, storeHooks });
    await app.call("create_project", { name: "p" });
    return { ...app, other };
  };

  test("file locks: a call beyond it changes nothing, whatever handle it names, and what was released is free again", async () => {
    const { call, other } = await start({ agent_locks_max: 3 });
    const lock = (paths: string[], agent?: string) =>
      call("acquire_file_lock", { project: "p", paths, ...(agent && { agent }) });
    await lock(["a", "b"]);
    await expect(lock(["c", "d"])).rejects.toMatchObject(refusedBy("agent_locks_max", 2, 2));
    await expect(lock(["c", "d"], "ann-2")).rejects.toMatchObject(refusedBy("agent_locks_max", 2, 2));
    expect((await call("list_file_locks", { project: "p" })).locks.map(({ path }) => path)).toEqual(["a", "b"]);
    await other.call("acquire_file_lock", { project: "p", paths: ["x", "y", "z"] });
    await call("release_file_lock", { project: "p", paths: ["a"] });
    expect(await lock(["c", "d"])).toMatchObject({ outcome: "granted" });
    // Work that is handed out brings its locks, beyond the quota too.
    await other.call("create_task", task({ files: { write: ["e", "f"] } }));
    expect(await call("claim_task", { project: "p" })).toMatchObject({ outcome: "claimed" });
  });

  test("open tasks: those of runs that it made and those that it added to others", async () => {
    const { call, other } = await start({ agent_open_tasks_max: 3 });
    const { task: first } = await call("create_task", task());
    await expect(call("execute_workflow", plan(3))).rejects.toMatchObject(refusedBy("agent_open_tasks_max", 1, 3));
    await expect(call("execute_workflow", { ...plan(3), agent: "ann-2" })).rejects.toMatchObject(
      refusedBy("agent_open_tasks_max", 1, 3),
    );
    expect((await call("list_runs", { project: "p" })).runs.filter(({ name }) => name === "w")).toEqual([]);
    const { run } = await other.call("execute_workflow", plan(2));
    await call("modify_run", { run: run.id, changes: [{ op: "add_task", step: { key: "more", prompt: "x" } }] });
    await call("execute_workflow", plan(1));
    await expect(call("create_task", task())).rejects.toMatchObject(refusedBy("agent_open_tasks_max", 3, 1));
    await call("cancel_task", { task: first.id, reason: "not needed" });
    await call("create_task", task());
  });

  test("a completion that makes elements of a list is never refused", async () => {
    const { call } = await start({ agent_open_tasks_max: 2 });
    const steps = [
      { key: "list", prompt: "x", output: { type: "array" } },
      { key: "each", prompt: "x", needs: ["list"], for_each: "${{ steps.list.output }}" },
    ];
    const { run } = await call("execute_workflow", { project: "p", definition: { name: "w", steps } });
    const claim = await call("claim_task", { project: "p" });
    await call("complete_task", { task: claim.task!.id, token: claim.lease!.token, result: [1, 2, 3, 4] });
    expect((await call("get_run", { run: run.id })).run.status).toBe("running");
  });

  test("bytes in an hour: what gives back is taken, and the next hour is new", async () => {
    const { call, clock, other } = await start({ agent_bytes_per_hour_max: 50_000 });
    clock.advance(HOUR_MS - (clock.now() % HOUR_MS));
    const large = { result: "y".repeat(30_000) };
    const { task: made } = await call("create_task", task());
    const { lease } = await call("claim_task", { project: "p" });
    await call("create_task", task({ prompt: "x".repeat(30_000) }));
    const by = { task: made.id, token: lease!.token };
    await expect(call("complete_task", { ...by, ...large })).rejects.toMatchObject({
      code: "limit_exceeded",
      details: expect.objectContaining({ quota: "agent_bytes_per_hour_max", max: 50_000 }),
      retry: { after_ms: HOUR_MS },
    });
    await expect(call("create_task", task({ prompt: "x".repeat(30_000), agent: "ann-2" }))).rejects.toMatchObject({
      code: "limit_exceeded",
    });
    await other.call("create_task", task({ prompt: "x".repeat(30_000) }));
    await call("release_task", by);
    clock.advance(HOUR_MS);
    await call("create_task", task({ prompt: "x".repeat(30_000) }));
  });

  test("are a person's to set", async () => {
    const { call } = await start({});
    await expect(call("configure", { settings: { agent_locks_max: 0 } })).rejects.toMatchObject({
      code: "not_permitted",
    });
  });
});
