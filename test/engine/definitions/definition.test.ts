import { describe, expect, test } from "vitest";
import {
  type Definition,
  deadlineAt,
  definitionDag,
  parseDefinition,
  requireDefinition,
} from "../../../src/engine/definitions/definition.js";
import type { Problem } from "../../../src/base/problems.js";
import { defaultSettings } from "../../../src/base/settings/defaults.js";
import { processorMs } from "../../support/servers/processor-time.js";

const limits = defaultSettings;

function problemsOf(written: string | Record<string, unknown>): Problem[] {
  const parsed = parseDefinition(written, { limits });
  return "problems" in parsed ? parsed.problems : [];
}

function definitionOf(written: string | Record<string, unknown>): Definition {
  return requireDefinition(written, { limits }).definition;
}

const step = (key: string, more: Record<string, unknown> = {}) => ({ key, prompt: "do it", ...more });

describe("the normal form", () => {
  test("a workflow in YAML", () => {
    const definition = definitionOf(`
name: ship-feature
description: d
inputs:
  path: { type: string, default: "." }
  count: { type: integer, description: how many }
defaults:
  retry: { max_attempts: 5, initial_interval_ms: 2s }
  timeouts: { start_to_close: 20m }
  role: backend
  requires: [typescript]
  priority: high
max_parallel: 4
on_failure: continue
priority: low
deadline: 2h
steps:
  - key: design
    title: The design
    prompt: Write the interface.
    role: architect
    files: { write: ["docs/design.md"] }
    output: { type: object, required: [modules], properties: { modules: { type: array } } }
    criteria: it compiles
    estimate_ms: 10m
    deadline: "2026-03-01T12:00:00Z"
  - key: test
    kind: command
    needs: [design, design]
    trigger: all_done
    run: npm test -- --coverage
    cwd: packages/a
    env: { CI: "1" }
    shell: bash
    timeouts: { heartbeat: 30s }
    priority: critical
`);
    expect(definition).toEqual({
      name: "ship-feature",
      description: "d",
      inputs: {
        path: { type: "string", default: ".", required: false },
        count: { type: "integer", description: "how many", required: true },
      },
      max_parallel: 4,
      on_failure: "continue",
      priority: "low",
      deadline: { after_ms: 7_200_000 },
      steps: [
        {
          key: "design",
          kind: "agent",
          title: "The design",
          prompt: "Write the interface.",
          needs: [],
          trigger: "all_succeeded",
          role: "architect",
          requires: ["typescript"],
          files: { write: ["docs/design.md"], read: [] },
          priority: "high",
          deadline: { at: Date.UTC(2026, 2, 1, 12) },
          estimate_ms: 600_000,
          retry: {
            initial_interval_ms: 2_000,
            backoff_coefficient: 2,
            max_interval_ms: 60_000,
            max_attempts: 5,
            non_retryable: [],
          },
          timeouts: { start_to_close: 1_200_000 },
          output: { type: "object", required: ["modules"], properties: { modules: { type: "array" } } },
          criteria: ["it compiles"],
        },
        {
          key: "test",
          kind: "command",
          title: "test",
          run: "npm test -- --coverage",
          cwd: "packages/a",
          env: { CI: "1" },
          shell: "bash",
          needs: ["design"],
          trigger: "all_done",
          requires: [],
          files: { write: [], read: [] },
          priority: "critical",
          retry: {
            initial_interval_ms: 2_000,
            backoff_coefficient: 2,
            max_interval_ms: 60_000,
            max_attempts: 5,
            non_retryable: [],
          },
          timeouts: { start_to_close: 1_200_000, heartbeat: 30_000 },
          criteria: [],
        },
      ],
    });
  });

  test("the smallest definition", () => {
    const parsed = requireDefinition({ steps: [step("a")] }, { limits, name: "given" });
    expect(parsed.definition).toMatchObject({ name: "given", inputs: {}, on_failure: "continue" });
    expect(parsed.definition.steps[0]).toMatchObject({
      kind: "agent",
      title: "a",
      timeouts: { start_to_close: 3_600_000 },
      retry: { max_attempts: 3 },
    });
    expect(parsed.definition.steps[0]).not.toHaveProperty("priority");
    expect(parsed.source).toEqual({ steps: [step("a")] });
  });

  test("is the same from an object, from JSON and from YAML", () => {
    const written = { name: "w", steps: [step("a"), step("b", { needs: ["a"] })] };
    expect(definitionOf(JSON.stringify(written))).toEqual(definitionOf(written));
    expect(definitionOf("name: w\nsteps: [{key: a, prompt: do it}, {key: b, prompt: do it, needs: [a]}]")).toEqual(
      definitionOf(written),
    );
  });

  test("deadlines count from the start of the run or stand still", () => {
    expect(deadlineAt({ after_ms: 5 }, 100)).toBe(105);
    expect(deadlineAt({ at: 5 }, 100)).toBe(5);
  });

  test("keys that every object has are keys as any other", () => {
    const definition = definitionOf({ steps: [step("constructor"), step("toString", { needs: ["constructor"] })] });
    expect(definitionDag(definition).waves()).toEqual([["constructor"], ["toString"]]);
  });
});

