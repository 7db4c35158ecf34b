import { describe, expect, test } from "vitest";
import { ClaimCall } from "../../src/tools/claim-call.js";
import { BACKENDS, testRuntime } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startApp, startAppOn } from "../support/servers/app.js";

const HALF_MINUTE_MS = 30_000;

/** Ann and ben, over connections of their own, and a run whose tasks may be tried again at once. */
async function team(
  backend: (typeof BACKENDS)[number],
  steps: readonly { key: string; [field: string]: unknown }[],
  settings = {},
) {
  const app = await startAppOn(backend, { agent: "ann", settings });
  const runtime = { ...testRuntime(2), clock: app.clock };
  const other = await startApp({
    database: app.database,
    runtime,
    storeHooks: { now: () => app.clock.now() },
    agent: "ben",
  });
  const [ann, ben] = [new Crew(app), new Crew(other)];
  await app.call("create_project", { name: "demo" });
  const retry = { max_attempts: 5, initial_interval_ms: 1 };
  const { run } = await ann.start(
    steps.map((step) => ({ retry, ...step })),
    { project: "demo" },
  );
  /** Both processes go on living. */
  const advance = async (ms: number) => {
    for (let left = ms; left > 0; left -= HALF_MINUTE_MS) {
      await app.advance(Math.min(left, HALF_MINUTE_MS));
      await other.advance(0);
    }
  };
  return { app, ann, ben, run: run.id, advance };
}

