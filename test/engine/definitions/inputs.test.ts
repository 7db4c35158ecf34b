import { describe, expect, test } from "vitest";
import { requireDefinition } from "../../../src/engine/definitions/definition.js";
import { bindInputs } from "../../../src/engine/definitions/inputs.js";
import { defaultSettings } from "../../../src/base/settings/defaults.js";

const { definition } = requireDefinition(
  {
    name: "w",
    inputs: {
      path: { type: "string", default: "." },
      feature: { type: "string", description: "what to build" },
      count: { type: "integer", required: false },
      level: { type: "string", enum: ["low", "high"], default: "low" },
      tags: { type: "array", required: false },
    },
    steps: [{ key: "a", prompt: "x" }],
  },
  { limits: defaultSettings },
);

describe("the inputs of a run", () => {
  test("are what was given and the defaults of the rest", () => {
    expect(bindInputs(definition, { feature: "login", tags: ["x"] })).toEqual({
      path: ".",
      feature: "login",
      level: "low",
      tags: ["x"],
    });
  });

  test("are refused with every problem at once", () => {
    const given = { fature: "x", count: 1.5, level: "middle", path: null, toString: 1 };
    expect(() => bindInputs(definition, given)).toThrow(
      expect.objectContaining({
        code: "invalid_input",
        details: {
          problems: [
            { path: "inputs.fature", message: 'is not an input of "w" (did you mean "feature"?)' },
            { path: "inputs.toString", message: 'is not an input of "w"' },
            { path: "inputs.path", message: "must be a string, not null" },
            { path: "inputs.feature", message: "is required (a string): what to build" },
            { path: "inputs.count", message: "must be an integer, not 1.5" },
            { path: "inputs.level", message: 'must be one of ["low","high"]' },
          ],
        },
      }),
    );
  });
});
