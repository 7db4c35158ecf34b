import { expect, test } from "vitest";
import { parseDefinition } from "../../../src/engine/definitions/definition.js";
import { settingsOf } from "../../../src/base/settings.js";
import { readToolLine, toolAllowed, toolLine } from "../../../src/engine/policy/tool-policy.js";

const limits = settingsOf({});
const tool = (rest: object = {}) => ({ key: "a", kind: "tool", server: "s", tool: "x", ...rest });

test("a tool step says a server, a tool and its arguments, whose expressions may stand anywhere in them", () => {
  const given = { list: [1, { deep: "${{ inputs.n }}" }], text: "n is ${{ inputs.n }}", none: null };
  const inputs = { n: { type: "integer" } };
  const parsed = parseDefinition({ inputs, steps: [tool({ arguments: given }), tool({ key: "b" })] }, { limits });
  if ("problems" in parsed) throw new Error(JSON.stringify(parsed.problems));
  const [a, b] = parsed.definition.steps;
  expect(a).toMatchObject({ kind: "tool", server: "s", tool: "x", arguments: given, reads: [] });
  expect(b).not.toHaveProperty("arguments");
});

test.each([
  [{ key: "a", tool: "x" }, "kind", 'has "tool" and so must say `kind: tool`'],
  [{ key: "a", kind: "tool", server: "s" }, "tool", "is missing: name the server's tool: tool: create_issue"],
  [tool({ tool: "a b" }), "tool", "must be the name of a tool"],
  [tool({ server: "s/t" }), "server", "must be a name"],
  [tool({ arguments: ["x"] }), "arguments", "must be a map, not a list"],
  [tool({ argument: {} }), "", 'did you mean "arguments"?'],
  [tool({ tool: "${{ inputs.x }}" }), "tool", "no expression is read here"],
  [tool({ arguments: { list: [1, "a ${{ inputs.x }}"] } }), "arguments.list[1]", "at character 14: there is no input"],
])("a problem is reported at its place: %j", (step, field, message) => {
  const parsed = parseDefinition({ steps: [step] }, { limits });
  const path = field === "" ? "steps[0]" : `steps[0].${field}`;
  expect("problems" in parsed && parsed.problems).toContainEqual(
    expect.objectContaining({ path, message: expect.stringContaining(message) }),
  );
});

test.each([
  [undefined, "anything", true],
  [[], "read", false],
  [["read"], "read", true],
  [["read"], "read_file", false],
  [["read_*"], "read_file", true],
  [["read_*"], "unread_file", false],
  [["*_file"], "write_file", true],
  [["a*b*c"], "axxbyyc", true],
  [["a*b*c"], "axxcyyb", false],
  [["ab*ba"], "aba", false],
  [["*".repeat(50) + "x"], "y".repeat(128), false],
  [["a", "*b"], "bb", true],
  [["read.file"], "readxfile", false],
] as const)("patterns %j allow the tool %s: %s", (tools, name, allowed) => {
  const servers = [{ name: "s", ...(tools && { tools }) }];
  expect(toolAllowed(servers, toolLine({ server: "s", tool: name }))).toBe(allowed);
  expect(toolAllowed(servers, toolLine({ server: "other", tool: name }))).toBe(false);
});

test("a tool's name may hold a slash, a server's never does", () => {
  expect(readToolLine(toolLine({ server: "s", tool: "a/b" }))).toEqual({ server: "s", tool: "a/b" });
});
