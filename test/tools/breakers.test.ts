import { describe, expect, test } from "vitest";
import { BACKENDS, testRuntime } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startApp, startAppOn } from "../support/servers/app.js";

const MINUTE_MS = 60_000;

/** A run of many tasks of one attempt each, for ann and ben over connections of their own. */
async function team(backend: (typeof BACKENDS)[number], env: Readonly<Record<string, string>> = {}) {
  const app = await startAppOn(backend, { agent: "ann", env });
  const runtime = { ...testRuntime(2), clock: app.clock };
  const beside = { database: app.database, runtime, storeHooks: { now: () => app.clock.now() } };
  const other = await startApp({ ...beside, agent: "ben", env });
  const [ann, ben] = [new Crew(app), new Crew(other)];
  await app.call("create_project", { name: "demo" });
  const steps = Array.from({ length: 20 }, (_, n) => ({ key: `s${n}`, retry: { max_attempts: 1 } }));
  const { run } = await ann.start(steps, { project: "demo" });
  const fail = async (crew: Crew, agent: string, times: number) => {
    for (let n = 0; n < times; n++) await crew.fail(await crew.take(agent, { run: run.id }));
  };
  const stateOf = async (target: string) =>
    (await app.call("list_circuit_breakers", { target })).breakers.map(({ state, failures }) => [state, failures]);
  /** Both processes go on living. */
  const advance = async (ms: number) => {
    for (let left = ms; left > 0; left -= MINUTE_MS / 2) {
      await app.advance(MINUTE_MS / 2);
      await other.advance(0);
    }
  };
  return { app, other, ann, ben, run: run.id, fail, stateOf, advance };
}

