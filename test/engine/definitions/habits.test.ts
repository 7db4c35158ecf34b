import { describe, expect, test } from "vitest";
import { parseDefinition } from "../../../src/engine/definitions/definition.js";
import { defaultSettings } from "../../../src/base/settings/defaults.js";

function problemsOf(text: string): string[] {
  const parsed = parseDefinition(text, { limits: defaultSettings });
  if (!("problems" in parsed)) return [];
  return parsed.problems.map(({ line, path, message }) => `${line ?? "?"} ${path}: ${message}`);
}

describe("a mistake in a file", () => {
  test.each([
    [
      "depends_on",
      "steps:\n - key: a\n   prompt: x\n   depends_on: [b]",
      /^4 steps\[0\]: unknown key "depends_on": write needs: /,
    ],
    [
      "command without kind",
      "steps:\n - key: a\n   command: npm test",
      /^3 steps\[0\].command: write kind: command and run: npm test in place of "command"$/,
    ],
    [
      "the second unknown key",
      "steps:\n - key: a\n   prompt: x\n   depends_on: [b]\n   timeout: 5m",
      /^5 steps\[0\]: unknown key "timeout": write timeouts: \{ start_to_close: 5m \}$/,
    ],
    [
      "a key like no other",
      "base: {}\nsteps:\n - key: a\n   prompt: x",
      /^1 : unknown key "base": known are \$schema, name, description, inputs, /,
    ],
    ["a tab", "steps:\n - key: a\n\tprompt: x", /^3 : tabs are not allowed as indentation: indent with spaces$/],
    [
      "an open quote",
      'steps:\n - key: a\n   prompt: "x\n - key: b\n',
      /^3 : the text that begins here has no closing quote$/,
    ],
    [
      "a key out of line",
      "steps:\n  - key: a\n    prompt: x\n   needs: [b]",
      /^4 : its indentation fits neither the line above/,
    ],
    ["a list alone", "- key: a\n  prompt: x", /: put this list below steps: a definition is a map/],
    [
      "an input's type alone",
      "inputs:\n topic: string\nsteps: []",
      /^2 inputs.topic: must be a map, not a text: topic: \{ type: string \}$/,
    ],
    [
      "a list of one for a text",
      "steps:\n - key: a\n   prompt: x\n   role: [reviewer]",
      /^4 steps\[0\].role: must be a text: role: reviewer$/,
    ],
    ["a rule of Actions", "steps:\n - key: a\n   prompt: x\n   trigger: always", /^4 .*not "always": write all_done$/],
    [
      "seconds of a wait",
      "steps:\n - key: a\n   kind: wait\n   seconds: 30",
      /^4 steps\[0\]: unknown key "seconds": write for: 30s$/,
    ],
    [
      "needs in an expression",
      "steps:\n - key: a\n   prompt: ${{ needs.b.outputs.x }}",
      /^3 .*unknown name "needs".*; write steps.build.output; /,
    ],
    [
      "a list of commands without kind",
      "steps:\n - key: a\n   commands: [npm ci, npm test]",
      /^3 steps\[0\].commands: write kind: command and run: npm ci && npm test in place/,
    ],
    [
      "a command without kind and a habit more",
      "steps:\n - key: a\n   command: npm test\n   working-directory: web",
      /^4 steps\[0\]: unknown key "working-directory": write cwd: packages\/app$/,
    ],
    [
      "a kind of other systems",
      "steps:\n - key: a\n   kind: shell\n   run: ls",
      /^3 steps\[0\].kind: unknown kind "shell": write kind: command/,
    ],
    ["timeout", "steps:\n - key: a\n   prompt: x\n   timeout: 5m", /^4 .*write timeouts: \{ start_to_close: 5m \}/],
    [
      "timeouts as a text",
      "steps:\n - key: a\n   prompt: x\n   timeouts: 5m",
      /^4 steps\[0\].timeouts: must be a map, not a text: timeouts: \{/,
    ],
    [
      "a human step with a prompt",
      "steps:\n - key: a\n   kind: human\n   prompt: x",
      /^4 steps\[0\]: unknown key "prompt": write ask: "…" for a question to a person/,
    ],
    [
      "steps as a map",
      "steps:\n  a: { prompt: x }",
      /^1 steps: must be a list, not a map: steps is a list, each beginning with - key/,
    ],
    [
      "needs as a text",
      "steps:\n - { key: b, prompt: x }\n - key: a\n   prompt: x\n   needs: b",
      /^5 steps\[1\].needs: must be a list: needs: \[b\]/,
    ],
    [
      "inputs as a list",
      "inputs: [topic]\nsteps:\n - { key: a, prompt: x }",
      /^1 inputs: must be a map, not a list: inputs: \{ topic/,
    ],
    ["name for key", "steps:\n - name: a\n   prompt: x", /^2 steps\[0\]: unknown key "name": write key: build/],
    [
      "a bound",
      "steps:\n - key: a\n   prompt: x\n   retry: { max_attempts: 5000000 }",
      /max_attempts: must be at most 1000$/,
    ],
    [
      "an element in if",
      "steps:\n - key: a\n   prompt: x\n   for_each: [1, 20]\n   if: item > 10",
      /^5 steps\[0\].if: if is read once, before there are elements: .*list\.filter\(item, item > 10\)/,
    ],
    [
      "a comment in JSON",
      '{ "name": "a", // why\n "steps": [{ "key": "a", "prompt": "see http://x.y" }] }',
      /^1 : JSON has no comments: leave them out, or write YAML/,
    ],
    ["no prompt", "steps:\n - key: a", /^2 steps\[0\].prompt: is missing: say what the agent is to do/],
    ["an empty prompt", "steps:\n - key: a\n   prompt:", /^3 steps\[0\].prompt: has no value: write a text/],
    [
      "a key that is a number",
      "steps:\n - key: 1\n   prompt: x",
      /^2 steps\[0\].key: must be a text: put it in quotes: key: "1"/,
    ],
    ["id", "steps:\n - id: a\n   prompt: x", /^2 steps\[0\]: unknown key "id": write key: build/],
    [
      "a type for a kind",
      "steps:\n - { key: a, type: wait, for: 30s }",
      /^2 .*write kind: wait; type names the kind of work$/,
    ],
    ["a merge key", "steps:\n - key: a\n   prompt: x\n   <<: { role: r }", /YAML merge keys and x- keys are not read/],
    [
      "an x- key",
      "x-all: { a: 1 }\nsteps:\n - { key: a, prompt: x }",
      /^1 : unknown key "x-all": YAML merge keys and x- keys/,
    ],
    ["jobs", "jobs: {}\n", /unknown key "jobs": write steps: as a list/],
    ["details of Task Master", "steps:\n - key: a\n   prompt: x\n   testStrategy: y", /^4 .*write criteria/],
    [
      "priority medium",
      "steps:\n - key: a\n   prompt: x\n   priority: medium",
      /^4 .*must be one of critical, high, normal, low, not "medium"/,
    ],
    [
      "a colon in a text",
      "steps:\n - key: a\n   prompt: Fix: the thing",
      /^3 : a text with a colon stands in quotes: prompt: "Fix: the thing"/,
    ],
    [
      "a version that is a number",
      "steps:\n - key: a\n   kind: command\n   run: x\n   env:\n     NODE: 1.10",
      /^6 steps\[0\].env.NODE: must be a text: put it in quotes: NODE: "1.10"$/,
    ],
    [
      "versions in a list",
      "steps:\n - key: a\n   prompt: x\n   requires: [node, 3.10]",
      /^4 steps\[0\].requires\[1\]: must be a text: put it in quotes: "3.10"$/,
    ],
    [
      "a large number for a text",
      "steps:\n - key: a\n   prompt: 12345678901234567890",
      /^3 steps\[0\].prompt: must be a text: put it in quotes: prompt: "12345678901234567890"$/,
    ],
    [
      "commands as a list",
      "steps:\n - key: a\n   kind: command\n   run: [npm ci, npm test]",
      /^4 steps\[0\].run: must be a text, not a list: write run: \| and each command/,
    ],
    ["a type for a schema", "steps:\n - key: a\n   prompt: x\n   output: string", /^4 .*output: \{ type: string \}$/],
    [
      "a type for the schema of a field",
      "steps:\n - key: a\n   prompt: x\n   output: { properties: { n: string } }",
      /^4 .*output.properties.n: must be a JSON Schema: \{ type: string \}$/,
    ],
    [
      "a field beside properties",
      "steps:\n - key: a\n   kind: human\n   ask: x\n   form: { version: string }",
      /^5 .*form.version: .*: a field stands under properties: \{ version: \{ type: string \} \}$/,
    ],
    [
      "secrets of Actions",
      "steps:\n - key: a\n   kind: command\n   run: x\n   env: { T: '${{ secrets.T }}' }",
      /^5 .*unknown name "secrets"; .*: let a command read its own, as run: set -a; \. \.\/\.env/,
    ],
    [
      "needs of Actions",
      "steps:\n - { key: a, prompt: x }\n - key: b\n   needs: [a]\n   prompt: '${{ needs.a.outputs.x }}'",
      /^5 .*unknown name "needs"; .*; write steps.KEY.output/,
    ],
    ["a role of two", "steps:\n - key: a\n   prompt: x\n   role: a,b", /^4 .*role: must be a label: letters, digits/],
    ["two documents", "steps: []\n---\nsteps: []", /one workflow in each file/],
    ["a comment before JSON", '// steps\n{"steps": []}', /^1 : JSON has no comments/],
    ["comments in JSON", '{\n// steps\n"steps": []}', /^2 : JSON has no comments/],
    ["an empty file", "", /^\? : the text is empty: a definition is/],
    [
      "too many attempts",
      "steps:\n - key: a\n   prompt: x\n   retry: { max_attempts: 99999999999999999999 }",
      /^4 .*(1000|exact)/,
    ],
  ])("%s: names the line, the field and the mend", (_, text, expected) => {
    expect(problemsOf(text).join("\n")).toMatch(new RegExp(expected.source, "m"));
  });

  test("no zod words are left", () => {
    const text =
      "max_parallel: four\npriority: 1\ninputs: { a: { type: 1, enum: x } }\ndefaults: []\nsteps:\n" +
      " - { key: [a], title: 1, needs: { a: 1 }, files: x, retry: 3, timeouts: [1], role: {}, requires: x, prompt: 1 }";
    const problems = problemsOf(text);
    expect(problems.length).toBeGreaterThan(10);
    expect(problems.filter((problem) => /Invalid|expected|received/.test(problem))).toEqual([]);
  });

  test("a cycle is told once", () => {
    const [problem = ""] = problemsOf(
      "steps:\n - { key: a, prompt: x, needs: [b] }\n - { key: b, prompt: x, needs: [a] }",
    );
    expect(problem.match(/a → b → a|b → a → b/g)).toHaveLength(1);
  });

  test("$schema is taken, as editors write it into JSON", () => {
    expect(
      problemsOf('{"$schema": "../schemas/workflow.schema.json", "steps": [{"key": "a", "prompt": "x"}]}'),
    ).toEqual([]);
  });
});
