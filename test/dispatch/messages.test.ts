import { expect, test } from "vitest";
import { BatonError } from "../../src/base/errors.js";
import { catalogue } from "../../src/tools/registry.js";
import { brokenRules } from "../support/sentences.js";
import { startApp, type TestApp } from "../support/servers/app.js";

type Input = Record<string, unknown>;
interface Property {
  readonly type?: string;
  readonly enum?: readonly unknown[];
}
interface Refusal {
  readonly call: string;
  readonly code: string;
  readonly message: string;
  readonly next: readonly unknown[];
}

function wrongValue({ type }: Property): unknown {
  return type === "object" ? "zz" : { zz: 1 };
}

function plausibleValue({ type, enum: choices }: Property): unknown {
  if (choices) return choices[0];
  if (type === "array") return ["zz"];
  if (type === "object") return {};
  return type === "integer" || type === "number" ? 1 : "zz";
}

/** Inputs of every kind that an operation refuses: an unknown key, a value of a wrong type, a missing one, ids of nothing. */
function badInputs(name: string): Input[] {
  const { properties = {}, required = [] } = catalogue.inputSchema(catalogue.require(name)) as {
    properties?: Record<string, Property>;
    required?: string[];
  };
  const wrong = Object.entries(properties).map(([key, property]) => ({ [key]: wrongValue(property) }));
  const missing = required.length > 0 ? [{}] : [];
  const references = ["run", "task", "project", "agent", "session", "cursor"].filter((key) => key in properties);
  const filled = Object.fromEntries(required.map((key) => [key, plausibleValue(properties[key] ?? {})]));
  const unknown =
    required.length > 0 ? [filled] : references.filter((key) => key !== "agent").map((key) => ({ [key]: "zz" }));
  return [{ zz: 1 }, ...wrong, ...missing, ...unknown];
}

async function refusalsOfAll(): Promise<Refusal[]> {
  const { callUnchecked } = await startApp({ settings: { wait_max_ms: 1 } });
  const refusals: Refusal[] = [];
  for (const { name } of catalogue.all) {
    for (const input of badInputs(name)) {
      try {
        await callUnchecked(name, input);
      } catch (error) {
        if (!(error instanceof BatonError)) throw error;
        const { code, message, next } = error;
        refusals.push({ call: `${name} ${JSON.stringify(input)}`, code, message, next });
      }
    }
  }
  return refusals;
}

test("refusals of every operation follow the rules for sentences, and name the next call for what was not found", async () => {
  const refusals = await refusalsOfAll();
  const refusing = new Set(refusals.map(({ call }) => call.split(" ")[0]));
  expect(catalogue.all.map(({ name }) => name).filter((name) => !refusing.has(name))).toEqual([]);
  const broken = refusals.flatMap(({ call, message }) =>
    brokenRules(message).map((rule) => `${rule}: ${call}: ${message}`),
  );
  expect(broken).toEqual([]);
  const silent = refusals.filter(({ code, next }) => code === "not_found" && next.length === 0);
  expect(silent.map(({ call, message }) => `${call}: ${message}`)).toEqual([]);
});

type Send = TestApp["call"];

/** A run of one task that an agent has claimed. */
async function claimedRun(send: Send, agent: string): Promise<{ run: string; task: string; token: number }> {
  const definition = { name: "one", steps: [{ key: "a", prompt: "Do it" }] };
  const { run } = await send("execute_workflow", { definition });
  const claimed = await send("claim_task", { run: run.id, agent });
  return { run: run.id, task: claimed.task!.id, token: claimed.lease!.token };
}

/** Task of a question that a person has decided already. */
async function decidedQuestion(send: Send): Promise<string> {
  const definition = { name: "asks", steps: [{ key: "ask", kind: "human", ask: "Release?" }] };
  const { run } = await send("execute_workflow", { definition });
  const { tasks } = await send("list_tasks", { run: run.id });
  const id = tasks[0]?.id ?? "none";
  await send("decide_escalation", { id, decision: "approved" });
  return id;
}

test("refusals for a wrong state follow the same rules", async () => {
  const { call, callUnchecked } = await startApp({ settings: { wait_max_ms: 1 }, channel: "human", agent: "ann" });
  const decided = await decidedQuestion(call);
  const running = await claimedRun(call, "ben");
  const { run, task, token } = await claimedRun(call, "ann");
  const held = { task, token, agent: "ann" };
  await call("complete_task", { ...held, result: 1 });
  const refused: [string, string, Input][] = [
    ["stale_token", "complete_task", { task: running.task, token: 99, agent: "ben", result: 1 }],
    ["stale_token", "report_progress", { task: running.task, token: 99, agent: "ben" }],
    ["invalid_transition", "control_run", { run: running.run, action: "resume" }],
    ["conflict", "complete_task", { ...held, result: 2 }],
    ["stale_token", "fail_task", { ...held, error: { type: "x", message: "x" } }],
    ["stale_token", "release_task", held],
    ["invalid_transition", "cancel_task", { task }],

    ["invalid_transition", "modify_run", { run, changes: [{ op: "remove_task", task: "a" }] }],
    ["invalid_transition", "control_run", { run, action: "pause" }],
    ["invalid_transition", "control_run", { run, action: "resume" }],
    ["invalid_transition", "decide_escalation", { id: decided, decision: "approved" }],
  ];
  for (const [expected, name, input] of refused) {
    const error = await callUnchecked(name, input).then(
      (result) => new Error(`not refused: ${JSON.stringify(result)}`),
      (thrown: unknown) => thrown as BatonError,
    );
    const { message } = error;
    const code = error instanceof BatonError ? error.code : "none";
    expect
      .soft({ name, input, code, message, broken: brokenRules(message) })
      .toMatchObject({ code: expected, broken: [] });
  }
});

test.each([
  ['"foo" is no setting.', 1],
  ["The cursor is none that this list has given.", 1],
  ["Whoever holds it is asked.", 2],
  ["There is no run zz.", 0],
  ["got 1..", 1],
  ["The letter is pending.", 1],
])("the rules bite: %s", (message, broken) => {
  expect(brokenRules(message)).toHaveLength(broken);
});
