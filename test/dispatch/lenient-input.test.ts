import { describe, expect, it, test } from "vitest";
import { BatonError } from "../../src/base/errors.js";
import { asWanted } from "../../src/dispatch/input/coercion.js";
import { withOwnNames } from "../../src/dispatch/input/foreign-names.js";
import { parseInput } from "../../src/dispatch/input.js";
import type { Operation } from "../../src/dispatch/operation.js";
import { toolEntries } from "../../src/dispatch/published.js";
import { catalogue } from "../../src/tools/registry.js";
import { sampleOf } from "../support/sample.js";
import { startApp } from "../support/servers/app.js";

type Property = Readonly<Record<string, unknown>>;

/** Every parameter of every operation, with its JSON Schema. */
const parameters = catalogue.all.flatMap((operation) => {
  const { properties = {}, required = [] } = catalogue.inputSchema(operation) as {
    properties?: Record<string, Property>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    operation,
    name,
    schema,
    isOptional: !required.includes(name),
    label: `${operation.name}.${name}`,
  }));
});

/** Texts that an empty one clears: absent, they stay as they are. */
const CLEARED = new Set(["update_project.description"]);

const acceptsText = ({ type, enum: values }: Property) =>
  values !== undefined || type === "string" || (Array.isArray(type) && type.includes("string"));

/** The value of one parameter as dispatch reads it; undefined where it is absent. */
function readAlone({ input }: Operation, name: string, value: unknown): unknown {
  const { [name]: read } = asWanted(input, { [name]: value });
  return read;
}

describe("every parameter", () => {
  it("is published with a type, also in nested objects and lists", () => {
    const untyped = (schema: Property, at: string): string[] =>
      Object.entries(schema["properties"] ?? {}).flatMap(([name, inner]: [string, Property]) => [
        ...(inner["type"] === undefined ? [`${at}.${name}`] : []),
        ...untyped(inner, `${at}.${name}`),
        ...untyped((inner["items"] ?? {}) as Property, `${at}.${name}[]`),
      ]);
    expect(toolEntries(catalogue.all).flatMap(({ tool }) => untyped(tool.inputSchema, tool.name))).toEqual([]);
    expect(catalogue.all.flatMap((one) => untyped(catalogue.inputSchema(one), one.name))).toEqual([]);
  });

  it("that takes no text takes its value as JSON text", () => {
    const others = parameters.filter(({ schema }) => !acceptsText(schema));
    expect(others.length).toBeGreaterThan(90);
    const wrong = others.filter(({ operation, name, schema }) => {
      const value = sampleOf({ ...schema, type: [schema["type"]].flat()[0] });
      return JSON.stringify(readAlone(operation, name, JSON.stringify(value))) !== JSON.stringify(value);
    });
    expect(wrong.map(({ label }) => label)).toEqual([]);
  });

  it("that takes a list of texts takes its only element without the list", () => {
    const lists = parameters.filter(({ schema }) => {
      const items = schema["items"] as Property | undefined;
      return schema["type"] === "array" && items?.["type"] === "string";
    });
    expect(lists.length).toBeGreaterThan(15);
    const wrong = lists.filter(({ operation, name, schema }) => {
      const { enum: words } = schema["items"] as { enum?: string[] };
      const [given, read] = words ? [words.slice(0, 2).join(", "), words.slice(0, 2)] : ["a, b", ["a, b"]];
      return JSON.stringify(readAlone(operation, name, given)) !== JSON.stringify(read);
    });
    expect(wrong.map(({ label }) => label)).toEqual([]);
    const requires = parameters.find(({ label }) => label === "create_task.requires");
    // The beginning of a list is a mistake, and no capability of that name.
    expect(requires && readAlone(requires.operation, "requires", '["a"')).toBe('["a"');
  });

  it("that is optional takes null and an empty text as absent", () => {
    const optional = parameters.filter(({ isOptional, label }) => isOptional && !CLEARED.has(label));
    const wrong = optional.filter(({ operation, name, schema }) => {
      const empty = [schema["type"]].flat().length < 4 ? readAlone(operation, name, "") : undefined;
      const isNull = readAlone(operation, name, null);
      return empty !== undefined || (isNull !== undefined && [schema["type"]].flat().length < 4);
    });
    expect(wrong.map(({ label }) => label)).toEqual([]);
  });
});

