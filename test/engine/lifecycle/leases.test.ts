import { describe, expect, it } from "vitest";
import { startApp, type TestApp } from "../../support/servers/app.js";
import { BACKENDS, createDatabase, testRuntime } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";

const TTL_MS = 60_000;
const SLEEP_GAP_MS = 30_000;

/** Several servers of one machine on one database and one clock. All are this process, so none of them is ever found gone. */
async function machine(backend: (typeof BACKENDS)[number], settings: Record<string, number | boolean> = {}) {
  const runtime = testRuntime();
  const { location } = await createDatabase(backend);
  const storeHooks = { now: () => runtime.clock.now() };
  const start = (options: Partial<Parameters<typeof startApp>[0]> = {}): Promise<TestApp> =>
    startApp({ database: location, runtime, settings, storeHooks, ...options });
  return { start, clock: runtime.clock };
}

describe.each(BACKENDS)("leases on %s", (backend) => {
  it("live with their session, and end when it is not renewed", async () => {
    const { start } = await machine(backend);
    const [watcher, worker] = [await start(), await start()];
    const crew = new Crew(worker);
    const { run } = await crew.start([{ key: "a" }]);
    const held = await crew.take("ann", { run: run.id });
    // The watcher's own session opens with its first write; from then on it does the background work of all.
    await watcher.call("register_agent", { name: "ben" });
    for (let waited = 0; waited < TTL_MS; waited += 5_000) {
      expect((await crew.statuses(run.id))["a"]).toBe("running");
      await watcher.advance(5_000);
    }
    expect((await crew.statuses(run.id))["a"]).toBe("ready");
    const again = await new Crew(watcher).take("ben", { run: run.id });
    expect(again.token).toBeGreaterThan(held.token);
    await expect(crew.complete(held)).rejects.toMatchObject({ code: "stale_token", details: { held_by: "ben" } });
  });

  it("outlast the sleep of the machine: the first process to wake leaves the others time to renew", async () => {
    const { start, clock } = await machine(backend, { sleep_gap_ms: SLEEP_GAP_MS });
    const [first, second] = [await start(), await start()];
    const crew = new Crew(second);
    // An attempt has its own limit, which sleep does not stop.
    const { run } = await crew.start([{ key: "a", timeouts: { start_to_close: "24h" } }]);
    const held = await crew.take("ann", { run: run.id });
    await first.call("register_agent", { name: "ben" });
    await first.advance(0);
    clock.advance(8 * 3_600_000);
    await first.advance(0);
    await first.advance(1_000);
    expect((await crew.statuses(run.id))["a"]).toBe("running");
    await second.advance(0);
    await first.advance(SLEEP_GAP_MS);
    await second.advance(0);
    expect((await crew.complete(held)).run.status).toBe("succeeded");
  });

  it("do not outlast it without a renewal", async () => {
    const { start, clock } = await machine(backend, { sleep_gap_ms: SLEEP_GAP_MS });
    const [first, second] = [await start(), await start()];
    const crew = new Crew(second);
    const { run } = await crew.start([{ key: "a", timeouts: { start_to_close: "24h" } }]);
    await crew.take("ann", { run: run.id });
    await first.call("register_agent", { name: "ben" });
    await first.advance(0);
    clock.advance(8 * 3_600_000);
    for (let waited = 0; waited <= SLEEP_GAP_MS; waited += 5_000) await first.advance(5_000);
    expect((await crew.statuses(run.id))["a"]).toBe("ready");
  });

  it("held by an agent without a process last ten minutes from its last call", async () => {
    const { start } = await machine(backend);
    const [server, shell] = [await start(), await start({ sessionless: true })];
    const crew = new Crew(shell);
    const { run } = await crew.start([{ key: "a" }]);
    const held = await crew.take("ann", { run: run.id });
    await server.call("register_agent", { name: "ben" });
    await server.advance(9 * 60_000);
    await shell.call("report_progress", { task: held.id, token: held.token });
    await server.advance(9 * 60_000);
    expect((await crew.statuses(run.id))["a"]).toBe("running");
    await shell.call("agent_heartbeat", { agent: "ann" });
    await server.advance(9 * 60_000);
    expect((await crew.statuses(run.id))["a"]).toBe("running");
    await server.advance(60_000);
    expect((await crew.statuses(run.id))["a"]).toBe("ready");
  });

  it("are adopted by another session that comes with the current token", async () => {
    const { start } = await machine(backend);
    const [old, next] = [await start(), await start()];
    const { run } = await new Crew(old).start([{ key: "a" }]);
    const held = await new Crew(old).take("ann", { run: run.id });
    await next.call("report_progress", { task: held.id, token: held.token });
    for (let waited = 0; waited <= 2 * TTL_MS; waited += 5_000) await next.advance(5_000);
    expect((await new Crew(next).complete(held)).run.status).toBe("succeeded");
  });

  it("that are lost count as an attempt only where that is configured", async () => {
    const { start } = await machine(backend, { lost_lease_counts: true, lease_ms: 60_000 });
    const [server, shell] = [await start(), await start({ sessionless: true })];
    const crew = new Crew(shell);
    const { run } = await crew.start([{ key: "a", retry: { max_attempts: 1 } }]);
    await crew.take("ann", { run: run.id });
    await server.call("register_agent", { name: "ben" });
    await server.advance(60_000);
    expect((await crew.statuses(run.id))["a"]).toBe("dead_letter");
  });

  it("stay with the session while their holder also calls from a shell beside it", async () => {
    const { start } = await machine(backend);
    const [server, shell] = [await start(), await start({ sessionless: true })];
    const { run } = await new Crew(server).start([{ key: "a", timeouts: { start_to_close: "24h" } }]);
    const held = await new Crew(server).take("ann", { run: run.id });
    await shell.call("report_progress", { task: held.id, token: held.token });
    await shell.call("agent_heartbeat", { agent: "ann" });
    for (let waited = 0; waited <= 20 * 60_000; waited += 15_000) await server.advance(15_000);
    expect((await new Crew(server).statuses(run.id))["a"]).toBe("running");
    await new Crew(server).complete(held);
    const { agents } = await server.call("list_agents", { available: true });
    expect(agents.map(({ name }) => name)).toContain("ann");
  });

  it("end with the grace of a cancellation, though the process ends meanwhile and a shell's call reaches further", async () => {
    const { start } = await machine(backend, { cancel_grace_ms: 120_000 });
    const [watcher, server, shell] = [await start(), await start(), await start({ sessionless: true })];
    const crew = new Crew(watcher);
    const { run } = await crew.start([{ key: "a" }]);
    const held = await new Crew(server).take("ann", { run: run.id });
    await shell.call("report_progress", { task: held.id, token: held.token });
    await watcher.call("control_run", { run: run.id, action: "cancel" });
    await server.close();
    for (let waited = 0; waited < 115_000; waited += 5_000) await watcher.advance(5_000);
    expect((await crew.statuses(run.id))["a"]).toBe("running");
    await watcher.advance(5_000);
    expect((await crew.statuses(run.id))["a"]).toBe("cancelled");
  });

  it("outlast the process of their holder by what a call from a shell gave them", async () => {
    const { start } = await machine(backend);
    const [watcher, server, shell] = [await start(), await start(), await start({ sessionless: true })];
    const crew = new Crew(watcher);
    await watcher.call("register_agent", { name: "ben" });
    const { run } = await crew.start([{ key: "a" }]);
    const held = await new Crew(server).take("ann", { run: run.id });
    await shell.call("report_progress", { task: held.id, token: held.token });
    await server.close();
    for (let waited = 0; waited < 9 * 60_000; waited += 15_000) await watcher.advance(15_000);
    expect((await crew.statuses(run.id))["a"]).toBe("running");
    for (let waited = 0; waited < 60_000; waited += 15_000) await watcher.advance(15_000);
    expect((await crew.statuses(run.id))["a"]).toBe("ready");
  });

  it("runs due retries when only CLI calls are made", async () => {
    const { start, clock } = await machine(backend);
    const shell = (): Promise<TestApp> => start({ sessionless: true });
    const crew = new Crew(await shell());
    const { run } = await crew.start([{ key: "lost" }, { key: "failed" }]);
    await crew.take("ann", { run: run.id });
    await crew.fail(await crew.take("ben", { run: run.id }));
    clock.advance(11 * 60_000);
    await new Crew(await shell()).claim("cem", { run: run.id });
    expect(Object.values(await crew.statuses(run.id)).sort()).toEqual(["ready", "running"]);
  });

  it("are renewed by a late call from a shell while no other agent has claimed the task", async () => {
    const { start, clock } = await machine(backend);
    const shell = (): Promise<TestApp> => start({ sessionless: true });
    const crew = new Crew(await shell());
    const { run } = await crew.start([{ key: "a" }, { key: "b" }]);
    const held = await crew.take("ann", { run: run.id });
    clock.advance(12 * 60_000);
    const late = await shell();
    expect(await new Crew(late).claim("ann", { run: run.id })).toMatchObject({ resumed: true });
    await late.close();
    clock.advance(12 * 60_000);
    expect((await new Crew(await shell()).complete(held)).run.status).toBe("running");
  });

  it("come due while a shell waits for work", async () => {
    const { start, clock } = await machine(backend, { tick_ms: 20 });
    const crew = new Crew(await start({ sessionless: true }));
    const { run } = await crew.start([{ key: "a" }]);
    await crew.take("ann", { run: run.id });
    const waiting = crew.claim("ben", { run: run.id, wait_seconds: 30 });
    clock.advance(11 * 60_000);
    expect(await waiting).toMatchObject({ outcome: "claimed", task: { key: "a", attempt: 2 } });
  });

  it("tell of an agent that has come back in another process at once", async () => {
    const { start } = await machine(backend);
    const [watcher, old, next] = [await start(), await start(), await start()];
    const { run } = await new Crew(old).start([{ key: "a" }]);
    await old.call("register_agent", { name: "ann" });
    await old.close();
    await new Crew(next).take("ann", { run: run.id });
    await watcher.call("register_agent", { name: "ben" });
    expect(await watcher.call("get_agent", { agent: "ann", include: ["health"] })).toMatchObject({
      health: { state: "ok" },
    });
  });

  it("are renewed by the next write after the clock was set back", async () => {
    const { start, clock } = await machine(backend);
    const [watcher, worker] = [await start(), await start()];
    const crew = new Crew(worker);
    await watcher.call("register_agent", { name: "ben" });
    const { run } = await crew.start([{ key: "a", timeouts: { start_to_close: "24h" } }]);
    await crew.take("ann", { run: run.id });
    clock.advance(-30 * 60_000);
    await worker.call("agent_heartbeat", { agent: "ann" });
    clock.advance(30 * 60_000);
    await worker.call("agent_heartbeat", { agent: "ann" });
    await watcher.advance(0);
    expect((await crew.statuses(run.id))["a"]).toBe("running");
  });

  it("end with the pipe after a grace, and their locks with them", async () => {
    const { start } = await machine(backend);
    const [server, leaving] = [await start(), await start()];
    const crew = new Crew(leaving);
    await leaving.call("create_project", { name: "p", root: leaving.cwd });
    const { run } = await crew.start([{ key: "a", files: { write: ["a.ts"] } }], { project: "p" });
    await crew.take("ann", { run: run.id });
    await server.call("register_agent", { name: "ben" });
    await leaving.close();
    await server.advance(9_000);
    expect((await new Crew(server).statuses(run.id))["a"]).toBe("running");
    await server.advance(1_000);
    expect((await new Crew(server).statuses(run.id))["a"]).toBe("ready");
    expect(await server.call("check_file_lock", { path: "a.ts", project: "p", agent: "ben" })).toMatchObject({
      allowed: true,
    });
  });
});
