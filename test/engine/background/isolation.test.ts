import { describe, expect, it, test } from "vitest";
import { IsolatedJobs } from "../../../src/engine/background/isolation.js";
import { BatonError } from "../../../src/base/errors.js";
import { transientErrorOf } from "../../../src/store/postgres/errors.js";
import { retrying } from "../../../src/store/driver/retry.js";
import { type SqlValue, CommitUnknown } from "../../../src/store/tx.js";
import { startApp, type TestApp, type TestAppOptions } from "../../support/servers/app.js";
import { BACKENDS, createDatabase, testRuntime } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";

const ok = async (): Promise<number> => 1;
const broken = async (): Promise<number> => {
  throw new Error("broken");
};

describe("background work", () => {
  test("goes on past what fails, and tells of it at the end", async () => {
    const jobs = new IsolatedJobs(new Map(), 0);
    const each = await jobs.each("task", ["a", "b", "c"], (id) => (id === "b" ? broken() : ok()));
    expect(each).toEqual({ tried: 3, sum: 2 });
    expect(await jobs.once("dead letters", broken)).toBe(0);
    expect(() => jobs.end()).toThrow("background work could not be done: task b: broken; dead letters: broken");
  });

  test("leaves what failed alone for a minute", async () => {
    const quarantine = new Map<string, number>();
    await new IsolatedJobs(quarantine, 1_000).each("task", ["a"], broken);
    const soon = new IsolatedJobs(quarantine, 60_999);
    expect(soon.quarantined("task")).toBe(1);
    expect(soon.quarantined("run")).toBe(0);
    expect(await soon.each("task", ["a", "b"], ok)).toEqual({ tried: 1, sum: 1 });
    soon.end();
    const later = new IsolatedJobs(quarantine, 61_000);
    expect(later.quarantined("task")).toBe(0);
    expect(await later.each("task", ["a"], ok)).toEqual({ tried: 1, sum: 1 });
  });

  test.each([new BatonError("unavailable", "gone"), new CommitUnknown()])(
    "stops where the database itself is at fault",
    async (fault) => {
      const quarantine = new Map<string, number>();
      const jobs = new IsolatedJobs(quarantine, 0);
      await expect(jobs.each("task", ["a"], () => Promise.reject(fault))).rejects.toBe(fault);
      expect(quarantine.size).toBe(0);
    },
  );

  test("goes on past rows that others keep busy, for as long as a call tries: they are not the database", async () => {
    const quarantine = new Map<string, number>();
    const jobs = new IsolatedJobs(quarantine, 0);
    const policy = { database: "d", totalMs: 0, pauseMs: () => 0 };
    const kept = Object.assign(new Error("canceling statement"), { code: "57014" });
    const busy = () => retrying<number>(policy, { run: () => Promise.reject(kept), transient: transientErrorOf });
    expect(await jobs.each("task", ["a", "b"], (id) => (id === "a" ? busy() : ok()))).toEqual({ tried: 2, sum: 1 });
    expect([...quarantine.keys()]).toEqual(["task a"]);
    const lost = Object.assign(new Error("gone"), { code: "ECONNREFUSED" });
    const down = () => retrying<number>(policy, { run: () => Promise.reject(lost), transient: transientErrorOf });
    await expect(jobs.each("task", ["c"], down)).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe.each(BACKENDS)("an unreadable row, on %s,", (backend) => {
  const once = { retry: { max_attempts: 1 } };

  async function room(
    settings = {},
    options: TestAppOptions = {},
  ): Promise<{ app: TestApp; crew: Crew; start: () => Promise<TestApp> }> {
    const { location: database } = await createDatabase(backend);
    const runtime = testRuntime();
    const storeHooks = { now: () => runtime.clock.now() };
    const start = (): Promise<TestApp> => startApp({ database, runtime, storeHooks, settings, ...options });
    const app = await start();
    return { app, crew: new Crew(app), start };
  }

  /** A state that only a defect or a manual change of the database could cause. */
  async function spoil({ app }: Pick<TestApp, "app">, task: string): Promise<void> {
    await write(app, "UPDATE task_specs SET spec = 'nonsense' WHERE task = $1", [task]);
  }

  async function mend({ app }: TestApp, task: string, spec: string): Promise<void> {
    await write(app, "UPDATE task_specs SET spec = $2 WHERE task = $1", [task, spec]);
  }

  async function idOf(app: TestApp, run: string, key: string): Promise<string> {
    const { tasks } = await app.call("list_tasks", { run });
    return tasks.find((task) => task.key === key)?.id ?? "";
  }

  async function specOf({ app }: TestApp, task: string): Promise<string> {
    const store = await app.store();
    return store.read(function* () {
      return String((yield ["SELECT spec FROM task_specs WHERE task = $1", [task]])[0]?.["spec"]);
    });
  }

  async function write(app: TestApp["app"], sql: string, values: readonly SqlValue[]): Promise<void> {
    const store = await app.store();
    await store.transact(function* () {
      yield [sql, values];
    });
  }

  it("keeps no other task from what is due, nor dead letters, nor locks; mended, it goes on", async () => {
    const { app, crew } = await room({ dead_letter_replays: 1 });
    const waits = Array.from({ length: 3 }, (_, at) => ({ key: `w${at}`, kind: "wait", for: "1m" }));
    const { run } = await crew.start([...waits, { key: "fails", ...once }]);
    const bad = await idOf(app, run.id, "w0");
    await crew.fail(await crew.take("ann", { run: run.id }));
    await app.call("acquire_file_lock", { agent: "ben", paths: ["a.md"], ttl_seconds: 60 });
    const spec = await specOf(app, bad);
    await spoil(app, bad);
    await expect(app.advance(600_000)).rejects.toThrow(`background work could not be done: task ${bad}`);
    expect(await crew.statuses(run.id)).toEqual({ w0: "waiting", w1: "succeeded", w2: "succeeded", fails: "ready" });
    expect(await app.call("list_file_locks", {})).toMatchObject({ locks: [] });
    await mend(app, bad, spec);
    await app.advance(59_000);
    expect((await crew.statuses(run.id))["w0"]).toBe("waiting");
    await app.advance(1_000);
    expect((await crew.statuses(run.id))["w0"]).toBe("succeeded");
  });

  it("keeps no other timer from firing at its instant", async () => {
    const due: (number | undefined)[] = [];
    const { app, crew } = await room({ tick_ms: 1_000 }, { onDue: (afterMs) => void due.push(afterMs) });
    const { run } = await crew.start([
      { key: "w0", kind: "wait", for: "1m" },
      { key: "w1", kind: "wait", for: 60_500 },
    ]);
    await spoil(app, await idOf(app, run.id, "w0"));
    await expect(app.advance(60_000)).rejects.toThrow("background work could not be done");
    due.length = 0;
    await app.advance(0);
    expect(due).toEqual([500]);
  });

  it("keeps no other dead letter from being tried again", async () => {
    const { app, crew } = await room({ dead_letter_replays: 1 });
    const { run } = await crew.start([
      { key: "one", ...once },
      { key: "two", ...once },
    ]);
    const bad = await crew.take("ann", { run: run.id });
    await crew.fail(bad);
    await crew.fail(await crew.take("ann", { run: run.id }));
    await spoil(app, bad.id);
    await expect(app.advance(600_000)).rejects.toThrow("dead letter ");
    expect(await crew.statuses(run.id)).toMatchObject({ one: "dead_letter", two: "ready" });
  });

  it("keeps no other task with a session that is over", async () => {
    const { app, crew, start } = await room();
    const { run } = await crew.start([{ key: "one" }, { key: "two" }]);
    const gone = await start();
    const bad = await new Crew(gone).take("ann", { run: run.id });
    await new Crew(gone).take("ben", { run: run.id });
    await gone.close();
    await spoil(app, bad.id);
    await expect(app.advance(60_000)).rejects.toThrow(`lease of ${bad.id}`);
    expect(Object.values(await crew.statuses(run.id)).toSorted()).toEqual(["ready", "running"]);
  });
});
