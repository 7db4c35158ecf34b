import { describe, expect, it } from "vitest";
import { startApp, type TestApp } from "../../support/servers/app.js";
import { BACKENDS, createDatabase, testRuntime } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";

const HOUR_MS = 3_600_000;

async function machine(backend: (typeof BACKENDS)[number]) {
  const runtime = testRuntime();
  const { location } = await createDatabase(backend);
  const storeHooks = { now: () => runtime.clock.now() };
  const start = (options: Partial<Parameters<typeof startApp>[0]> = {}): Promise<TestApp> =>
    startApp({ database: location, runtime, storeHooks, ...options });
  return { start, clock: runtime.clock };
}

describe.each(BACKENDS)("time that the machine slept, on %s,", (backend) => {
  it("counts for no lease, time limit, heartbeat or lock", async () => {
    const { start, clock } = await machine(backend);
    const [first, second] = [await start(), await start()];
    await first.call("create_project", { name: "p", root: first.cwd });
    const crew = new Crew(second);
    const timeouts = { start_to_close: "60m", heartbeat: "5m" };
    const { run } = await crew.start([{ key: "a", timeouts }], { project: "p" });
    const held = await crew.take("ann", { run: run.id });
    const lock = { agent: "ben", project: "p", paths: ["x"], ttl_seconds: 600 };
    await first.call("acquire_file_lock", lock);
    for (const app of [first, second, first, second]) await app.advance(15_000);
    clock.sleep(3 * HOUR_MS);
    for (const app of [first, second, first, second]) await app.advance(1_000);
    expect((await crew.statuses(run.id))["a"]).toBe("running");
    const locked = async () =>
      (await first.call("check_file_lock", { project: "p", path: "x", agent: "ann" }))["allowed"];
    expect(await locked()).toBe(false);
    // The rest of the time goes on: 5 min of the heartbeat, of which 1 min had passed.
    const pass = async (ms: number): Promise<void> => {
      for (let waited = 0; waited < ms; waited += 20_000) for (const app of [first, second]) await app.advance(10_000);
    };
    await pass(200_000);
    expect((await crew.statuses(run.id))["a"]).toBe("running");
    await pass(40_000);
    expect((await crew.statuses(run.id))["a"]).toBe("pending");
    await pass(300_000);
    expect(await locked()).toBe(true);
    await expect(crew.complete(held)).rejects.toMatchObject({ code: "stale_token" });
  });

  it("is accounted for before a call takes what looks over", async () => {
    const { start, clock } = await machine(backend);
    const app = await start();
    await app.call("create_project", { name: "p", root: app.cwd });
    const lock = { project: "p", paths: ["x"], ttl_seconds: 600 };
    await app.call("acquire_file_lock", { agent: "ann", ...lock });
    clock.sleep(3 * HOUR_MS);
    expect(await app.call("acquire_file_lock", { agent: "ben", ...lock })).toMatchObject({ outcome: "denied" });
  });

  it("is accounted for once, however many processes woke", async () => {
    const { start, clock } = await machine(backend);
    const servers = [await start(), await start(), await start()];
    const [first] = servers as [TestApp];
    const crew = new Crew(first);
    for (const server of servers) await server.call("register_agent", { name: "ben" });
    const { run } = await crew.start([{ key: "a", timeouts: { start_to_close: "60m" } }]);
    await crew.take("ann", { run: run.id });
    clock.sleep(3 * HOUR_MS);
    await Promise.all(servers.map((server) => server.advance(0)));
    for (let waited = 0; waited < HOUR_MS - 60_000; waited += 60_000) await first.advance(60_000);
    expect((await crew.statuses(run.id))["a"]).toBe("running");
    await first.advance(60_000);
    expect((await crew.statuses(run.id))["a"]).toBe("pending");
  });

  it("does not make silent those that no one could hear", async () => {
    const { start, clock } = await machine(backend);
    const app = await start();
    const crew = new Crew(app);
    const { run } = await crew.start([{ key: "a", timeouts: { start_to_close: "24h" } }]);
    const held = await crew.take("ann", { run: run.id });
    clock.sleep(3 * HOUR_MS);
    await app.advance(1_000);
    expect(await app.call("get_task", { task: held.id })).not.toHaveProperty("silent_since");
  });

  it("is left to a process that lived through it: one that starts afterwards takes nothing at once", async () => {
    const { start, clock } = await machine(backend);
    const old = await start();
    const crew = new Crew(old);
    const { run } = await crew.start([{ key: "a", timeouts: { start_to_close: "60m" } }]);
    await crew.take("ann", { run: run.id });
    await old.advance(0);
    clock.sleep(3 * HOUR_MS);
    const shell = await start({ sessionless: true });
    await shell.call("register_agent", { name: "ben" });
    await new Crew(shell).claim("ben", { run: run.id });
    expect((await crew.statuses(run.id))["a"]).toBe("running");
    await old.advance(0);
    await new Crew(shell).claim("ben", { run: run.id });
    expect((await crew.statuses(run.id))["a"]).toBe("running");
  });

  it("is told by a gap of the whole host where the clocks cannot tell", async () => {
    const { start, clock } = await machine(backend);
    Object.assign(clock, { awakeCountsSleep: true });
    const [first, second] = [await start(), await start()];
    const crew = new Crew(first);
    for (const server of [first, second]) await server.call("register_agent", { name: "ben" });
    const { run } = await crew.start([{ key: "a", timeouts: { start_to_close: "60m" } }]);
    await crew.take("ann", { run: run.id });
    for (const server of [first, second]) await server.advance(0);
    clock.advance(3 * HOUR_MS);
    for (const server of [first, second]) await server.advance(0);
    expect((await crew.statuses(run.id))["a"]).toBe("running");
    // One process that stood still while another did not has not slept.
    await second.call("create_project", { name: "p", root: second.cwd });
    await second.call("acquire_file_lock", { agent: "ben", project: "p", paths: ["x"], ttl_seconds: 600 });
    for (let waited = 0; waited < 500_000; waited += 20_000) await second.advance(20_000);
    await first.advance(0);
    for (let waited = 0; waited < 100_000; waited += 20_000) await second.advance(20_000);
    const { allowed } = await second.call("check_file_lock", { project: "p", path: "x", agent: "ann" });
    expect(allowed).toBe(true);
  });

  it("is not what passes while no process is there", async () => {
    const { start, clock } = await machine(backend);
    const shell = await start({ sessionless: true });
    const { run } = await new Crew(shell).start([{ key: "a", timeouts: { start_to_close: "24h" } }]);
    await new Crew(shell).take("ann", { run: run.id });
    await shell.close();
    clock.sleep(3 * HOUR_MS);
    const later = await start({ sessionless: true });
    expect(await new Crew(later).take("ben", { run: run.id })).toMatchObject({ key: "a" });
  });
});
