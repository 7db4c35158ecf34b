import { describe, expect, it, test } from "vitest";
import { STEP_KINDS } from "../../src/base/statuses.js";
import { exampleCall } from "../../src/dispatch/guide/examples.js";
import { exampleOf, exampleResult } from "../../src/engine/steps/example-result.js";
import { parseInput } from "../../src/dispatch/input.js";
import { renderResult } from "../../src/dispatch/render.js";
import { STEP_EXAMPLES, stepGuide } from "../../src/dispatch/guide/step-guide.js";
import { toolEntries } from "../../src/dispatch/published.js";
import { stepSchema } from "../../src/engine/definitions/schema.js";
import { catalogue } from "../../src/tools/registry.js";
import { startApp } from "../support/servers/app.js";

const STEPS_TOKENS_MAX = 1_000;

describe("find_operations", () => {
  const server = () => startApp();

  test.each([
    ["list locks", "list_file_locks"],
    ["what do I hold", "list_file_locks"],
    ["who holds a file", "list_file_locks"],
    ["lock a file", "acquire_file_lock"],
    ["review by another agent", "execute_workflow"],
    ["verdict of a review", "submit_review"],
    ["who did what", "list_tasks"],
    ["next task", "claim_task"],
    ["cancel run", "control_run"],
    ["retry a failed task", "replay_dead_letter"],
    ["update task status", "complete_task"],
    ["approve", "decide_escalation"],
    ["insert gate", "modify_run"],
    ["heartbeat", "agent_heartbeat"],
    ["budget", "set_budget"],
  ])("finds for %j %s first", async (query, name) => {
    const { call } = await server();
    const { operation, operations } = await call("find_operations", { query });
    expect(operation?.name ?? operations[0]?.name).toBe(name);
  });

  it("for one exact name answers only that operation, with an example that it takes", async () => {
    const { call } = await server();
    for (const operation of catalogue.all) {
      const found = await call("find_operations", { query: operation.name });
      expect(found.operations).toEqual([]);
      expect(found.operation).toMatchObject({ name: operation.name, answers: expect.any(Object) });
      const { example } = found.operation!;
      expect(() => parseInput(operation, example)).not.toThrow();
    }
  });

  it("shows how steps are written where an operation takes them, whole within one answer", async () => {
    const { call } = await server();
    const found = await call("find_operations", { query: "execute_workflow" });
    expect(found.operation!.steps).toEqual(stepGuide());
    const { text } = renderResult(found);
    for (const kind of STEP_KINDS) expect(text).toContain(`kind: ${kind}`);
    expect(Buffer.byteLength(JSON.stringify(stepGuide())) / 4).toBeLessThan(STEPS_TOKENS_MAX);
    expect((await call("find_operations", { query: "get_run" })).operation).not.toHaveProperty("steps");
  });
});

describe("the guide to steps", () => {
  it("names every key of every kind, and gives of each kind an example that is valid", async () => {
    const { keys, kinds } = stepGuide();
    for (const { kind, keys: own, example } of kinds) {
      const schema = stepSchema({ kind });
      if ("field" in schema) throw new Error(schema.message);
      const named = new Set([...Object.keys(keys), "kind", ...own.split(", ").map((key) => key.replace("?", ""))]);
      expect(Object.keys(schema.shape).filter((key) => !named.has(key))).toEqual([]);
      expect(schema.safeParse(example).error).toBeUndefined();
    }
    const { call } = await startApp();
    const steps = STEP_KINDS.map((kind) => STEP_EXAMPLES[kind]);
    const inputs = { version: { type: "string", required: true } };
    const definition = { name: "all-kinds", inputs, steps };
    expect(await call("validate_workflow", { definition })).toMatchObject({ valid: true, problems: [] });
  });

  it("stands in short in the two tools that start and store plans: every kind with its keys, and an example that is valid", async () => {
    const { call } = await startApp();
    for (const name of ["execute_workflow", "create_workflow"]) {
      const { inputSchema } = toolEntries(catalogue.all).find(({ tool }) => tool.name === name)!.tool;
      const { definition } = inputSchema["properties"] as { definition: { description: string } };
      for (const kind of STEP_KINDS) expect(definition.description).toContain(`${kind} {`);
      const json = /^\{.*?\}\]\}/.exec(definition.description)?.[0] ?? "";
      const parsed = JSON.parse(json) as Record<string, unknown>;
      expect(await call("validate_workflow", { definition: parsed })).toMatchObject({ valid: true });
    }
  });
});

describe("an example of a JSON Schema", () => {
  test.each([
    [{ type: "object", required: ["a"], properties: { a: { type: "integer" }, b: {} } }, { a: 1 }],
    [
      { type: "object", properties: { a: { type: "string" }, b: { type: "boolean" } } },
      { a: "…", b: true },
    ],
    [{ type: "array", items: { enum: ["x", "y"] } }, ["x"]],
    [{ anyOf: [{ type: "number", minimum: 3 }, { type: "string" }] }, 3],
    [{ type: ["string", "null"] }, "…"],
    [{ const: 7 }, 7],
    [true, "…"],
  ])("of %j is %j", (schema, expected) => {
    expect(exampleOf(schema)).toEqual(expected);
  });

  it("proposes no choice where it stands for a result", () => {
    expect(exampleResult({ type: "array", items: { enum: ["x", "y"] } })).toEqual(["x | y"]);
    expect(exampleResult({ enum: ["x"] })).toBe("x");
  });

  it("is what an operation requires, where it has none of its own", () => {
    expect(exampleCall(catalogue.require("get_run"))).toEqual({ run: "run_…" });
    expect(exampleCall(catalogue.require("list_runs"))).toEqual({});
  });
});
