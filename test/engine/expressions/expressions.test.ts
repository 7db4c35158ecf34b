import { expect, test } from "vitest";
import { readExpression } from "../../../src/engine/expressions/expressions.js";

const scope = {
  inputs: { name: "string", count: "integer" },
  steps: new Set<string>(),
  comesBefore: () => true,
  inElement: false,
};

test.each([
  ["inputs.name.startWith('a')", 13, /^unknown function "startWith" \(did you mean "startsWith"\?\)$/],
  ["lenght(inputs.name) > 1", 1, /^unknown function "lenght"$/],
  ["inputs.name = 'a'", 13, /; CEL compares with == and !=$/],
  ["inputs.count === 1", 16, /; CEL compares with == and !=$/],
  ["true and inputs.name == 'b'", 6, /; CEL writes &&, \|\| and !$/],
  ["so ${{ true }}", 4, /; an expression has \$\{\{ \}\} around all of it, or none$/],
  ["1 + 'a = b and c'(", 18, /^[^;]*$/],
  ["run.id == 1", 1, /^no such overload: string == int$/],
  ["inputs.name in [1]", 1, /^no such overload: string in list<int>$/],
  ["inputs.name == 1", 1, /^no such overload: string == int$/],
])("%s is refused with what is meant", (source, at, message) => {
  expect(readExpression(source, scope)).toEqual({ problems: [{ at, message: expect.stringMatching(message) }] });
});

test.each(["inputs.count == 1", "2 != inputs.count", "inputs.count in [1, 2]", "project.root == null"])(
  "%s is a condition",
  (source) => {
    expect(readExpression(source, scope)).toMatchObject({ type: "bool" });
  },
);
