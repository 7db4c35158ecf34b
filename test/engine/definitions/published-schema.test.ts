import { AjvJsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/ajv";
import { describe, expect, test } from "vitest";
import { parseDefinition } from "../../../src/engine/definitions/definition.js";
import { defaultSettings } from "../../../src/base/settings/defaults.js";
import { workflowJsonSchema } from "../../../src/engine/definitions/published-schema.js";

const { $schema: dialect, ...schema } = workflowJsonSchema();
const validate = new AjvJsonSchemaValidator().getValidator(schema);

const parses = (definition: Record<string, unknown>) =>
  "definition" in parseDefinition(definition, { limits: defaultSettings });

const step = { key: "a", prompt: "Do it." };

describe("the published schema of a definition says what the parser says", () => {
  test.each<[string, Record<string, unknown>]>([
    ["the least", { name: "w", steps: [step] }],
    [
      "every key",
      {
        name: "w",
        description: "d",
        inputs: { path: { type: "string", default: ".", description: "d", enum: ["."], required: false } },
        defaults: {
          retry: { max_attempts: 3, initial_interval_ms: "2s" },
          timeouts: { start_to_close: "20m" },
          role: "backend",
          requires: ["typescript"],
          priority: "high",
        },
        max_parallel: 4,
        on_failure: "compensate",
        priority: "low",
        deadline: "2h",
        steps: [
          {
            ...step,
            kind: "agent",
            title: "t",
            files: { write: ["a/**"], read: ["b"] },
            output: { type: "object" },
            criteria: ["It works."],
            estimate_ms: 5_000,
            deadline: "2027-01-31T18:00:00Z",
          },
          { key: "b", kind: "command", needs: ["a"], trigger: "all_done", run: "true", cwd: "c", env: { CI: "1" } },
        ],
      },
    ],
  ])("takes %s", (_, definition) => {
    expect(parses(definition)).toBe(true);
    expect(validate(definition)).toMatchObject({ valid: true });
  });

  test.each<[string, Record<string, unknown>]>([
    ["no steps", { name: "w", steps: [] }],
    ["an unknown key", { name: "w", steps: [step], step: [] }],
    ["an unknown key of a step", { name: "w", steps: [{ ...step, need: [] }] }],
    ["a name that is none", { name: "w w", steps: [step] }],
    ["a step without work", { name: "w", steps: [{ key: "a" }] }],
    ["a kind of later", { name: "w", steps: [{ ...step, kind: "human" }] }],
    ["what to do after a failure that is no choice", { name: "w", on_failure: "halt", steps: [step] }],
    ["a variable that is none", { name: "w", inputs: { "a-b": { type: "string" } }, steps: [step] }],
  ])("refuses %s", (_, definition) => {
    expect(parses(definition)).toBe(false);
    expect(validate(definition)).toMatchObject({ valid: false });
  });

  test("names its dialect", () => {
    expect(dialect).toBe("https://json-schema.org/draft/2020-12/schema");
  });
});
