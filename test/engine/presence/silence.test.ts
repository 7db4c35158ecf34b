import { describe, expect, it } from "vitest";
import { claimTask } from "../../../src/engine/claims/claims.js";
import { changeSilence, fallSilent, silenceSteps, takeLocks } from "../../../src/engine/presence/silence.js";
import { untaskedLocksOfAgent } from "../../../src/store/locks/locks.js";
import { BACKENDS } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";
import { startAppOn, type TestApp } from "../../support/servers/app.js";

const SILENCE_MS = 900_000;
const GRACE_MS = 60_000;
const LONG = { timeouts: { start_to_close: "24h" } };

/** Time goes on while the connection lives and its agents make no call. */
async function quiet(app: TestApp, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 25_000) await app.advance(Math.min(left, 25_000));
}

async function eventTypes(app: TestApp, filter: Record<string, unknown>): Promise<string[]> {
  const { events } = await app.call("list_events", { limit: 200, ...filter });
  return events.map(({ type }) => type).filter((type) => type.startsWith("agent.") && type !== "agent.registered");
}

describe.each(BACKENDS)("a silent agent on %s", (backend) => {
  const room = async () => {
    const app = await startAppOn(backend);
    await app.call("create_project", { name: "p", root: app.cwd });
    const crew = new Crew(app);
    const start = (steps: Parameters<Crew["start"]>[0]) => crew.start(steps, { project: "p" });
    return { app, crew, start };
  };

  it("keeps its task as long as no other agent wants it, and says so where it is shown", async () => {
    const { app, crew, start } = await room();
    const { run } = await start([{ key: "a", ...LONG }]);
    const held = await crew.take("ann", { run: run.id });
    await quiet(app, SILENCE_MS + 10 * GRACE_MS);
    expect((await crew.statuses(run.id))["a"]).toBe("running");
    expect(await eventTypes(app, { run: run.id })).toEqual(["agent.silent"]);
    expect(await app.call("get_task", { task: held.id })).toMatchObject({
      silent_since: expect.any(String),
      lease: { silent_at: expect.any(String) },
    });
    expect(await app.call("get_run", { run: run.id })).toMatchObject({
      running: [{ key: "a", agent: "ann", silent_since: expect.any(String) }],
    });
    expect(await app.call("get_project_status", { project: "p" })).toMatchObject({
      agents: [{ agent: "ann", silent_since: expect.any(String) }],
    });
    expect((await crew.complete(held)).run.status).toBe("succeeded");
  });

  it("loses its task to a claim that could take it, after a warning and the grace, and is told to whom", async () => {
    const { app, crew, start } = await room();
    const { run } = await start([{ key: "a", ...LONG }]);
    const held = await crew.take("ann", { run: run.id });
    await quiet(app, SILENCE_MS);
    expect(await crew.claim("ben", { run: run.id })).toMatchObject({
      outcome: "none",
      detail: expect.stringMatching(/ann \(silent since .*\) works on a/),
    });
    await quiet(app, GRACE_MS - 5_000);
    expect((await crew.statuses(run.id))["a"]).toBe("running");
    await quiet(app, 10_000);
    const taken = await crew.take("ben", { run: run.id });
    expect(taken.id).toBe(held.id);
    expect(await eventTypes(app, { run: run.id })).toEqual(["agent.silent", "agent.warned"]);
    await expect(crew.complete(held)).rejects.toMatchObject({
      code: "stale_token",
      message: expect.stringMatching(/ann had made no call since .*, and ben wanted it.*ben holds it now/s),
    });
    expect(await crew.claim("ann", { run: run.id })).toMatchObject({ lost: [{ task: held.id, key: "a", to: "ben" }] });
    expect(await crew.claim("ann", { run: run.id })).not.toHaveProperty("lost");
    // Silence is no loss that counts.
    expect(await app.call("get_task", { task: held.id })).not.toHaveProperty("losses");
  });

  it("keeps its task where it makes a call within the grace, be it a read", async () => {
    const { app, crew, start } = await room();
    const { run } = await start([{ key: "a", ...LONG }]);
    // The connection's own agent.
    const { task } = await app.call("claim_task", { run: run.id });
    await quiet(app, SILENCE_MS);
    await crew.claim("ben", { run: run.id });
    await quiet(app, GRACE_MS - 5_000);
    await app.call("get_task", { task: task?.id ?? "" });
    await crew.claim("ben", { run: run.id });
    await quiet(app, 2 * GRACE_MS);
    expect((await crew.statuses(run.id))["a"]).toBe("running");
    const types = await eventTypes(app, { agent: task?.agent });
    expect(types).toEqual(["agent.silent", "agent.warned", "agent.heard"]);
  });

  it("keeps its task where the one that wanted it has stopped wanting before the grace began", async () => {
    const { app, crew, start } = await room();
    const { run } = await start([{ key: "a", ...LONG }]);
    await crew.take("ann", { run: run.id });
    await quiet(app, SILENCE_MS - 120_000);
    await crew.claim("ben", { run: run.id });
    await quiet(app, 120_000 + 5 * GRACE_MS);
    expect((await crew.statuses(run.id))["a"]).toBe("running");
  });

  it("does not lose its task to an agent that could not take it", async () => {
    const { app, crew, start } = await room();
    const { run } = await start([{ key: "a", role: "reviewer", ...LONG }]);
    await crew.take("ann", { run: run.id, roles: ["reviewer"] });
    await quiet(app, SILENCE_MS);
    for (let waited = 0; waited < 3 * GRACE_MS; waited += 30_000) {
      await crew.claim("ben", { run: run.id });
      await quiet(app, 30_000);
    }
    expect((await crew.statuses(run.id))["a"]).toBe("running");
  });

  it("loses one task for each claim that wants one", async () => {
    const { app, crew, start } = await room();
    await app.call("register_agent", { name: "ann", max_concurrent_tasks: 2 });
    const { run } = await start([
      { key: "a", ...LONG },
      { key: "b", ...LONG },
    ]);
    await crew.take("ann", { run: run.id });
    await crew.take("ann", { run: run.id });
    await quiet(app, SILENCE_MS);
    await crew.claim("ben", { run: run.id });
    await quiet(app, GRACE_MS + 10_000);
    expect(Object.values(await crew.statuses(run.id)).sort()).toEqual(["ready", "running"]);
  });

  it("loses a lock to the request that waits for it, and to one that was denied", async () => {
    const { app } = await room();
    const lock = (agent: string, path: string, rest = {}) =>
      app.call("acquire_file_lock", { agent, project: "p", paths: [path], ttl_seconds: 86_400, ...rest });
    await lock("ann", "a.ts");
    await lock("ann", "b.ts");
    await quiet(app, SILENCE_MS);
    expect(await app.call("list_file_locks", { project: "p" })).toMatchObject({
      locks: [{ agent: "ann", silent_since: expect.any(String) }, { agent: "ann" }],
    });
    expect(await lock("ben", "a.ts")).toMatchObject({
      outcome: "denied",
      conflicts: [{ held_by: "ann", silent_since: expect.any(String) }],
    });
    await quiet(app, GRACE_MS + 10_000);
    expect(await lock("ben", "a.ts")).toMatchObject({ outcome: "granted" });
    // The other one was not wanted.
    expect(await app.call("check_file_lock", { project: "p", path: "b.ts", agent: "ben" })).toMatchObject({
      allowed: false,
    });
    expect(await lock("cem", "b.ts", { wait_seconds: 0.001 })).toMatchObject({ outcome: "queued" });
    await quiet(app, 10_000);
    expect(await lock("cem", "b.ts")).toMatchObject({ outcome: "granted" });
    expect(await app.call("claim_task", { agent: "ann", project: "p" })).toMatchObject({
      lost: [
        { paths: ["a.ts"], to: "ben" },
        { paths: ["b.ts"], to: "cem" },
      ],
    });
  });

  it("keeps a lock where it is heard of between the look and the transaction that would take it", async () => {
    const { app } = await room();
    const lock = await app.call("acquire_file_lock", {
      agent: "ann",
      project: "p",
      paths: ["a.ts"],
      ttl_seconds: 86_400,
    });
    expect(lock.outcome).toBe("granted");
    const engine = await app.app.background("test");
    const held = await engine.read((ctx) => untaskedLocksOfAgent(ctx.now, "ann"));
    const locks = held.map(({ id }) => id);
    expect(locks).toHaveLength(1);
    const by = { agent: "ben", kind: "files", what: "a.ts", project: "p", since: 0 } as const;
    expect(await engine.transact((ctx) => takeLocks(ctx, { agent: "ann", locks, by }))).toBe(false);
    expect(await app.call("check_file_lock", { project: "p", path: "a.ts", agent: "ben" })).toMatchObject({
      allowed: false,
    });
  });

  it("is warned once where two processes found the same warning due", async () => {
    const { app, crew, start } = await room();
    const { run } = await start([{ key: "a", ...LONG }]);
    await crew.take("ann", { run: run.id });
    await quiet(app, SILENCE_MS);
    const engine = await app.app.background("test");
    await engine.transact((ctx) => fallSilent(ctx, "ann"));
    // A claim of the engine's own: claim_task would handle what is due, the warning too.
    await engine.transact((ctx) => claimTask(ctx, { agent: "ben", run: run.id }));
    const [step] = await engine.read(silenceSteps);
    if (step?.event !== "want") throw new Error("no warning is due");
    for (let process = 1; process <= 2; process++) await engine.transact((ctx) => changeSilence(ctx, step));
    expect(await eventTypes(app, { run: run.id })).toEqual(["agent.silent", "agent.warned"]);
  });

  it("loses a lock that keeps tasks from being claimed", async () => {
    const { app, crew, start } = await room();
    await app.call("acquire_file_lock", { agent: "ann", project: "p", paths: ["a.ts"], ttl_seconds: 86_400 });
    const { run } = await start([{ key: "a", files: { write: ["a.ts"] } }]);
    await quiet(app, SILENCE_MS);
    expect(await crew.claim("ben", { run: run.id })).toMatchObject({ outcome: "none" });
    await quiet(app, GRACE_MS + 10_000);
    expect(await crew.take("ben", { run: run.id })).toMatchObject({ key: "a" });
  });

  it("is present again once it has nothing left", async () => {
    const { app, crew, start } = await room();
    const { run } = await start([{ key: "a" }]);
    await crew.take("ann", { run: run.id });
    await quiet(app, SILENCE_MS);
    await app.call("cancel_task", { task: `${run.id}/a` });
    await quiet(app, GRACE_MS);
    expect((await crew.statuses(run.id))["a"]).toBe("cancelled");
    expect(await app.call("get_agent", { agent: "ann" })).not.toHaveProperty("silent_since");
  });
});
