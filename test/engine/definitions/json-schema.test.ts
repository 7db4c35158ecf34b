import { describe, expect, test } from "vitest";
import { addSchemaProblems } from "../../../src/engine/definitions/json-schema.js";
import { checkOutput } from "../../../src/engine/definitions/output-check.js";
import { Problems } from "../../../src/base/problems.js";
import { processorMs } from "../../support/servers/processor-time.js";

const said = (schema: Record<string, unknown> | boolean, value: unknown) =>
  checkOutput(schema, value).map(({ path, message }) => `${path} ${message}`);

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const TOO_MUCH = expect.stringMatching(/takes more than \d+ comparisons with its schema/);

describe("a result against its schema", () => {
  // Each is a schema and a value within their bounds of size; other writers wait while they are compared.
  test.each([
    [
      "many parts that want unique items",
      { allOf: numbers(30).map(() => ({ uniqueItems: true })) },
      numbers(40_000),
      [],
    ],
    [
      "many bounds of a long text",
      { allOf: numbers(300).map(() => ({ minLength: 2 })) },
      "\u{1f600}".repeat(60_000),
      [],
    ],
    [
      "an enum as long as the value",
      { items: { enum: numbers(20_000).map((n) => `v${n}`) } },
      numbers(20_000).map((n) => `v${n}`),
      [],
    ],
    [
      "many forms",
      { items: { anyOf: numbers(5_000).map((n) => ({ const: -n - 1 })) } },
      numbers(40_000),
      expect.arrayContaining([TOO_MUCH]),
    ],
    [
      "many names that are not expected",
      { properties: Object.fromEntries(numbers(5_000).map((n) => [`p${n}`, true])), additionalProperties: false },
      Object.fromEntries(numbers(5_000).map((n) => [`q${n}`, 1])),
      expect.arrayContaining([TOO_MUCH]),
    ],
    [
      "many names that are required",
      { items: { required: numbers(5_000).map((n) => `p${n}`) } },
      numbers(5_000).map(() => ({})),
      expect.arrayContaining([expect.stringMatching(/^ and \d+ more problems$/)]),
    ],
  ])("takes less than a second of the processor: %s", async (...[, schema, value, expected]) => {
    let problems: readonly string[] = [];
    const ms = await processorMs(() => (problems = said(schema, value)));
    expect(problems).toEqual(expected);
    expect(ms).toBeLessThan(1_000);
  });

  test.each([
    [{ type: "object", required: ["modules"] }, {}, ["result.modules is required"]],
    [{ required: ["a"] }, {}, ["result.a is required"]],
    [{ required: ["constructor"] }, {}, ["result.constructor is required"]],
    [
      { type: "object", properties: { a: { type: "string" } } },
      { a: 1, b: 2 },
      ["result.a must be string, not number"],
    ],
    [
      { properties: { a: true }, additionalProperties: false },
      { b: 1 },
      ['result.b is not expected (did you mean "a"?)'],
    ],
    [{ additionalProperties: { type: "number" } }, { b: "x" }, ["result.b must be number, not string"]],
    [{ type: ["string", "null"] }, 5, ["result must be string or null, not number"]],
    [{ type: ["string", "null"] }, null, []],
    [{ type: "integer" }, 1.5, ["result must be integer, not number"]],
    [{ type: "integer" }, 2, []],
    [{ minimum: 3 }, 1, ["result must be at least 3, is 1"]],
    [{ exclusiveMaximum: 3 }, 3, ["result must be under 3, is 3"]],
    [{ minimum: 3 }, "text", []],
    [{ enum: [{ a: 1 }, 2] }, { a: 1 }, []],
    [{ enum: ["x"] }, "y", ['result must be one of ["x"]']],
    [{ const: { a: [1] } }, { a: [1] }, []],
    [{ items: { type: "string" } }, ["a", 1], ["result[1] must be string, not number"]],
    [{ prefixItems: [{ type: "string" }], items: false }, ["a", 1], ["result[1] nothing is allowed here"]],
    [
      { uniqueItems: true },
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      ["result has an item twice"],
    ],
    [{ minItems: 1, maxItems: 2 }, [], ["result needs at least 1 items, has 0"]],
    [{ maxLength: 2 }, "a👍", []],
    [{ maxLength: 2 }, "abc", ["result may have at most 2 characters, has 3"]],
    [{ anyOf: [{ type: "string" }, { type: "number" }] }, true, ["result fits none of the 2 forms of anyOf"]],
    [
      { oneOf: [{ type: "number" }, { type: "integer" }] },
      1,
      ["result must fit exactly one of the 2 forms of oneOf, fits 2"],
    ],
    [{ allOf: [{ required: ["a"] }, { required: ["b"] }] }, {}, ["result.a is required", "result.b is required"]],
    [{ not: { type: "string" } }, "x", ["result has the form that `not` excludes"]],
    [{ propertyNames: { maxLength: 1 } }, { ab: 1 }, ["result.ab is a name that propertyNames excludes"]],
    [{ maxProperties: 1 }, { a: 1, b: 1 }, ["result may have at most 1 properties, has 2"]],
    [{}, { anything: [1, null] }, []],
    [true, 1, []],
    [false, 1, ["result nothing is allowed here"]],
  ])("%j of %j: %j", (schema, value, expected) => {
    expect(said(schema, value)).toEqual(expected);
  });
});

describe("a schema", () => {
  const problemsOf = (schema: unknown) => {
    const problems = new Problems();
    addSchemaProblems(schema, { path: "output", step: "s", problems });
    return problems.list().map(({ path }) => path);
  };

  test.each<[Record<string, unknown>]>([
    [{ pattern: "^(a+)+$" }],
    [{ $ref: "#/$defs/a" }],
    [{ minLenght: 3 }],
    [{ if: {} }],
    [{ type: "text" }],
    [{ required: "a" }],
    [{ properties: [1] }],
    [{ minimum: "3" }],
    [{ minItems: -1 }],
    [{ enum: [] }],
    [{ anyOf: [] }],
    [{ constructor: 1 }],
  ])("%j is refused, at the keyword", (schema) => {
    expect(problemsOf(schema)).toEqual([`output.${Object.keys(schema)[0]}`]);
    expect(problemsOf({ properties: { a: { items: schema } } })).toEqual([
      `output.properties.a.items.${Object.keys(schema)[0]}`,
    ]);
  });

  test("with every supported keyword is taken", () => {
    const schema = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      title: "t",
      description: "d",
      type: "object",
      properties: { a: { type: "array", items: { type: "string", minLength: 1 }, uniqueItems: true }, b: false },
      required: ["a"],
      additionalProperties: { anyOf: [{ type: "null" }, { not: { const: 1 } }] },
      examples: [{ pattern: "not a schema" }],
    };
    expect(problemsOf(schema)).toEqual([]);
  });
});
