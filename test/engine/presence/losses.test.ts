import { describe, expect, it } from "vitest";
import { startApp, type TestApp } from "../../support/servers/app.js";
import { BACKENDS, createDatabase, testRuntime } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";

/** One server that stays and does the background work, and others that come and go. */
async function machine(backend: (typeof BACKENDS)[number], settings: Record<string, number | boolean> = {}) {
  const runtime = testRuntime();
  const { location } = await createDatabase(backend);
  const storeHooks = { now: () => runtime.clock.now() };
  const start = (options: Partial<Parameters<typeof startApp>[0]> = {}): Promise<TestApp> =>
    startApp({ database: location, runtime, settings, storeHooks, ...options });
  const watcher = await start();
  const crew = new Crew(watcher);
  await watcher.call("create_project", { name: "p", root: watcher.cwd });
  /** A server of its own takes the task for this agent, does something, and its pipe closes. */
  const lose = async (
    agent: string,
    run: string,
    meanwhile = async (_app: TestApp, _held: Held): Promise<void> => {},
  ) => {
    const server = await start();
    const held = await new Crew(server).take(agent, { run });
    await meanwhile(server, held);
    await server.close();
    await watcher.advance(10_000);
    await watcher.advance(0);
  };
  const losing = async (): Promise<unknown> => (await watcher.call("get_project_status", { project: "p" }))["losing"];
  return { start, watcher, crew, lose, losing, clock: runtime.clock };
}

interface Held {
  readonly id: string;
  readonly token: number;
}

describe.each(BACKENDS)("lost leases on %s", (backend) => {
  it("end a task that has lost as many in a row as are allowed, with the holders' names; status names it before", async () => {
    const { watcher, crew, lose, losing } = await machine(backend, { max_losses: 3 });
    const { run } = await crew.start([{ key: "a" }], { project: "p" });
    await lose("ann", run.id);
    expect(await losing()).toMatchObject([{ key: "a", run: run.id, losses: 1, losses_max: 3 }]);
    await lose("ben", run.id);
    expect((await crew.statuses(run.id))["a"]).toBe("ready");
    await lose("cem", run.id);
    expect((await crew.statuses(run.id))["a"]).toBe("dead_letter");
    expect(await losing()).toEqual([]);
    const { dead_letters: letters } = await watcher.call("list_dead_letters", { run: run.id });
    expect(letters[0]?.error).toMatchObject({
      type: "lease_lost",
      message: expect.stringMatching(/3 leases in a row.*ann, ben, cem/),
    });
  });

  it("count afresh after more percent than ever before, and not after as much", async () => {
    const { crew, lose } = await machine(backend, { max_losses: 2 });
    const { run } = await crew.start([{ key: "a" }], { project: "p" });
    const report =
      (percent: number) =>
      async (app: TestApp, { id, token }: Held) => {
        await app.call("report_progress", { task: id, token, percent });
      };
    await lose("ann", run.id, report(30));
    await lose("ben", run.id, report(40));
    expect((await crew.statuses(run.id))["a"]).toBe("ready");
    await lose("cem", run.id, report(40));
    expect((await crew.statuses(run.id))["a"]).toBe("dead_letter");
  });

  it("end a task after twenty in all, whatever was done in between", async () => {
    const { crew, lose } = await machine(backend, { max_losses: 2 });
    const { run } = await crew.start([{ key: "a" }], { project: "p" });
    for (let at = 1; at <= 20; at++) {
      expect((await crew.statuses(run.id))["a"]).toBe("ready");
      await lose(`agent-${at}`, run.id, async (app, { id, token }) => {
        await app.call("report_progress", { task: id, token, percent: at });
      });
    }
    expect((await crew.statuses(run.id))["a"]).toBe("dead_letter");
  });

  it("are forgiven to the session, or the client's own, that takes the task back", async () => {
    const { crew, start, watcher, losing } = await machine(backend, { max_losses: 2 });
    const { run } = await crew.start([{ key: "a" }], { project: "p" });
    for (let at = 0; at < 4; at++) {
      const server = await start({ clientSession: "client:one" });
      await new Crew(server).take(`ann-${at}`, { run: run.id });
      await server.close();
      await watcher.advance(10_000);
    }
    expect(await losing()).toMatchObject([{ losses: 1 }]);
    expect((await crew.statuses(run.id))["a"]).toBe("ready");
  });

  it("are not counted where the holder released the task", async () => {
    const { crew, start, losing } = await machine(backend, { max_losses: 2 });
    const { run } = await crew.start([{ key: "a" }], { project: "p" });
    const server = await start();
    for (let at = 0; at < 4; at++) {
      const held = await new Crew(server).take("ann", { run: run.id });
      await server.call("release_task", { task: held.id, token: held.token });
    }
    expect(await losing()).toEqual([]);
  });

  it("count afresh after a replay", async () => {
    const { watcher, crew, lose } = await machine(backend, { max_losses: 2 });
    const { run } = await crew.start([{ key: "a" }], { project: "p" });
    await lose("ann", run.id);
    await lose("ben", run.id);
    const { dead_letters: letters } = await watcher.call("list_dead_letters", { run: run.id });
    await watcher.call("replay_dead_letter", { id: letters[0]?.id ?? "" });
    await lose("cem", run.id);
    expect((await crew.statuses(run.id))["a"]).toBe("ready");
  });
});

describe.each(BACKENDS)("the brief of a later attempt on %s", (backend) => {
  it("has the newest attempt that left a partial result or an error, and the last note of one that was lost", async () => {
    const { crew, lose, start, watcher } = await machine(backend);
    const { run } = await crew.start([{ key: "a", retry: { initial_interval_ms: 0, max_attempts: 3 } }], {
      project: "p",
    });
    const first = await crew.take("ann", { run: run.id });
    await crew.fail(first, "broken", { partial_result: { half: true } });
    await watcher.advance(1_000);
    await lose("ben", run.id, async (app, { id, token }) => {
      await app.call("report_progress", { task: id, token, note: "halfway through" });
    });
    expect(await crew.claim("cem", { run: run.id })).toMatchObject({
      task: { attempt: 3, previous: { number: 1, partial_result: { half: true }, error: { type: "broken" } } },
    });
    const { attempts } = await watcher.call("get_task", { task: first.id, include: ["attempts"] });
    expect(attempts).toMatchObject([{}, { outcome: "lease_lost", note: "halfway through" }]);
    await (await start()).close();
  });

  it("has the holder's own last note where it is resumed, and says on one connection that another may be at work", async () => {
    const { crew, start } = await machine(backend);
    const { run } = await crew.start([{ key: "a" }], { project: "p" });
    const held = await crew.take("ann", { run: run.id });
    await crew.app.call("report_progress", { task: held.id, token: held.token, agent: "ann", note: "first half done" });
    const again = await crew.claim("ann", { run: run.id });
    expect(again).toMatchObject({
      resumed: true,
      note: expect.stringMatching(/Another agent on this connection may be working on task a.*"agent"/),
      task: { progress_note: "first half done" },
      lease: { token: held.token, expires_at: expect.any(String), silent_at: expect.any(String) },
    });
    const elsewhere = await new Crew(await start()).claim("ann", { run: run.id });
    expect(elsewhere).toMatchObject({ resumed: true, task: { progress_note: "first half done" } });
    expect(elsewhere).not.toHaveProperty("note");
  });
});
