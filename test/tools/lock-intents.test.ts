import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { renderResult } from "../../src/dispatch/render.js";
import { startAppOn, type TestApp } from "../support/servers/app.js";

async function open(backend: (typeof BACKENDS)[number]) {
  const app = await startAppOn(backend);
  await app.call("create_project", { name: "p", root: app.cwd });
  return app;
}

type Mode = "exclusive" | "shared" | "intent";
const lock = (app: TestApp, agent: string, asked: { mode: Mode; paths: string[] }) =>
  app.call("acquire_file_lock", { agent, ...asked });
const acquire = (app: TestApp, agent: string, mode: Mode) => lock(app, agent, { mode, paths: ["src/a.ts"] });
const told = async (app: TestApp, agent: string) =>
  (await app.call("read_messages", { agent })).messages.map(({ from, body }) => `${from}: ${body}`);
const allowed = async (app: TestApp, agent: string) =>
  (await app.call("check_file_lock", { agent, path: "src/a.ts" })).allowed;

describe.each(BACKENDS)("lock intents on %s", (backend) => {
  test("an intent and an exclusive lock are both granted at once, and each agent hears of the other", async () => {
    const app = await open(backend);
    expect(await acquire(app, "ann", "intent")).toMatchObject({ outcome: "granted", conflicts: [] });
    expect(await lock(app, "bob", { mode: "exclusive", paths: ["src/"] })).toMatchObject({
      outcome: "granted",
      note: expect.stringContaining("neither waits"),
      conflicts: [{ path: "src/", held_by: "ann", mode: "intent", locked_path: "src/a.ts" }],
    });
    expect(await acquire(app, "cem", "intent")).toMatchObject({ outcome: "granted", conflicts_total: 2 });
    expect(await told(app, "ann")).toEqual([
      expect.stringContaining("bob: bob has locked src/."),
      expect.stringContaining("cem: cem is about to edit src/a.ts."),
    ]);
    expect(await told(app, "bob")).toEqual([expect.stringContaining("cem: cem is about to edit src/a.ts.")]);
    expect(await told(app, "cem")).toEqual([]);
  });

  test("an intent that is declared again tells no one a second time", async () => {
    const app = await open(backend);
    await acquire(app, "ann", "intent");
    for (let times = 0; times < 3; times++) await acquire(app, "bob", "intent");
    expect(await told(app, "ann")).toHaveLength(1);
  });

  test("a notice that is unread is not sent again for the same files, and is once it has been read", async () => {
    const app = await open(backend);
    await acquire(app, "ann", "intent");
    const again = async () => {
      await acquire(app, "bob", "intent");
      await app.call("release_file_lock", { agent: "bob", all: true });
    };
    for (let times = 0; times < 3; times++) await again();
    const { messages } = await app.call("read_messages", { agent: "ann" });
    expect(messages.map(({ data }) => data)).toEqual([{ locks: [{ mode: "intent", path: "src/a.ts" }] }]);
    // Another file, and another mode, are news.
    await lock(app, "ann", { mode: "intent", paths: ["src/"] });
    await lock(app, "bob", { mode: "intent", paths: ["src/a.ts", "src/b.ts"] });
    await lock(app, "bob", { mode: "exclusive", paths: ["src/b.ts"] });
    expect((await told(app, "ann")).slice(1)).toEqual([
      expect.stringContaining("bob: bob is about to edit src/b.ts."),
      expect.stringContaining("bob: bob has locked src/b.ts."),
    ]);
    await app.call("read_messages", { agent: "ann", ack: messages.map(({ id }) => id) });
    await again();
    await again();
    expect(await told(app, "ann")).toHaveLength(3);
  });

  test("an intent under another's lock is announced only, and its answer says that the file is not to be edited", async () => {
    const app = await open(backend);
    await acquire(app, "bob", "exclusive");
    app.clock.advance(1_000);
    const late = await acquire(app, "ann", "intent");
    expect(late).toMatchObject({
      outcome: "granted",
      note: expect.stringMatching(/^Do not edit src\/a.ts: bob locked it/),
    });
    expect(renderResult(late).text).toMatch(/^Announced until .*, not locked. Do not edit src\/a.ts: bob/);
    expect(await allowed(app, "ann")).toBe(false);
    const free = await lock(app, "ann", { mode: "intent", paths: ["src/b.ts"] });
    expect(renderResult(free).text).toMatch(/^Announced until .*, not locked. Read these files again before you edit/);
    // An agent that declared its intent before goes on editing.
    app.clock.advance(1_000);
    await lock(app, "cem", { mode: "exclusive", paths: ["src/b.ts"] });
    expect(await lock(app, "ann", { mode: "intent", paths: ["src/b.ts"] })).toMatchObject({
      note: expect.stringContaining("Others are at work on these files"),
    });
  });

  test("an exclusive lock keeps out agents that declared their intent after it, not those before", async () => {
    const app = await open(backend);
    await acquire(app, "early", "intent");
    app.clock.advance(1_000);
    await acquire(app, "holder", "exclusive");
    app.clock.advance(1_000);
    await acquire(app, "late", "intent");
    expect(await allowed(app, "early")).toBe(true);
    expect(await allowed(app, "late")).toBe(false);
    expect(await allowed(app, "holder")).toBe(true);
    const seen = await app.call("check_file_lock", { agent: "holder", path: "src/a.ts" });
    expect(seen.beside?.map(({ held_by }) => held_by).sort()).toEqual(["early", "late"]);
  });

  test("an intent on one file of a directory lets its agent pass no lock on another", async () => {
    const app = await open(backend);
    await lock(app, "ann", { mode: "intent", paths: ["src/a.ts"] });
    app.clock.advance(1_000);
    await lock(app, "bob", { mode: "exclusive", paths: ["src/a.ts", "src/b.ts"] });
    for (const path of ["src/", "src/*.ts"]) {
      const seen = await app.call("check_file_lock", { agent: "ann", path });
      expect([seen.allowed, seen.held_by.map((one) => one.locked_path)]).toEqual([false, ["src/b.ts"]]);
    }
    expect(await allowed(app, "ann")).toBe(true);
  });

  test("an intent becomes an exclusive lock where no other holds the file, and keeps its token", async () => {
    const app = await open(backend);
    const { locks: declared } = await acquire(app, "ann", "intent");
    await acquire(app, "bob", "shared");
    expect(await acquire(app, "ann", "exclusive")).toMatchObject({ outcome: "denied" });
    await app.call("release_file_lock", { agent: "bob", all: true });
    const { outcome, locks } = await acquire(app, "ann", "exclusive");
    expect([outcome, locks.map(({ mode, token }) => [mode, token])]).toEqual([
      "granted",
      [["exclusive", declared[0]?.token]],
    ]);
    expect((await acquire(app, "ann", "intent")).locks[0]?.mode).toBe("exclusive");
  });

  test("an intent that becomes a lock is one from then on: who declared an intent in between goes on, and is told", async () => {
    const app = await open(backend);
    await acquire(app, "ann", "intent");
    app.clock.advance(1_000);
    await acquire(app, "between", "intent");
    app.clock.advance(1_000);
    expect(await acquire(app, "ann", "exclusive")).toMatchObject({ outcome: "granted", conflicts_total: 1 });
    app.clock.advance(1_000);
    await acquire(app, "late", "intent");
    await acquire(app, "ann", "exclusive");
    expect([await allowed(app, "between"), await allowed(app, "late")]).toEqual([true, false]);
    expect(await told(app, "between")).toEqual([
      expect.stringContaining("ann: ann has locked src/a.ts."),
      expect.stringContaining("late: late is about to edit src/a.ts."),
    ]);
  });

  test("a task is claimed beside an intent on its files, and the answer and the intent's agent are told", async () => {
    const app = await open(backend);
    await acquire(app, "ann", "intent");
    await app.call("create_task", { title: "T", prompt: "p", files: { write: ["src/**"] }, project: "p" });
    const claimed = await app.call("claim_task", { agent: "bob", project: "p" });
    expect(claimed).toMatchObject({
      outcome: "claimed",
      beside: [{ path: "src/**", held_by: "ann", mode: "intent" }],
    });
    expect(await told(app, "ann")).toEqual([expect.stringContaining("bob: bob has locked src/**.")]);
  });

  test("an intent's agent is told which of its files a claimed task writes and which it only reads", async () => {
    const app = await open(backend);
    await lock(app, "ann", { mode: "intent", paths: ["a.ts", "b.ts"] });
    await lock(app, "cem", { mode: "intent", paths: ["b.ts"] });
    const files = { write: ["a.ts"], read: ["b.ts"] };
    await app.call("create_task", { title: "T", prompt: "p", files, project: "p" });
    await app.call("claim_task", { agent: "bob", project: "p" });
    expect(await told(app, "ann")).toContainEqual(
      expect.stringContaining("bob: bob has locked a.ts, and reads, under a lock, b.ts."),
    );
    expect(await told(app, "cem")).toEqual([expect.stringContaining("bob: bob reads, under a lock, b.ts.")]);
  });
});