describe("problems are told all at once, each with its place", () => {
  test("in a definition with many", () => {
    const problems = problemsOf({
      name: "no name",
      max_paralel: 3,
      on_failure: "halt",
      steps: [
        step("a", { needs: ["bb", "a"], timeouts: { start_to_close: "5 m", heartbeet: 1 } }),
        step("b", { workspace: {}, trigger: "one_failed" }),
        step("a"),
        { key: "c", kind: "meeting" },
        { prompt: "no key" },
        "text",
      ],
    });
    const places = problems.map(({ path, step: key }) => [path, key]);
    expect(places).toEqual(
      expect.arrayContaining([
        ["name", undefined],
        ["", undefined],
        ["on_failure", undefined],
        ["steps[0].needs[0]", "a"],
        ["steps[0].needs[1]", "a"],
        ["steps[0].timeouts.start_to_close", "a"],
        ["steps[0].timeouts", "a"],
        ["steps[1]", "b"],
        ["steps[1].trigger", "b"],
        ["steps[2].key", "a"],
        ["steps[3].kind", "c"],
        ["steps[4].key", undefined],
        ["steps[5]", undefined],
      ]),
    );
    expect(problems).toHaveLength(13);
  });

  test("a step that is wrong is there all the same for the expressions of others", () => {
    const steps = [{ key: "list" }, step("each", { needs: ["list"], prompt: "${{ steps.list.output }}" })];
    expect(problemsOf({ steps })).toMatchObject([{ path: "steps[0].prompt", step: "list" }]);
  });

  test.each([
    [{ steps: [step("a", { promt: "x" })] }, 'unknown key "promt" (did you mean "prompt"?)'],
    [
      { steps: [step("design"), step("b", { needs: ["desing"] })] },
      'needs "desing", which is not a step (did you mean "design"?)',
    ],
    [{ steps: [step("a", { needs: ["a"] })] }, "a step cannot need itself"],
    [
      { steps: [step("a", { trigger: "one_succeeded" })] },
      '"one_succeeded" can never hold for a step that needs nothing',
    ],
    [{ steps: [step("a"), step("a")] }, "steps[0] has this key already"],
    [{ steps: [step("a", { for_each: "x" })] }, 'at character 1: unknown name "x"'],
    [{ steps: [step("a", { persona: {} })] }, 'the key "persona" comes with a later version and is not understood yet'],
    [{ steps: [{ key: "a", kind: "human", ask: "ok?", parallelizable: false }] }, 'unknown key "parallelizable"'],
    [
      { steps: [{ key: "a", kind: "comand" }] },
      'unknown kind "comand" (did you mean "command"?); understood are agent, command, tool, human, gate, wait, plan, workflow',
    ],
    [
      { steps: [{ key: "a", kind: "wait" }] },
      "a wait says one of: for (a duration), until (an instant), event (a name)",
    ],
    [{ steps: [{ key: "a", kind: "wait", for: "soon" }] }, /^"soon" is not a duration/],
    [{ steps: [{ key: "a", kind: "wait", until: "tomorrow" }] }, /^"tomorrow" is not an instant/],
    [{ steps: [{ key: "a", run: "ls" }] }, 'has "run" and so must say `kind: command`'],
    [{ steps: [{ key: "a", prompt: 5 }] }, 'must be a text: put it in quotes: prompt: "5"'],
    [{ steps: [{ key: "a" }] }, "is missing: say what the agent is to do: prompt: …"],
    [{ steps: [] }, "a workflow has at least one step"],
    [{ name: "w" }, "is missing: a workflow is a list of steps, each beginning with - key: build"],
    [{ steps: [step("a")], on_failure: "give up" }, 'must be one of continue, stop, compensate, not "give up"'],
    [
      { steps: [step("a", { compensate: { prompt: "undo", needs: ["b"] } })] },
      "is that of the step it undoes: leave it out",
    ],
    [
      { steps: [step("a", { compensate: { kind: "gate", checks: ["true"] } })] },
      "what undoes a step is of the kind agent, command, tool, human or workflow",
    ],
    [{ steps: [step("a", { compensate: { prompt: "undo ${{ steps.b.output }}" } }), step("b")] }, /step "b"/],
    [
      { steps: [{ key: "a", kind: "command", run: "ls", cwd: "../x" }] },
      "must be a directory inside the project, relative to its root",
    ],
    [
      { steps: [{ key: "a", kind: "command", run: "ls", env: { BATON_DB: "x" } }] },
      "names that start with BATON_ are the server's",
    ],
    [{ steps: [step("a", { deadline: "tomorrow" })] }, /^"tomorrow" is not a deadline/],
    [
      { steps: [step("a", { output: { type: "object", pattern: "x" } })] },
      /^this keyword of JSON Schema is not checked here/,
    ],
    [{ inputs: { a: { type: "integer", default: "x" } }, steps: [step("a")] }, 'must be an integer, not "x"'],
    [{ inputs: { a: { type: "string" }, A: { type: "string" } }, steps: [step("a")] }, 'differs from "a" in case only'],
    [
      { inputs: { a: { type: "string", required: true, default: "x" } }, steps: [step("a")] },
      "is required and has a default: one of the two",
    ],
  ])("%j", (written, message) => {
    const messages = problemsOf(written).map((problem) => problem.message);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatch(message);
  });

  test("cycles with their path, each of them", () => {
    const problems = problemsOf({
      steps: [
        step("a", { needs: ["c"] }),
        step("b", { needs: ["a"] }),
        step("c", { needs: ["b"] }),
        step("x", { needs: ["y"] }),
        step("y", { needs: ["x"] }),
      ],
    });
    expect(problems.map(({ cycle }) => cycle)).toEqual([
      ["a", "c", "b", "a"],
      ["x", "y", "x"],
    ]);
    expect(problems[0]?.message).toBe("steps need each other in a cycle: a → c → b → a");
  });

  test.each([
    [{ description: "${{ x }}", steps: [step("a")] }, "description", undefined],
    [{ steps: [step("a", { role: "${{ x }}" })] }, "steps[0].role", "a"],
    [
      { steps: [step("a", { output: { type: "object", properties: { "${{ x }}": true } } })] },
      "steps[0].output.properties.${{ x }}",
      "a",
    ],
  ])("an expression where none is read: %j", (written, path, key) => {
    expect(problemsOf(written)).toContainEqual(
      expect.objectContaining({
        path,
        ...(key === undefined ? {} : { step: key }),
        message: expect.stringContaining("no expression is read here"),
      }),
    );
  });

  const inputs = { name: { type: "string" }, count: { type: "integer" } };

  test.each([
    [{ prompt: "use ${{ inputs.nme }}" }, "prompt", 'at character 16: there is no input "nme" (did you mean "name"?)'],
    [{ prompt: "use ${{ inputs.name" }, "prompt", "at character 5: `${{` has no end: `}}` is missing"],
    [{ prompt: "${{ inputs.name + inputs.count }}" }, "prompt", "at character 5: no such overload: string + double"],
    [{ prompt: "${{ 1 + }}" }, "prompt", /^at character \d+: Unexpected token/],
    [{ prompt: "${{ item.x }}" }, "prompt", 'at character 5: "item" has a value only in a step with for_each'],
    [{ files: { write: ["src/${{ item }}"] } }, "files.write[0]", /"item" has a value only in a step with for_each/],
    [{ if: "steps.frist.status == 'x'" }, "if", 'at character 7: there is no step "frist" (did you mean "first"?)'],
    [{ if: "steps.other.output.x" }, "if", /step "other" does not come before this one: name it in needs/],
    [{ if: "steps.first.outptu" }, "if", /unknown field "outptu" \(did you mean "output"\?\)/],
    [{ if: "inputs.name" }, "if", "must be true or false, and `inputs.name` is string"],
    [{ for_each: Array.from({ length: 10_001 }, () => 0) }, "for_each", "has 10001 elements; at most 10000 fit"],
    [{ for_each: "inputs.count" }, "for_each", "must be a list, and `inputs.count` is double"],
    [{ if: "x".repeat(2_049) }, "if", "at character 1: has 2049 bytes, the limit is 2048"],
    [
      { kind: "command", prompt: undefined, run: "echo '${{ inputs.name }}'" },
      "run",
      "at character 11: stands in single quotes, in which a shell reads no variable: use double quotes, or none",
    ],
  ])("an expression that cannot be: %j", (fields, field, message) => {
    const written = { inputs, steps: [step("first"), step("other"), step("a", { needs: ["first"], ...fields })] };
    const problems = problemsOf(JSON.parse(JSON.stringify(written)) as typeof written);
    expect(problems).toEqual([
      { path: `steps[2].${field}`, step: "a", message: expect.stringMatching(asPattern(message)) },
    ]);
  });

  test("of ten thousand broken steps only some, and how many more", () => {
    const steps = Array.from({ length: 10_000 }, (_, index) => step(`k${index}`, { needs: [`none${index}`] }));
    const problems = problemsOf({ steps });
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)?.message).toBe("and 9900 more problems");
  });

  test("the error says the first few and keeps the rest as data", () => {
    const call = () => requireDefinition({ steps: [step("a", { x: 1 }), step("a")] }, { limits });
    expect(call).toThrow(
      expect.objectContaining({
        code: "invalid_input",
        message: expect.stringMatching(
          /^The definition cannot be used: steps\[0\], step "a": unknown key "x": known are key, title, .*; steps\[1\]\.key, step "a": steps\[0\] has this key already\.$/,
        ),
        details: {
          problems: [expect.objectContaining({ step: "a" }), expect.objectContaining({ path: "steps[1].key" })],
        },
      }),
    );
  });
});