describe.each(BACKENDS)("a circuit breaker on %s", (backend) => {
  test("turns an agent away that keeps failing, as long as another can do the work, and closes with its trial", async () => {
    const { app, other, ann, ben, run, fail, stateOf, advance } = await team(backend);
    await ben.complete(await ben.take("ben", { run }));
    await fail(ann, "ann", 4);
    expect(await stateOf("ann")).toEqual([["closed", 4]]);
    await fail(ann, "ann", 1);
    expect(await stateOf("agent:ann")).toEqual([["open", 5]]);
    const turnedAway = await ann.claim("ann", { run });
    expect(turnedAway).toMatchObject({ outcome: "none", reason: "breaker_open", retry_after_ms: MINUTE_MS });
    // Another process reads the same row.
    expect((await other.call("list_circuit_breakers", {})).breakers).toMatchObject([
      { target: "agent:ann", state: "open", failures: 5, opens: 1, retry_at: expect.any(String) },
    ]);
    const [task] = (await app.call("list_tasks", { run, status: "ready", limit: 1 })).tasks;
    expect(await app.call("check_task_ready", { task: task?.id ?? "", agent: "ann" })).toMatchObject({
      claimable: false,
      reasons: [{ kind: "breaker_open" }],
    });
    expect(await app.call("check_task_ready", { task: task?.id ?? "", agent: "ben" })).toMatchObject({
      claimable: true,
    });

    await advance(MINUTE_MS);
    const trial = await ann.take("ann", { run });
    expect(await stateOf("ann")).toEqual([["half_open", 5]]);
    await ann.complete(trial);
    expect(await stateOf("ann")).toEqual([["closed", 0]]);
    await ann.take("ann", { run });
    const { events } = await app.call("list_events", { run, types: ["breaker.opened", "breaker.closed"] });
    expect(events.map(({ type, agent }) => [type, agent])).toEqual([
      ["breaker.opened", "ann"],
      ["breaker.closed", "ann"],
    ]);
  });

  test("waits twice as long after a trial that failed", async () => {
    const { ann, ben, run, fail, advance } = await team(backend);
    await ben.complete(await ben.take("ben", { run }));
    await fail(ann, "ann", 5);
    await advance(MINUTE_MS);
    await fail(ann, "ann", 1);
    expect(await ann.claim("ann", { run })).toMatchObject({ reason: "breaker_open", retry_after_ms: 2 * MINUTE_MS });
  });

  test("says that a trial is under way, and which task it is", async () => {
    const { app, ann, ben, run, fail, advance } = await team(backend);
    await app.call("register_agent", { name: "ann", max_concurrent_tasks: 2 });
    await ben.complete(await ben.take("ben", { run }));
    await fail(ann, "ann", 5);
    await advance(MINUTE_MS);
    const trial = await ann.take("ann", { run });
    expect(await ann.claim("ann", { run })).toMatchObject({
      reason: "breaker_open",
      detail: expect.stringContaining(`task ${trial.key} is its trial and still runs`),
      retry_after_ms: 30_000,
    });
  });

  test("never takes the last agent that could do the work", async () => {
    const { ann, ben, run, fail, stateOf, app, other } = await team(backend);
    // Ben has never worked: he may only be looking on.
    await fail(ann, "ann", 5);
    await app.advance(10);
    await fail(ann, "ann", 1);
    expect(await stateOf("ann")).toEqual([["open", 6]]);
    await ben.complete(await ben.take("ben", { run }));
    expect(await ann.claim("ann", { run })).toMatchObject({ reason: "breaker_open" });
    // Only ann has the role of this one.
    await app.call("register_agent", { name: "ann", roles: ["backend"] });
    const { task } = await app.call("create_task", {
      title: "only hers",
      prompt: "do",
      role: "backend",
      project: "demo",
    });
    const hers = await ann.take("ann", { project: "demo" });
    expect(hers.id).toBe(task.id);
    await app.call("release_task", { agent: "ann", task: hers.id, token: hers.token });
    await app.call("cancel_task", { task: hers.id });
    // Nor may another take what is reserved for her.
    const own = (await app.call("list_tasks", { run, status: "ready" })).tasks[0]!;
    await app.call("assign_task", { task: own.id, agent: "ann" });
    expect(await ann.take("ann", { run })).toMatchObject({ id: own.id });
    // With both broken, both work on.
    await fail(ben, "ben", 5);
    await fail(ben, "ben", 1);
    expect(await other.call("list_circuit_breakers", {})).toMatchObject({ breakers: [{}, { state: "open" }] });
  });

  test("leaves nothing to an agent that works elsewhere, that is silent, or that has no room", async () => {
    const { app, other, ann, ben, run, fail, advance } = await team(backend);
    await other.call("create_project", { name: "elsewhere" });
    const there = await ben.start([{ key: "x" }], { project: "elsewhere" });
    await ben.complete(await ben.take("ben", { run: there.run.id }));
    await fail(ann, "ann", 5);
    await fail(ann, "ann", 1);
    // Ben works here now, and has his hands full.
    const held = await ben.take("ben", { run });
    await fail(ann, "ann", 1);
    await ben.complete(held);
    expect(await ann.claim("ann", { run })).toMatchObject({ reason: "breaker_open" });
    await advance(app.app.settings.silence_ms + MINUTE_MS);
    await app.call("agent_heartbeat", { agent: "ann" });
    await fail(ann, "ann", 2);
  });

  test("is reset by another agent, not by its own, and what has none is refused", async () => {
    const { app, other, ann, ben, run, fail, stateOf } = await team(backend);
    await ben.complete(await ben.take("ben", { run }));
    await fail(ann, "ann", 5);
    await expect(app.call("reset_circuit_breaker", { target: "ann" })).rejects.toMatchObject({ code: "not_permitted" });
    expect(await stateOf("ann")).toEqual([["open", 5]]);
    await expect(other.call("reset_circuit_breaker", { target: "agent:anne" })).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining("agent:ann"),
    });
    expect(await other.call("reset_circuit_breaker", { target: "ann" })).toMatchObject({
      breaker: { target: "agent:ann", state: "closed", failures: 0 },
    });
    await ann.take("ann", { run });
    await expect(other.call("reset_circuit_breaker", { target: "ann" })).rejects.toMatchObject({ code: "not_found" });
  });

  test("counts nothing where circuit_breakers is off", async () => {
    const { ann, ben, run, fail, stateOf } = await team(backend, { ENABLE_CIRCUIT_BREAKERS: "false" });
    await ben.complete(await ben.take("ben", { run }));
    await fail(ann, "ann", 7);
    expect(await stateOf("ann")).toEqual([]);
  });
});
