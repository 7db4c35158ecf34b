import { describe, expect, test } from "vitest";
import { parseDefinition, requireDefinition } from "../../../src/engine/definitions/definition.js";
import { defaultSettings } from "../../../src/base/settings/defaults.js";

const limits = defaultSettings;
const human = (rest: object) => ({ key: "a", kind: "human", ask: "?", ...rest });
const DEFAULT_APPROVE = { default_decision: "approve", timeouts: { schedule_to_close: "3d" } };

function problemOf(step: object): [path: string | undefined, message: string | undefined] {
  const parsed = parseDefinition({ name: "w", steps: [step] }, { limits });
  const problems = "problems" in parsed ? parsed.problems : [];
  expect(problems.length).toBeLessThanOrEqual(1);
  return [problems[0]?.path, problems[0]?.message];
}

test.each(["PS4", "BASH_ENV"])("a value under %s, which a shell evaluates, is refused", (name) => {
  const step = { key: "a", kind: "command", run: "true", for_each: ["x"] };
  expect(problemOf({ ...step, env: { [name]: "${{ item }}" } })).toEqual([
    `steps[0].env.${name}`,
    `a shell evaluates what ${name} holds: give the value to a variable with another name`,
  ]);
  expect(problemOf({ ...step, env: { [name]: "+ ", VALUE: "${{ item }}" } })).toEqual([undefined, undefined]);
});

describe("conditions that no answer, event or result can meet", () => {
  test.each([
    [{ key: "a", kind: "wait", for: "1h", output: true }, "output", /^the result of a timer is its time/],
    [{ key: "a", kind: "gate", checks: ["true"], output: {} }, "output", /^the result of a gate is that of its/],
    [
      human({ output: { required: ["note", "decison"] } }),
      "output.required[1]",
      /^the result of a human step never has "decison" \(did you mean "decision"\?\): it may have decision, answers/,
    ],
    [
      { key: "a", kind: "wait", event: "e", output: { required: ["number"] } },
      "output.required[0]",
      /^the result of a wait step never has "number": it may have event, payload$/,
    ],
    [
      { key: "a", kind: "workflow", workflow: "w", output: { required: ["hash"] } },
      "output.required[0]",
      /^the result of a workflow step never has "hash"/,
    ],
    [human({ default_decision: "approve" }), "default_decision", /^needs a time limit: timeouts: \{ schedule_to_close/],
    [
      human({ ...DEFAULT_APPROVE, form: { required: ["version"], properties: { version: { type: "string" } } } }),
      "default_decision",
      /^approve gives no answers, and answers\.version is required/,
    ],
    [
      human({ ...DEFAULT_APPROVE, output: { type: "object", required: ["answers"] } }),
      "default_decision",
      /^approve gives no answers, and result\.answers is required/,
    ],
    [human({ form: { type: "objet" } }), "form.type", /^must be one of object, array/],
    [human({ form: { type: "string" } }), "form.type", /^must be "object": each answer has a name$/],
    [
      human({ form: { properties: { a: { format: "email" } } } }),
      "form.properties.a.format",
      /^this keyword of JSON Schema is not checked here/,
    ],
  ])("%j is refused", (step, path, message) => {
    expect(problemOf(step)).toEqual([`steps[0].${path}`, expect.stringMatching(message)]);
  });

  test.each([
    human({
      output: { type: "object", required: ["decision", "by"] },
      form: { properties: { a: { type: "number" } } },
    }),
    human({ ...DEFAULT_APPROVE, form: { properties: { a: { type: "number" } } }, output: { required: ["decision"] } }),
    human({ ...DEFAULT_APPROVE, default_decision: "reject", form: { required: ["a"] } }),
    { key: "a", kind: "wait", event: "e", output: { required: ["payload"] } },
    { key: "a", kind: "workflow", workflow: "w", output: { required: ["steps"] } },
    { key: "a", prompt: "p", output: { required: ["whatever"] } },
  ])("%j is taken", (step) => {
    expect(() => requireDefinition({ name: "w", steps: [step] }, { limits })).not.toThrow();
  });
});

test.each([
  ["build", []],
  ["apart", ["which does not come before the gate: add it to needs"]],
  ["test", ["which is a command step, and only agent steps are reviewed"]],
  ["biuld", ['which is not a step (did you mean "build"?)']],
])("a gate that wants the review of %s is held against the steps before it", (key, messages) => {
  const steps = [
    { key: "build", prompt: "p" },
    { key: "apart", prompt: "p" },
    { key: "test", kind: "command", run: "true", needs: ["build"] },
    { key: "gate", kind: "gate", reviews: [key], needs: ["test"] },
  ];
  const parsed = parseDefinition({ name: "w", steps }, { limits });
  const problems = "problems" in parsed ? parsed.problems : [];
  expect(problems.map(({ path, message }) => `${path}: ${message}`)).toEqual(
    messages.map((message) => `steps[3].reviews[0]: names "${key}", ${message}`),
  );
});
