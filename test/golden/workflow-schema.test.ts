import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { workflowPage } from "../../src/dispatch/reference/workflow-reference.js";
import { workflowSchemaText } from "../../src/engine/definitions/published-schema.js";

const ROOT = path.resolve(import.meta.dirname, "../..");
const EXAMPLES = path.join(ROOT, "examples");
const FILE = "schemas/workflow.schema.json";

const text = readFileSync(path.join(ROOT, FILE), "utf8");
/** Strict: a keyword that the dialect has not is a mistake of ours. A validator that Baton itself does not use. */
const validate = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true }).compile(
  JSON.parse(text) as object,
);

interface Example {
  steps: Record<string, unknown>[];
  [key: string]: unknown;
}

const examples = readdirSync(EXAMPLES).map((name) => {
  const lines = readFileSync(path.join(EXAMPLES, name), "utf8");
  return { name, lines, read: () => parse(lines) as Example };
});

describe("schemas/workflow.schema.json", () => {
  test("is what the parser's schema comes to now (npm run reference)", () => {
    expect(text).toBe(workflowSchemaText());
  });

  test("docs/workflows.md is that of the schema (npm run reference)", () => {
    expect(readFileSync(path.join(ROOT, "docs/workflows.md"), "utf8")).toBe(workflowPage());
  });

  test("has words for every property, which editors show", () => {
    const silent: string[] = [];
    const look = (schema: unknown, place: string): void => {
      if (typeof schema !== "object" || schema === null) return;
      const { properties = {} } = schema as { properties?: Record<string, { description?: string }> };
      for (const [key, property] of Object.entries(properties)) {
        if ((property.description ?? "") === "") silent.push(`${place}.${key}`);
      }
      for (const [key, inner] of Object.entries(schema)) look(inner, `${place}/${key}`);
    };
    look(JSON.parse(text), "");
    expect(silent).toEqual([]);
  });

  test("is shipped, with the reference", () => {
    const { files } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")) as { files: string[] };
    expect(files).toContain(path.dirname(FILE));
  });

  test.each(examples)("takes examples/$name, which names it to editors", ({ read, lines }) => {
    validate(read());
    expect(validate.errors ?? []).toEqual([]);
    expect(lines.split("\n")[0]).toBe(`# yaml-language-server: $schema=../${FILE}`);
  });

  describe.each(examples)("of examples/$name", ({ read }) => {
    test.each<[string, (example: Example) => unknown]>([
      ["a misspelt key", (example) => Object.assign(example, { setps: [] })],
      ["a misspelt key of a step", ({ steps: [step] }) => Object.assign(step ?? {}, { need: [] })],
      ["a step without a key", (example) => delete example.steps.at(-1)?.["key"]],
      ["a kind that is none", ({ steps: [step] }) => Object.assign(step ?? {}, { kind: "agnet" })],
      ["steps that are no list", (example) => Object.assign(example, { steps: { first: example.steps[0] } })],
      ["a text for a number", (example) => Object.assign(example, { max_parallel: "four" })],
      ["no steps", (example) => delete (example as Partial<Example>).steps],
    ])("refuses %s", (_, spoil) => {
      const example = read();
      spoil(example);
      expect(validate(example)).toBe(false);
    });
  });

  test("knows what each kind of step must say, and that a wait says one thing", () => {
    const verdict = (step: object) => validate({ steps: [{ key: "a", ...step }] });
    const wait = { kind: "wait" };
    expect([verdict({ ...wait, for: "1m" }), verdict({ ...wait, event: "merged" })]).toEqual([true, true]);
    expect([verdict(wait), verdict({ ...wait, for: "1m", event: "merged" })]).toEqual([false, false]);
    expect([verdict({ kind: "command", run: "true" }), verdict({ kind: "command" })]).toEqual([true, false]);
  });
});
