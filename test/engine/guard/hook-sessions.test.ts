import { describe, expect, test } from "vitest";
import { handleOf } from "../../../src/base/names.js";
import { findHookCaller } from "../../../src/engine/guard/hook-caller.js";
import { type HookClient, mayBeCaller, openHookSession } from "../../../src/engine/guard/hook-sessions.js";
import type { Command } from "../../../src/engine/context.js";
import { BACKENDS } from "../../support/databases/databases.js";
import { startAppOn } from "../../support/servers/app.js";

const CLAUDE = { pid: 11, processStartedAt: 100 };

describe.each(BACKENDS)("the session of a client that its hooks alone have made known, on %s", (backend) => {
  /** Hooks of clients on one database. */
  async function hooks() {
    const { app } = await startAppOn(backend, { sessionless: true });
    const transact = async <T>(command: Command<T>) => (await app.background("hook")).transact(command);
    const open = (hook: Partial<HookClient> = {}) =>
      transact((ctx) => openHookSession(ctx, { client: "claude-code", conversation: "one", process: CLAUDE, ...hook }));
    const find = (conversation: string) =>
      transact((ctx) => findHookCaller(ctx, { ancestors: [CLAUDE], conversation }));
    return { open, find };
  }

  test("is one however often it is opened, with the handle that its server will have, also after /clear", async () => {
    const { open, find } = await hooks();
    const opened = await open();
    expect(opened?.agents).toEqual([handleOf("claude-code", "client:one")]);
    expect(await open()).toEqual(opened);
    expect(await find("cleared")).toMatchObject({ sessions: opened?.sessions, agents: opened?.agents, by: "process" });
  });

  test("is not opened for a client whose server would have another name, nor without an id", async () => {
    const { open } = await hooks();
    expect(await open({ client: "gemini" })).toBeUndefined();
    expect(await open({ client: "cursor" })).toBeUndefined();
    expect(await open({ conversation: undefined })).toBeUndefined();
    expect(await open({ conversation: "\u0000" })).toBeUndefined();
    expect(await open({ client: "codex" })).toMatchObject({ agents: [expect.stringMatching(/^codex-mcp-client-/)] });
  });
});

describe("a session may be that of a hook's caller", () => {
  const session = { host: "here", client: "claude-code", clientProcess: "11:100", goneAt: null };
  const shell = { pid: 5, processStartedAt: 50 };

  test.each([
    ["where its client has started the hook", {}, [shell, CLAUDE], true],
    ["unless the hook was started by another", {}, [shell], false],
    ["where the client is not known", { clientProcess: null }, [shell], true],
    ["where its client is gone, and may have been started again", { goneAt: 1 }, [shell], true],
    ["where processes cannot be told", {}, [{ pid: 5, processStartedAt: 0 }], true],
    ["unless it is on another machine", { host: "there" }, [CLAUDE], false],
    ["unless its client is of another kind", { client: "cursor-vscode" }, [CLAUDE], false],
  ] as const)("%s", (...[, differs, ancestors, expected]) => {
    const ctx = { caller: { host: "here" } } as Parameters<typeof mayBeCaller>[0];
    expect(mayBeCaller(ctx, { client: "claude-code", ancestors }, { ...session, ...differs })).toBe(expected);
  });

  test("in an editor, whose windows may share a process", () => {
    const ctx = { caller: { host: "here" } } as Parameters<typeof mayBeCaller>[0];
    const cursor = { ...session, client: "cursor-vscode" };
    expect(mayBeCaller(ctx, { client: "cursor", ancestors: [shell] }, cursor)).toBe(true);
    expect(mayBeCaller(ctx, { client: "vscode", ancestors: [shell] }, cursor)).toBe(false);
  });
});
