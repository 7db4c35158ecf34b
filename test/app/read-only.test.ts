import { existsSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { catalogue } from "../../src/tools/registry.js";
import { BACKENDS, createDatabase, temporaryDirectory } from "../support/databases/databases.js";
import { dumpOf } from "../support/databases/dump.js";
import { startApp } from "../support/servers/app.js";
import { connectClient } from "../support/servers/client.js";

const READ_ONLY = { BATON_READ_ONLY: "1" };
const changing = catalogue.all.filter(({ effect }) => effect !== "read");

describe.each(BACKENDS)("a process that only reads, on %s", (backend) => {
  it("answers queries, refuses every operation that changes something, and leaves what is due", async () => {
    const database = await createDatabase(backend);
    const writer = await startApp({ database: database.location, agent: "ann" });
    await writer.call("create_project", { name: "p" });
    const { task } = await writer.call("create_task", { project: "p", title: "t", prompt: "x" });
    await writer.call("claim_task", { project: "p" });
    const before = await dumpOf(await database.open());
    const reader = await startApp({ database: database.location, env: { ...READ_ONLY, BATON_ALLOW_COMMANDS: "true" } });
    await reader.app.standBy("test");
    for (const { name } of changing)
      await expect(reader.callUnchecked(name, {})).rejects.toMatchObject({
        code: "not_permitted",
        details: { operation: name, read_only: true },
      });
    expect(await reader.call("get_task", { task: task.id })).toMatchObject({ task: { status: "running" } });
    const { operations } = await reader.call("find_operations", { query: "create a task" });
    expect(operations.filter(({ effect }) => effect !== "read")).toEqual([]);
    const nested = { name: "create_task", arguments: { title: "t", prompt: "x" } };
    await expect(reader.call("query_operation", nested)).rejects.toMatchObject({ code: "not_permitted" });
    // Leases, sessions and retention are long over: another process would act on them.
    await reader.advance(400 * 86_400_000);
    await reader.close();
    expect(await dumpOf(await database.open())).toEqual(before);
  });

  it("refuses a command that reaches the store by another way", async () => {
    const { location } = await createDatabase(backend);
    const { app } = await startApp({ database: location, env: READ_ONLY });
    const store = await app.store();
    const command = function* () {
      yield ["DELETE FROM settings"] as const;
    };
    await expect(store.transact(command)).rejects.toMatchObject({ code: "not_permitted" });
    await expect(store.read(command)).rejects.toThrow(/readonly|read-only|may not write/);
  });
});

it("makes no database where there is none", async () => {
  const file = path.join(temporaryDirectory(), "baton.db");
  const { call } = await startApp({ database: file, env: READ_ONLY });
  expect(await call("list_runs")).toMatchObject({ runs: [] });
  expect(existsSync(file)).toBe(false);
});

it("lists queries alone to its client, and says that it is read-only", async () => {
  const { client, answer } = await connectClient({ args: ["serve", "--read-only", "--toolsets", "all"] });
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(
    catalogue.all.filter(({ effect }) => effect === "read").map(({ name }) => name),
  );
  expect(client.getInstructions()).toMatch(/^This server is read-only/);
  const { isError, text } = await answer("claim_task");
  expect(isError).toBe(true);
  expect(text).toMatch(/read-only, and claim_task changes something/);
});
