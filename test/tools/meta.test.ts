import { describe, expect, test } from "vitest";
import { BatonError } from "../../src/base/errors.js";
import { catalogue, type ResultOf } from "../../src/tools/registry.js";
import { startApp, type TestApp } from "../support/servers/app.js";

const namesOf = ({ operations }: ResultOf<"find_operations">) => operations.map(({ name }) => name);

describe("find_operations", () => {
  test("without a query tells every operation, also those that are not tools", async () => {
    const { call } = await startApp();
    expect(namesOf(await call("find_operations"))).toEqual(catalogue.all.map(({ name }) => name));
  });

  test("ranks what the words name above what they describe", async () => {
    const { call } = await startApp();
    const names = namesOf(await call("find_operations", { query: "query operation" }));
    expect(names[0]).toBe("query_operation");
    expect(names).toContain("find_operations");
  });

  test("keeps to an area", async () => {
    const { call } = await startApp();
    const names = namesOf(await call("find_operations", { area: "meta" }));
    expect(names).toEqual(["find_operations", "query_operation", "call_operation"]);
  });

  test("returns the full input schema of one exact name, or alias", async () => {
    const { call } = await startApp();
    for (const { name, aliases = [] } of catalogue.all) {
      for (const query of [name, ...aliases]) {
        expect(await call("find_operations", { query })).toMatchObject({
          operation: { name, input_schema: { type: "object" } },
        });
      }
    }
  });

  test("works while the database cannot be opened", async () => {
    const { call } = await startApp({ database: "/dev/null/baton.db" });
    expect(namesOf(await call("find_operations", { area: "meta" }))).toHaveLength(3);
  });
});

describe("query_operation and call_operation", () => {
  test("do not reach each other, so that a call ends", async () => {
    const { call } = await startApp();
    const inner = { name: "call_operation", arguments: { name: "find_operations", arguments: {} } };
    await expect(call("call_operation", inner)).rejects.toMatchObject({ code: "invalid_input" });
  });

  test("say what is wrong inside as the operation itself would", async () => {
    const { call } = await startApp();
    const error: unknown = await call("query_operation", { name: "no_such_thing" }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BatonError);
    expect(error).toMatchObject({ code: "not_found" });
  });
});

describe("an alias whose name promises more than the operation does by itself", () => {
  test("asks for it, and what the caller says wins", async () => {
    const { call, callUnchecked } = await startApp();
    const definition = {
      name: "two",
      steps: [
        { key: "first", prompt: "x" },
        { key: "second", prompt: "y", needs: ["first"] },
      ],
    };
    const { run } = await call("execute_workflow", { definition });
    const keysOf = ({ tasks }: Record<string, unknown>) => (tasks as { key: string }[]).map(({ key }) => key);
    expect(keysOf(await call("list_tasks", { run: run.id }))).toEqual(["first", "second"]);
    expect(keysOf(await callUnchecked("get_ready_tasks", { run: run.id }))).toEqual(["first"]);
    expect(keysOf(await callUnchecked("get_ready_tasks", { run: run.id, status: "pending" }))).toEqual(["second"]);
    const nested = { name: "get_ready_tasks", arguments: { run: run.id } };
    const { result } = await call("query_operation", nested);
    expect(keysOf(result)).toEqual(["first"]);

    const task = `${run.id}/first`;
    expect(Object.keys(await callUnchecked("get_task_status", { task }))).not.toContain("events");
    expect(await callUnchecked("get_task_history", { task })).toMatchObject({ attempts: [], events: [] });
    expect(Object.keys(await callUnchecked("get_agent_workload_history", await anAgent(call)))).toEqual([
      "agent",
      "workload",
      "history",
    ]);
  });

  test("is an alias, and what it asks for is input that the operation takes", () => {
    for (const { aliases = [], aliasInput = {}, input } of catalogue.all) {
      for (const [alias, asked] of Object.entries(aliasInput)) {
        expect(aliases).toContain(alias);
        expect(input.partial().strict().safeParse(asked).error).toBeUndefined();
      }
    }
  });
});

async function anAgent(call: TestApp["call"]) {
  await call("register_agent", { name: "ann", capabilities: [] });
  return { agent: "ann" };
}