describe("limits", () => {
  const limitOf = (written: string | Record<string, unknown>) => {
    expect(() => requireDefinition(written, { limits })).toThrow(expect.objectContaining({ code: "limit_exceeded" }));
    return problemsOf(written)[0]?.message;
  };

  test("10,001 steps", () => {
    const steps = Array.from({ length: 10_001 }, (_, index) => step(`k${index}`));
    expect(limitOf({ steps })).toBe("10001 steps, the limit is 10000");
  });

  test("10,000 steps are taken within seconds", async () => {
    const steps = Array.from({ length: 10_000 }, (_, index) =>
      step(`k${index}`, index ? { needs: [`k${(index - 1) >> 1}`] } : {}),
    );
    const tookMs = await processorMs(() => expect(definitionOf({ steps }).steps).toHaveLength(10_000));
    expect(tookMs).toBeLessThan(20_000);
  });

  test("a chain of 1,001 dependencies", () => {
    const chain = (length: number) => ({
      steps: Array.from({ length }, (_, index) => step(`k${index}`, index ? { needs: [`k${index - 1}`] } : {})),
    });
    expect(problemsOf(chain(1_001))).toEqual([]);
    expect(limitOf(chain(1_002))).toBe("a chain of 1001 dependencies, the limit is 1000");
  });

  test("a step over 256 KB", () => {
    expect(limitOf({ steps: [step("a", { prompt: "x".repeat(262_144) })] })).toMatch(
      /^takes \d+ bytes, the limit is 262144/,
    );
  });

  test("more than 1,000 patterns", () => {
    const write = Array.from({ length: 1_001 }, (_, index) => `src/${index}`);
    expect(limitOf({ steps: [step("a", { files: { write } })] })).toMatch(/^1001 patterns/);
  });

  test("structure without end", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(limitOf({ steps: [step("a", { output: deep })] })).toBe("nested deeper than 64 levels");
  });
});

function asPattern(message: string | RegExp): RegExp {
  return typeof message === "string" ? new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`) : message;
}
