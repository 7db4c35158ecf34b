import { readFileSync, writeFileSync } from "node:fs";
import type { InputOf } from "../../src/tools/registry.js";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { startApp, type TestApp } from "../support/servers/app.js";
import { temporaryDirectory } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { everything, filesystem, openToolFixture } from "../support/fixtures/tool-fixture.js";

const step = (name: string, rest: object = {}) => ({
  name,
  module: "everything",
  action: "echo",
  parameters: { message: name },
  ...rest,
});

type ComplexWorkflow = InputOf<"create_complex_workflow">;

const create = (app: TestApp, input: ComplexWorkflow) => app.call("create_complex_workflow", input);

async function stepsOf(app: TestApp, input: ComplexWorkflow) {
  const { workflow } = await create(app, input);
  const { definition } = await app.call("get_workflow", { name: workflow.name });
  return (definition as { steps: ({ key: string; needs?: string[] } & Record<string, unknown>)[] }).steps;
}

const needsOf = async (app: TestApp, input: ComplexWorkflow) =>
  Object.fromEntries((await stepsOf(app, input)).map(({ key, needs = [] }) => [key, needs]));

async function problemsOf(input: Record<string, unknown>) {
  const { callUnchecked } = await startApp();
  try {
    await callUnchecked("create_complex_workflow", input);
  } catch (error) {
    const { problems } = (error as { details: { problems: { path: string; message: string }[] } }).details;
    return problems.map(({ path: place, message }) => `${place}: ${message}`);
  }
  throw new Error("it was taken");
}

test("modules are MCP servers, the shell and Baton's own kinds of step, in one run", async () => {
  const root = temporaryDirectory();
  writeFileSync(path.join(root, "in.txt"), "three words here");
  const fixture = await openToolFixture({ files: filesystem(root), everything }, { allow: true });
  const created = await create(fixture.app, {
    project: "here",
    execute: true,
    steps: [
      { name: "read", module: "files", action: "read_text_file", parameters: { path: path.join(root, "in.txt") } },
      {
        name: "count",
        module: "shell",
        action: "run",
        parameters: { command: 'printf %s "{{read.output.content}}" | wc -w' },
      },
      { name: "check", module: "baton", action: "gate", parameters: { checks: ["{{count.output.exit_code}} == 0"] } },
      {
        name: "say",
        module: "everything",
        action: "echo",
        parameters: { message: "{{read.output.content}}: {{count.output.output_tail}}" },
      },
      { name: "review-it", module: "baton", action: "agent", parameters: { prompt: "Look at {{say.output[0].text}}" } },
    ],
    dependencies: { say: ["check"] },
  });
  const run = created.run?.id ?? "";
  const crew = new Crew(fixture.app);
  await expect.poll(async () => (await fixture.task(run, "review-it")).task.status).toBe("ready");
  const claim = await crew.claim("ann", { run });
  expect(claim.task?.prompt).toMatch(/^Look at Echo: three words here:\s+3/);
});

describe("order", () => {
  test("comes from dependencies, from groups one after another, and from what a step reads", async () => {
    const app = await startApp();
    const steps = ["a", "b", "c", "d", "e"].map((name) => step(name));
    const reading = step("f", { parameters: { message: "{{e.output[0].text}} and {{ steps.a.output }}" } });
    const input = {
      steps: [...steps, reading],
      dependencies: { c: ["a"], e: ["b"] },
      parallel_groups: [["a", "b"], [], ["c", "d"]],
    };
    expect(await needsOf(app, input)).toEqual({
      a: [],
      b: [],
      c: ["a", "b"],
      d: ["a", "b"],
      e: ["b"],
      f: ["e", "a"],
    });
  });

  test("that closes a cycle is refused with the way round it", async () => {
    const steps = [step("a", { parameters: { message: "{{b.output}}" } }), step("b")];
    expect(await problemsOf({ steps, parallel_groups: [["a"], ["b"]] })).toEqual([
      expect.stringMatching(/^dependencies: steps need each other in a cycle: . → . → .$/),
    ]);
  });

  test("of groups that would make dependencies without end is refused", async () => {
    const names = Array.from({ length: 700 }, (_, at) => `s${at}`);
    const groups = [names.slice(0, 350), names.slice(350)];
    expect(await problemsOf({ steps: names.map((name) => step(name)), parallel_groups: groups })).toEqual([
      expect.stringMatching(/^parallel_groups\[1\]: the groups make more than 100000/),
    ]);
  });
});

