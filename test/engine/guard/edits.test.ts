import { mkdirSync, realpathSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { handleOf } from "../../../src/base/names.js";
import { freeEditedFiles, takeEditedFiles } from "../../../src/engine/guard/edits.js";
import { EDIT_LOCK_MS, holdingsOf } from "../../../src/engine/guard/guarded-files.js";
import type { HookOrigin } from "../../../src/engine/guard/hook-origin.js";
import { readWorkplace } from "../../../src/runtime/files/workplace.js";
import { BACKENDS, temporaryDirectory } from "../../support/databases/databases.js";
import { startAppOn } from "../../support/servers/app.js";

function originAt(pid: number, conversation: string): HookOrigin {
  const process = { pid, processStartedAt: 100 };
  return { client: "claude-code", conversation, ancestors: [process], process, ownHandle: undefined };
}

const [FIRST, SECOND] = [originAt(11, "one"), originAt(12, "two")];

describe.each(BACKENDS)("the guard of edits, on %s", (backend) => {
  async function repository() {
    const cwd = realpathSync(temporaryDirectory());
    mkdirSync(path.join(cwd, ".git"));
    const app = await startAppOn(backend, { sessionless: true, cwd, agent: "hand" });
    const engine = await app.app.background("hook");
    const places = (file: string) => [{ workplace: readWorkplace(cwd), files: [path.join(cwd, file)] }];
    return {
      ...app,
      take: (origin: HookOrigin, file: string) => engine.transact((ctx) => takeEditedFiles(ctx, origin, places(file))),
      free: (origin: HookOrigin, file: string) => engine.transact((ctx) => freeEditedFiles(ctx, origin, places(file))),
      ask: (origin: HookOrigin, file: string) => engine.read((ctx) => holdingsOf(ctx, origin, places(file))),
    };
  }

  test("an edit makes a file that is free the editor's own, and no other's", async () => {
    const { take, ask } = await repository();
    expect(await ask(FIRST, "src/[id].ts")).toMatchObject({ others: [], own: [], isDue: true });
    expect(await take(FIRST, "src/[id].ts")).toEqual([]);
    expect(await ask(FIRST, "src/[id].ts")).toMatchObject({ others: [], own: [expect.any(String)], isDue: false });
    const held = { path: "src/[id].ts", reason: "edited", until: expect.any(Number), task: undefined };
    expect(await ask(SECOND, "src/[id].ts")).toMatchObject({ others: [held] });
    expect(await take(SECOND, "src/[id].ts")).toMatchObject([held]);
    expect(await ask(SECOND, "src/other.ts")).toMatchObject({ others: [] });
  });

  test("the lock lasts for a while after the last edit, and each edit renews it", async () => {
    const { take, ask, clock } = await repository();
    await take(FIRST, "a.ts");
    clock.advance(EDIT_LOCK_MS - 1_000);
    expect(await ask(FIRST, "a.ts")).toMatchObject({ isDue: true });
    await take(FIRST, "a.ts");
    clock.advance(EDIT_LOCK_MS - 1_000);
    expect(await ask(SECOND, "a.ts")).toMatchObject({ others: [{ path: "a.ts" }] });
    clock.advance(2_000);
    expect(await ask(SECOND, "a.ts")).toMatchObject({ others: [] });
    expect(await take(SECOND, "a.ts")).toEqual([]);
  });

  test("the lock of an edit holds on over the hour that a session of hooks lasts", async () => {
    const { take, ask, clock } = await repository();
    for (let edits = 0; edits < 8; edits++) {
      await take(FIRST, "a.ts");
      expect(await ask(FIRST, "a.ts")).toMatchObject({ own: [expect.any(String)], isDue: false });
      clock.advance(EDIT_LOCK_MS - 1_000);
      expect(await ask(SECOND, "a.ts")).toMatchObject({ others: [{ path: "a.ts" }] });
    }
  });

  test("an edit of a file that another means to edit keeps neither out, and both are told", async () => {
    const { take, ask, call } = await repository();
    await call("acquire_file_lock", { agent: "early", paths: ["a.ts"], mode: "intent" });
    expect(await take(FIRST, "a.ts")).toEqual([]);
    expect(await take(SECOND, "a.ts")).toEqual([]);
    expect(await ask(FIRST, "a.ts")).toMatchObject({ others: [], own: [expect.any(String)], isDue: false });
    const { locks } = await call("list_file_locks");
    const editors = locks.map(({ agent }) => agent).filter((agent) => agent !== "early");
    expect(locks.map(({ mode }) => mode)).toEqual(["intent", "intent", "intent"]);
    const told = async (agent: string) =>
      (await call("read_messages", { agent })).messages.map(({ from, subject }) => `${from}: ${subject ?? ""}`).sort();
    expect(await told("early")).toEqual(editors.map((agent) => `${agent}: Files that you share`).sort());
    for (const editor of editors) expect(await told(editor)).toContain("early: Files that you share");
  });

  test("an edit takes no lock of a free file that another agent waits for together with one that is held", async () => {
    const { take, ask, call } = await repository();
    await call("acquire_file_lock", { agent: "holder", paths: ["b.ts"] });
    const wait = { agent: "waiter", paths: ["a.ts", "b.ts"], wait_seconds: 0.05 };
    expect(await call("acquire_file_lock", wait)).toMatchObject({ outcome: "queued" });
    expect(await take(FIRST, "a.ts")).toEqual([]);
    expect(await ask(SECOND, "a.ts")).toMatchObject({ others: [] });
    const { offered } = await call("release_file_lock", { agent: "holder", all: true });
    expect(offered).toEqual([{ agent: "waiter", paths: ["a.ts", "b.ts"] }]);
    expect(await ask(FIRST, "a.ts")).toMatchObject({ others: [{ path: "a.ts", agent: "waiter" }] });
  });

  test("a call of a hook without files is a sign of the agent, once in a few seconds", async () => {
    const { app, take, clock } = await repository();
    await take(FIRST, "a.ts");
    const engine = await app.background("hook");
    const isDue = async () => (await engine.read((ctx) => holdingsOf(ctx, FIRST, []))).isDue;
    expect(await isDue()).toBe(false);
    clock.advance(60_000);
    expect(await isDue()).toBe(true);
    await engine.transact((ctx) => takeEditedFiles(ctx, FIRST, []));
    expect(await isDue()).toBe(false);
  });

  test("a committed file that an edit alone had locked is free again, by its editor's commit and no other's", async () => {
    const { take, free, ask } = await repository();
    await take(FIRST, "a.ts");
    await free(SECOND, "a.ts");
    expect(await ask(SECOND, "a.ts")).toMatchObject({ others: [{ path: "a.ts" }] });
    await free(FIRST, "a.ts");
    expect(await ask(SECOND, "a.ts")).toMatchObject({ others: [] });
    expect(await take(SECOND, "a.ts")).toEqual([]);
  });

  test("an edit of an agent with one running task is for that task, and free with its end", async () => {
    const { take, ask, call } = await repository();
    await take(FIRST, "a.ts");
    const agent = handleOf("claude-code", "client:one");
    const { task } = await call("create_task", { title: "Move it", prompt: "Move it." });
    const { lease } = await call("claim_task", { agent });
    await take(FIRST, "b.ts");
    const held = { path: "b.ts", task: { key: task.key, title: "Move it" } };
    expect(await ask(SECOND, "b.ts")).toMatchObject({ others: [held] });
    await call("complete_task", { task: task.id, token: lease?.token ?? 0, agent });
    expect(await ask(SECOND, "b.ts")).toMatchObject({ others: [] });
  });

  test("a lock that was asked for by hand is respected, but for the origin whose environment has its handle", async () => {
    const { ask, call } = await repository();
    await call("acquire_file_lock", { paths: ["src/"], reason: "a move" });
    const others = [{ path: "src/a.ts", lockedPath: "src/", agent: "hand", reason: "a move" }];
    expect(await ask(FIRST, "src/a.ts")).toMatchObject({ others });
    expect(await ask({ ...FIRST, ownHandle: "hand" }, "src/a.ts")).toMatchObject({
      others: [],
      own: [expect.any(String)],
    });
  });

  test("a client that cannot be told is denied nothing that one of its kind may hold as itself", async () => {
    const { take, ask } = await repository();
    await take(FIRST, "a.ts");
    const unknown = {
      ...FIRST,
      conversation: undefined,
      process: undefined,
      ancestors: [{ pid: 9, processStartedAt: 0 }],
    };
    expect(await ask(unknown, "a.ts")).toMatchObject({ others: [] });
    expect(await ask({ ...unknown, client: "gemini" }, "a.ts")).toMatchObject({ others: [{ path: "a.ts" }] });
  });
});
