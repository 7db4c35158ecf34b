import { describe, expect, test } from "vitest";
import { BACKENDS, testRuntime } from "../support/databases/databases.js";
import { Crew, type Step } from "../support/fixtures/plan.js";
import { startApp, startAppOn } from "../support/servers/app.js";

/** Claims take what has come due, though no tick has come by since. */
describe.each(BACKENDS)("work that is due, on %s", (backend) => {
  const RETRY = { max_attempts: 3, initial_interval_ms: 60_000, max_interval_ms: 60_000, backoff_coefficient: 1 };

  const started = async (steps: readonly Step[]) => {
    const runtime = testRuntime();
    const storeHooks = { now: () => runtime.clock.now() };
    const app = await startAppOn(backend, { runtime, storeHooks, settings: { reservation_ms: 60_000 } });
    await app.call("create_project", { name: "p", root: app.cwd });
    const crew = new Crew(app);
    const { run } = await crew.start(steps, { project: "p" });
    const { database, cwd } = app;
    const another = async (sessionless: boolean) =>
      new Crew(await startApp({ runtime, storeHooks, database, cwd, sessionless }));
    return { app, crew, another, where: { run: run.id } };
  };
  const fail = async (crew: Crew, held: { id: string; token: number }) =>
    crew.app.call("fail_task", { task: held.id, token: held.token, error: { type: "flaky", message: "m" } });

  test.each([false, true])(
    "a process that has just begun takes a due retry in its turn (sessionless: %s)",
    async (sessionless) => {
      const { app, crew, another, where } = await started([{ key: "a", priority: "high", retry: RETRY }, { key: "b" }]);
      await fail(crew, await crew.take("ann", where));
      app.clock.advance(60_000);
      expect((await (await another(sessionless)).take("ben", where)).key).toBe("a");
    },
  );

  test("a claim that found nothing takes a due retry, and what a due timer has made ready", async () => {
    const steps = [
      { key: "a", retry: RETRY },
      { key: "timer", kind: "wait", for: "90s" },
      { key: "b", needs: ["timer"] },
    ];
    const { app, crew, where } = await started(steps);
    await app.advance(0);
    await fail(crew, await crew.take("ann", where));
    app.clock.advance(60_000);
    expect((await crew.take("ann", where)).key).toBe("a");
    app.clock.advance(30_000);
    expect((await crew.take("ben", where)).key).toBe("b");
  });

  test("a claim that found nothing takes what a lapsed reservation, lock or lease held back", async () => {
    const { app, crew, another, where } = await started([{ key: "kept" }, { key: "filed", files: { write: ["x"] } }]);
    await app.advance(0);
    const { tasks } = await app.call("list_tasks", where);
    await app.call("register_agent", { name: "ben" });
    await app.call("assign_task", { task: tasks.find(({ key }) => key === "kept")!.id, agent: "ben" });
    await app.call("acquire_file_lock", { agent: "eve", paths: ["x"], ttl_seconds: 60, project: "p" });
    expect(await crew.claim("ann", where)).toMatchObject({ outcome: "none" });
    app.clock.advance(60_000);
    const keys = [(await crew.take("ann", where)).key, (await (await another(true)).take("cli", where)).key];
    expect(keys.toSorted()).toEqual(["filed", "kept"]);
    const lease = 600_000;
    await app.advance(lease - 1);
    expect(await crew.claim("dan", where)).toMatchObject({ outcome: "none" });
    app.clock.advance(1);
    expect((await crew.take("dan", where)).key).toBe(keys[1]);
  });

  test("a claim that finds only retries names the soonest and says when to come back", async () => {
    const { app, crew, where } = await started([
      { key: "a", retry: RETRY },
      { key: "after", needs: ["a"] },
    ]);
    const { retry_at: at } = await fail(crew, await crew.take("ann", where));
    const { detail, retry_after_ms: ms } = await crew.claim("ann", where);
    expect(detail).toBe(`a of run plan failed and is tried again at ${at}`);
    expect(ms).toBe(Date.parse(String(at)) - app.clock.now());
  });
});