describe.each(BACKENDS)("a task that an agent has failed on %s", (backend) => {
  test("goes to another that works, with the partial result, and says how long it stood", async () => {
    const { app, ann, ben, run, advance } = await team(backend, [{ key: "warm" }, { key: "api" }]);
    await ben.complete(await ben.take("ben", { run }));
    const failed = await ann.take("ann", { run });
    expect(await ann.fail(failed, "broken", { partial_result: { half: true } })).toMatchObject({
      outcome: "retry",
      note: expect.stringMatching(/^Where another agent at work has room, .* until .* \(excluded\)\.$/),
    });
    await advance(1_000);
    expect(await ann.claim("ann", { run })).toMatchObject({
      outcome: "none",
      reason: "excluded",
      detail: expect.stringContaining("ann has failed what is ready"),
    });
    expect(await app.call("check_task_ready", { task: failed.id, agent: "ann" })).toMatchObject({
      claimable: false,
      reasons: [{ kind: "excluded" }],
    });
    // A look at the task shows for whom it is not.
    expect((await app.call("get_task", { task: failed.id })).task.reasons).toMatchObject([
      { kind: "excluded", detail: expect.stringContaining("ann has failed it, and others can do it") },
    ]);
    const claim = await ben.claim("ben", { run });
    expect(claim.task).toMatchObject({ id: failed.id, previous: { agent: "ann", partial_result: { half: true } } });
    const { events } = await app.call("list_events", { run, types: ["task.recovered"] });
    expect(events).toMatchObject([
      { agent: "ben", task: failed.id, data: { after: "failed", from: "ann", detection_ms: 0, duration_ms: 1_000 } },
    ]);
  });

  test("stays open to its only live worker, and to both where both have failed it", async () => {
    const { ann, ben, run, advance } = await team(backend, [{ key: "api" }, { key: "web" }]);
    await ann.fail(await ann.take("ann", { run }));
    await advance(1_000);
    // Ben has never worked: he may only be looking on.
    const again = await ann.take("ann", { run });
    const own = await ben.take("ben", { run });
    await ann.fail(again);
    await ben.complete(own);
    await advance(1_000);
    await ben.fail(await ben.take("ben", { run }));
    await advance(1_000);
    expect(await ann.take("ann", { run })).toMatchObject({ id: again.id });
  });

  test("is open to the agent again once it has stood for exclusion_ms", async () => {
    const { app, ann, ben, run, advance } = await team(backend, [{ key: "warm" }, { key: "api" }]);
    await ben.complete(await ben.take("ben", { run }));
    await ann.fail(await ann.take("ann", { run }));
    await advance(1_000);
    expect(await ann.claim("ann", { run })).toMatchObject({ reason: "excluded" });
    await advance(120_000);
    expect(await ann.take("ann", { run })).toMatchObject({ key: "api" });
    const { events } = await app.call("list_events", { run, types: ["task.recovered"] });
    expect(events).toMatchObject([{ agent: "ann", data: { from: "ann" } }]);
  });

  test("is taken by a claim that waits when the exclusion ends, though no row changes then", async () => {
    const settings = { exclusion_ms: 1_500, progress_every_ms: 10 };
    const { app, ann, ben, run, advance } = await team(backend, [{ key: "warm" }, { key: "api" }], settings);
    await ben.complete(await ben.take("ben", { run }));
    await ann.fail(await ann.take("ann", { run }));
    await advance(1_000);
    const { reason, retry_after_ms: left = 0 } = await ann.claim("ann", { run });
    expect(reason).toBe("excluded");
    const claiming = (progress: () => void) =>
      app.call("claim_task", { agent: "ann", run, wait_seconds: 600 }, { progress });
    let claim: ReturnType<typeof claiming> | undefined;
    await new Promise<void>((resolve) => {
      claim = claiming(resolve);
    });
    app.clock.advance(left);
    expect(await claim).toMatchObject({ outcome: "claimed", task: { key: "api" } });
  });

  test("is looked at again by a claim that waits when the exclusion ends, however much later than a claim is to be repeated", async () => {
    const settings = { exclusion_ms: 120_000 };
    const { app, ann, ben, run, advance } = await team(backend, [{ key: "warm" }, { key: "api" }], settings);
    await ben.complete(await ben.take("ben", { run }));
    await ann.fail(await ann.take("ann", { run }));
    await advance(1_000);
    const engine = await app.app.background("test");
    const host: ClaimCall["host"] = {
      read: (query) => engine.read(query),
      transact: (command) => engine.transact(command),
      background: { catchUp: async () => false, mayBeBehind: () => false },
      signal: new AbortController().signal,
    };
    const claimer = new ClaimCall(host, { agent: "ann", run, wait_seconds: 600 });
    expect(await claimer.claim()).toMatchObject({ reason: "excluded", retryAfterMs: 30_000 });
    expect(claimer.nextLookMs()).toBeGreaterThan(110_000);
  });

  test("is the agent's again at once where it is reserved for it", async () => {
    const { app, ann, ben, run, advance } = await team(backend, [{ key: "warm" }, { key: "api" }]);
    await ben.complete(await ben.take("ben", { run }));
    const failed = await ann.take("ann", { run });
    await ann.fail(failed);
    await advance(1_000);
    expect(await ann.claim("ann", { run })).toMatchObject({ reason: "excluded" });
    await app.call("assign_task", { task: failed.id, agent: "ann" });
    expect(await ann.take("ann", { run })).toMatchObject({ id: failed.id });
  });

  test("is found lost some time after the last sign of life of its holder, and says so when it runs again", async () => {
    const { app, ann, run, advance } = await team(backend, [{ key: "api" }]);
    const gone = await startApp({
      database: app.database,
      runtime: { ...testRuntime(3), clock: app.clock },
      storeHooks: { now: () => app.clock.now() },
      agent: "cat",
    });
    await new Crew(gone).take("cat", { run });
    await gone.close();
    await app.advance(10_000);
    await app.advance(0);
    await advance(5_000);
    await ann.take("ann", { run });
    const { events } = await app.call("list_events", { run, types: ["task.recovered"] });
    expect(events).toMatchObject([{ agent: "ann", data: { after: "lease_lost", from: "cat" } }]);
    expect(events[0]?.data["detection_ms"]).toBe(10_000);
    expect(events[0]?.data["duration_ms"]).toBe(15_000);
  });
});