test.each([
  ["list_tasks.status", "Done", "succeeded"],
  ["list_tasks.status", "in-progress", "running"],
  ["list_tasks.status", "failed", "dead_letter"],
  ["list_runs.status", "failed", "failed"],
  ["list_runs.status", "Completed", "succeeded"],
  ["create_task.priority", "medium", "normal"],
  ["create_task.trigger", "all_success", "all_succeeded"],
  ["control_run.action", "abort", "cancel"],
  ["acquire_file_lock.mode", "write", "exclusive"],
  // Whether the run is to be paused or cancelled is not said.
  ["control_run.action", "stop", "stop"],
])("%s: %s is read as %s", (label, given, read) => {
  const parameter = parameters.find((one) => one.label === label);
  expect(parameter && readAlone(parameter.operation, parameter.name, given)).toBe(read);
});

describe("dispatch", () => {
  test.each([
    ["create_task", { title: "t", prompt: "p", files: { write: '["a.ts"]', read: null }, requires: "[]", key: "" }],
    ["acquire_file_lock", { paths: '["a.ts"]', ttl_seconds: "60", mode: "", task: null }],
    ["list_tasks", { limit: "5", status: "", run: null, cursor: "" }],
    ["create_workflow", { definition: '{"name":"w","steps":[{"key":"a","prompt":"x"}]}', yaml: "" }],
    ["query_operation", { name: "list_runs", arguments: null }],
    ["query_operation", { name: "list_runs", arguments: '{"limit":"2"}' }],
  ])("takes for %s %j what some clients send", async (name, input) => {
    const { callUnchecked } = await startApp({ cwd: process.cwd() });
    expect(await callUnchecked(name, input)).toBeTypeOf("object");
  });

  test.each([
    ["a number that JSON cannot hold", { name: "s", max_parallel_tasks: "1e400" }, /max_parallel_tasks/],
    ["a text that only begins as JSON", { name: "s", max_parallel_tasks: "3 tasks" }, /must be a number, not a string/],
    ["another kind", { name: "s", max_parallel_tasks: "[3]" }, /must be a number/],
    ["null where a value is needed", { session: null }, /"session" must be a string, not null/],
  ])("still refuses %s", async (_, input, message) => {
    const { callUnchecked } = await startApp({ cwd: process.cwd() });
    const name = "session" in input ? "close_session" : "create_session";
    await expect(callUnchecked(name, input)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(message),
    });
  });
});

test("every list in the order of ids refuses a cursor that it has not given", async () => {
  const { callUnchecked, call } = await startApp({ channel: "human" });
  const { run } = await call("execute_workflow", { definition: { name: "w", steps: [{ key: "a", prompt: "p" }] } });
  const lists = catalogue.all.filter(({ input, effect }) => effect === "read" && "cursor" in input.shape);
  const byName = new Set([
    "list_projects",
    "list_workflows",
    "list_agents",
    "list_schedules",
    "get_learning",
    "list_circuit_breakers",
  ]);
  const calls = lists
    .filter(({ name }) => !byName.has(name))
    .map(async ({ name, input }) => {
      const args = { cursor: "garbage", ...("run" in input.shape && { run: run.id }) };
      const refused = await callUnchecked(name, args).then(
        () => "taken",
        (error: unknown) => (error instanceof BatonError ? error.code : error),
      );
      return [name, refused];
    });
  const refusals = await Promise.all(calls);
  expect(refusals.filter(([, refused]) => refused !== "invalid_input")).toEqual([]);
  expect(refusals.length).toBeGreaterThan(6);
});

test.each(["claim-task", "claimTask", "Claim_Task", "mcp__baton__claim_task", "baton.claim_task", "next-task"])(
  "the operation %s is claim_task",
  (name) => {
    expect(catalogue.find(name)?.name).toBe("claim_task");
  },
);

test("messages and handoffs take the keys of the founding documents", () => {
  const own = (name: string, input: Record<string, unknown>) => withOwnNames(catalogue.require(name), input);
  const said = {
    from_agent: "ann",
    to_agent: "ben",
    message_type: "question",
    content: "why?",
    context: { table: "users" },
  };
  const read = { agent: "ann", to: "ben", type: "question", body: "why?", data: { table: "users" } };
  expect(own("send_message", said)).toEqual(read);
  const offered = { task: "task_1", token: 1, from_agent: "ann", to_agent: "ben", reason: "tired", context: { at: 1 } };
  const offer = { task: "task_1", token: 1, agent: "ann", to: "ben", reason: "tired", context: { at: 1 } };
  expect(own("request_handoff", offered)).toEqual(offer);
});