test("a reference that is all of a text keeps its type; what is no reference to a step stays as it is", async () => {
  const app = await startApp();
  const parameters = {
    whole: "{{ a-1.output.list[0].name }}",
    part: "x {{a-1.output}} y",
    deep: [{ other: "{{ .Go.Template }} {{user}} ${{ steps['a-1'].output }}" }],
    number: 5,
  };
  const [, second] = await stepsOf(app, { steps: [step("a-1"), step("b", { parameters })] });
  expect(second).toEqual({
    key: "b",
    kind: "tool",
    server: "everything",
    tool: "echo",
    needs: ["a-1"],
    arguments: {
      whole: '${{ steps["a-1"].output.list[0].name }}',
      part: 'x ${{ steps["a-1"].output }} y',
      deep: [{ other: "{{ .Go.Template }} {{user}} ${{ steps['a-1'].output }}" }],
      number: 5,
    },
  });
});

test("everything that is wrong is told at once, where it was written", async () => {
  const problems = await problemsOf({
    steps: [
      step("a"),
      step("a"),
      step("b", { parameters: { deep: [{ text: "see {{aa.output}}" }] } }),
      step("c", { module: "shell", action: "rm" }),
      step("d", { module: "shell", action: "run", parameters: { command: "", cwd: "../x", cvd: 1 } }),
      step("e", { module: "baton", action: "agnet", parameters: {} }),
      step("f", { module: "baton", action: "wait", parameters: { for: "soon", needs: ["a"] } }),
      step("g g", { module: "no/server", action: "x y" }),
      step("h", { parameters: { message: "{{a.output.x | upper}} ${{ inputs.x }}" } }),
    ],
    dependencies: { b: ["x"], y: ["a"], c: ["c"] },
    parallel_groups: [["a", "z"], ["a"]],
  });
  const expected = [
    'dependencies.b[0]: "x" is not a step',
    'dependencies.y: "y" is not a step',
    "dependencies.c[0]: a step cannot come after itself",
    'parallel_groups[0][1]: "z" is not a step',
    "parallel_groups[1][0]: stands in group 0 already",
    "steps[1].name: steps[0] has this key already",
    'steps[2].parameters.deep[0].text: at character 5: there is no step "aa"',
    'steps[3].action: the module shell has the action run, not "rm"',
    "steps[4].parameters.command: ",
    "steps[4].parameters.cwd: must be a directory inside the project",
    'steps[4].parameters: unknown key "cvd" (did you mean "cwd"?)',
    'steps[5].action: the module baton has the actions agent, plan, human, gate, wait, not "agnet" (did you mean "agent"?)',
    "steps[6].parameters.needs: is not said here: dependencies say it",
    "steps[7].name: must be a name",
    "steps[7].module: must be a name",
    "steps[7].action: must be the name of a tool",
    "steps[8].parameters.message: at character 1: {{a.output.x | upper}} is not understood",
  ];
  for (const problem of expected) expect(problems).toContainEqual(expect.stringContaining(problem));
});

test("the same content is the same workflow, and nothing is run unless that is said", async () => {
  const app = await startApp();
  const input = { steps: [step("a")] };
  const first = await create(app, input);
  expect(first).toMatchObject({ created: true, workflow: { name: expect.stringMatching(/^complex-/), steps: 1 } });
  expect(first.run).toBeUndefined();
  expect(await create(app, input)).toMatchObject({ created: false, workflow: first.workflow });
  const named = await create(app, { ...input, name: "mine", execute: true });
  expect(named.workflow.name).toBe("mine");
  expect(named).toMatchObject({ ready: [{ key: "a" }], warnings: [expect.stringContaining("1 tool steps wait")] });
});

test("text from a result reaches a shell line as a value, whatever it holds", async () => {
  const root = temporaryDirectory();
  const hostile = `"; touch owned; echo "$(touch owned)`;
  const fixture = await openToolFixture({ everything }, { allow: true, cwd: root });
  const { run } = await create(fixture.app, {
    project: "here",
    execute: true,
    steps: [
      step("say", { parameters: { message: hostile } }),
      { name: "use", module: "shell", action: "run", parameters: { run: "printf %s {{say.output[0].text}} > said" } },
    ],
  });
  expect(await fixture.ended(run?.id ?? "")).toBe("succeeded");
  expect(readFileSync(path.join(root, "said"), "utf8")).toBe(`Echo: ${hostile}`);
  expect(fixture.file("owned")).toBeUndefined();
});