test("a claim of a certain task is refused with the calls that reserve and claim it", () => {
  const claim = () => withOwnNames(catalogue.require("claim_task"), { run: "run_1", task: "a", agent: "ann" });
  expect(claim).toThrow(
    expect.objectContaining({
      code: "invalid_input",
      next: [
        { tool: "call_operation", arguments: { name: "assign_task", arguments: { task: "run_1/a", agent: "ann" } } },
        { tool: "claim_task", arguments: { run: "run_1", agent: "ann" } },
      ],
    }),
  );
});

test.each([
  ["acquire_file_lock", "ttl_seconds", "10m", 600],
  ["wait_for", "timeout_seconds", "500ms", 0.5],
])("%s takes %s with a unit too: %s", (...[operation, name, given, read]) => {
  expect(readAlone(catalogue.require(operation), name, given)).toBe(read);
});

describe("names of other systems", () => {
  const own = (name: string, input: Record<string, unknown>) => withOwnNames(catalogue.require(name), input);

  test.each([
    ["get_swarm_progress", { swarm_id: "run_1" }, { run: "run_1" }],
    ["claim_task", { agent_id: "a", runId: "run_1", waitSeconds: 5 }, { agent: "a", run: "run_1", wait_seconds: 5 }],
    ["register_agent", { agent_id: "a" }, { name: "a" }],
    ["acquire_file_lock", { filepath: "a.ts", agent_id: "b" }, { paths: "a.ts", agent: "b" }],
    ["get_task", { run: "run_1", task: "a" }, { task: "run_1/a" }],
    ["complete_task", { run_id: "run_1", task_id: "task_1", token: 1 }, { task: "task_1", token: 1 }],
    ["wait_for", { run: "run_1", task: "a" }, { run: "run_1", task: "run_1/a" }],
    [
      "execute_workflow",
      { name: "w", steps: [{}], agent: "a" },
      { definition: { name: "w", steps: [{}] }, agent: "a" },
    ],
    ["execute_workflow", { definition: [{ key: "a" }] }, { definition: { steps: [{ key: "a" }] } }],
    ["create_workflow", { name: "w", steps: [{}] }, { definition: { name: "w", steps: [{}] } }],
    ["claim_task", { role: "dev", capabilities: ["ts"] }, { roles: "dev", requires: ["ts"] }],
    ["discard_dead_letter", { run: "run_1", task: "a", notes: "n" }, { id: "run_1/a", notes: "n" }],
    [
      "fail_task",
      { task: "t", token: 1, error: { message: "no" } },
      { task: "t", token: 1, error: { type: "error", message: "no" } },
    ],
    ["resolve_dead_letter", { task: "task_1", notes: "n" }, { id: "task_1", notes: "n" }],
    ["call_operation", { operation: "list_runs", args: {} }, { name: "list_runs", arguments: {} }],
    ["create_task", { title: "t", prompt: "p", files: "a" }, { title: "t", prompt: "p", files: { write: "a" } }],
    ["create_task", { title: "t", prompt: "p", files: ["a"] }, { title: "t", prompt: "p", files: { write: ["a"] } }],
    ["check_file_lock", { file_path: "a.ts" }, { path: "a.ts" }],
    ["execute_workflow", { workflow_name: "w", parameters: { n: 1 } }, { workflow: "w", inputs: { n: 1 } }],
    ["get_workflow", { workflow_name: "w" }, { name: "w" }],
    ["create_project", { name: "p", project_path: "/p", template_name: "t" }, { name: "p", root: "/p", template: "t" }],
    ["create_task", { name: "t", prompt: "p", depends_on: ["a"] }, { title: "t", prompt: "p", dependencies: ["a"] }],
    [
      "report_task_failure",
      { task: "t", token: 1, error: "no" },
      { task: "t", token: 1, error: { type: "error", message: "no" } },
    ],
    ["report_task_completion", { task_id: "t", token: 1, success: true }, { task: "t", token: 1 }],
  ])("are read by %s: %j", (name, input, expected) => {
    const read = own(name, input);
    expect(read).toEqual(expected);
    const operation = catalogue.require(name);
    expect(() => parseInput(operation, asWanted(operation.input, read))).not.toThrow();
  });

  it("are never read where the operation has a key of that name, or where both names are given", () => {
    expect(own("create_project", { name: "p", description: "d" })).toEqual({ name: "p", description: "d" });
    expect(own("get_run", { run: "a", run_id: "b" })).toEqual({ run: "a", run_id: "b" });
    expect(own("get_run", { run_id: "a", swarm_id: "b" })).toEqual({ run: "a", swarm_id: "b" });
  });

  it("a completion that says it did not succeed is refused with the call that fails the task", () => {
    expect(() => own("report_task_completion", { task: "t", token: 1, success: false })).toThrow(/call fail_task/);
  });
});
