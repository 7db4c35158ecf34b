import { describe, expect, test } from "vitest";
import { startApp, type TestApp } from "../support/servers/app.js";
import { BACKENDS, createDatabase } from "../support/databases/databases.js";
import { processorMs } from "../support/servers/processor-time.js";

const steps = [
  { key: "design", prompt: "d", estimate_ms: "10m" },
  { key: "a", prompt: "a", needs: ["design"], estimate_ms: "5m" },
  { key: "b", prompt: "b", needs: ["design"], estimate_ms: "20m" },
  { key: "join", prompt: "j", needs: ["a", "b"], estimate_ms: "1m" },
];

async function completeAll({ call }: TestApp, project: string): Promise<void> {
  for (;;) {
    const claim = await call("claim_task", { project });
    if (claim.outcome !== "claimed") return;
    await call("complete_task", { task: claim.task!.id, token: claim.lease!.token });
  }
}

describe.each(BACKENDS)("workflows on %s", (backend) => {
  const start = async () => startApp({ database: (await createDatabase(backend)).location, agent: "ann" });

  test("no run starts whose files lie outside the root, and each of them is told at its step", async () => {
    const { call } = await start();
    const definition = {
      name: "w",
      inputs: { d: { type: "string" } },
      steps: [
        { key: "a", prompt: "a", files: { write: ["ok", "../x"] } },
        { key: "b", prompt: "b", files: { read: ["${{ inputs.d }}/y"] } },
      ],
    };
    await expect(call("execute_workflow", { definition, inputs: { d: ".." } })).rejects.toMatchObject({
      code: "invalid_input",
      details: {
        problems: [
          { path: "steps[0].files.write[1]", step: "a", message: expect.stringContaining('"../x" leads outside') },
          { path: "steps[1].files.read[0]", step: "b", message: expect.stringContaining('"../y" leads outside') },
        ],
      },
    });
  });

  test("files may have expressions in them: they are paths only with their values", async () => {
    const { call } = await start();
    const files = { write: ["src/${{ item.name }}/**", "pages/${{ item.name }}.md"], read: ["${{ inputs.path }}/a"] };
    const definition = {
      inputs: { path: { type: "string", default: "docs" } },
      steps: [
        { key: "design", prompt: "d" },
        { key: "module", needs: ["design"], for_each: "${{ steps.design.output.modules }}", prompt: "m", files },
        { key: "other", needs: ["design"], prompt: "o", files: { write: ["pages/${{ inputs.path }}.md"] } },
      ],
    };
    expect(await call("validate_workflow", { definition })).toMatchObject({ valid: true, problems: [], warnings: [] });
    await call("create_workflow", { name: "modules", definition });
    const { run } = await call("execute_workflow", { workflow: "modules" });
    const design = await call("claim_task", { run: run.id });
    const result = { modules: [{ name: "one" }] };
    await call("complete_task", { task: design.task!.id, token: design.lease!.token, result });
    const claims = await Promise.all(["ben", "cem"].map(async (agent) => call("claim_task", { agent, run: run.id })));
    const locked = claims.flatMap(({ locks }) => locks ?? []).map(({ path }) => path);
    expect(locked.toSorted()).toEqual(["docs/a", "pages/docs.md", "pages/one.md", "src/one/**"]);
  });

  test("a new version is stored when the definition differs, and only then", async () => {
    const { call } = await start();
    const first = await call("create_workflow", { name: "w", definition: { steps } });
    expect(first).toMatchObject({ workflow: { name: "w", version: 1, steps: 4 }, created: true });
    const reordered = steps.map(({ key, ...rest }) => ({ ...rest, key }));
    expect(await call("create_workflow", { name: "w", definition: { steps: reordered } })).toEqual({
      ...first,
      created: false,
    });
    const shorter = await call("create_workflow", { name: "w", definition: { steps: steps.slice(0, 1) } });
    expect(shorter).toMatchObject({ workflow: { version: 2, steps: 1 }, created: true });
    expect(await call("get_workflow", { name: "w", version: 1 })).toMatchObject({
      workflow: { version: 1, newest_version: 2, steps: 4, created_by: "ann" },
      definition: { steps },
    });
  });

  test("a deleted one is neither listed nor run, and its name comes back with the next version", async () => {
    const { call } = await start();
    await call("create_workflow", { name: "w", definition: { steps } });
    expect(await call("delete_workflow", { name: "w" })).toMatchObject({ workflow: { name: "w", version: 1 } });
    expect(await call("list_workflows")).toEqual({ workflows: [] });
    for (const [name, input] of [
      ["get_workflow", { name: "w" }],
      ["delete_workflow", { name: "w" }],
      ["execute_workflow", { workflow: "w" }],
    ] as const) {
      await expect(call(name, input)).rejects.toMatchObject({ code: "invalid_transition" });
    }
    expect(await call("create_workflow", { name: "w", definition: { steps } })).toMatchObject({
      workflow: { version: 2 },
      created: true,
    });
  });

  test("performance comes from recorded runs", async () => {
    const app = await start();
    const { call } = app;
    await call("create_project", { name: "p" });
    await call("create_workflow", { project: "p", definition: { name: "w", steps: steps.slice(0, 1) } });
    expect(await call("list_workflows", { project: "p" })).toMatchObject({
      workflows: [{ name: "w", runs: 0, success_rate: null, typical_duration_ms: null }],
    });
    await call("execute_workflow", { project: "p", workflow: "w" });
    await completeAll(app, "p");
    await call("execute_workflow", { project: "p", workflow: "w" });
    expect(await call("get_workflow", { project: "p", name: "w" })).toMatchObject({
      performance: { runs: 2, active_runs: 1, success_rate: 1, typical_duration_ms: expect.any(Number) },
    });
  });
});

describe("create_workflow", () => {
  test("reads YAML, and says what is wrong with it by line", async () => {
    const { call } = await startApp();
    const yaml = "name: y\nsteps:\n  - key: a\n    prompt: x\n";
    expect(await call("create_workflow", { yaml })).toMatchObject({ workflow: { name: "y", steps: 1 } });
    await expect(call("create_workflow", { yaml: "name: y\nname: z\n" })).rejects.toMatchObject({
      code: "invalid_input",
      details: { problems: [{ line: 2, message: 'the key "name" stands twice in one map: leave one out' }] },
    });
  });

  test.each([
    [{ definition: { steps } }, /needs a name/],
    [{ name: "a", definition: { name: "b", steps } }, /pass one of them/],
    [{ name: "a" }, /Give a definition/],
    [{ definition: { name: "a", steps }, yaml: "x" }, /not both/],
    [
      { definition: { name: "a", steps: [{ key: "a", prompt: "x", files: { write: ["../x"] } }] } },
      /files\.write\[0\]/,
    ],
  ])("refuses %j", async (input, message) => {
    const { call } = await startApp();
    await expect(call("create_workflow", input)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(message),
    });
    expect(await call("list_workflows")).toEqual({ workflows: [] });
  });

  test("an unknown one is not found, with the nearest name", async () => {
    const { call } = await startApp();
    await call("create_workflow", { name: "release", definition: { steps } });
    await expect(call("get_workflow", { name: "relase" })).rejects.toMatchObject({
      code: "not_found",
      message: 'There is no workflow "relase" in the project "personal" (did you mean "release"?).',
    });
    await expect(call("get_workflow", { name: "release", version: 2 })).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("validate_workflow", () => {
  test("tells waves, critical path, width and estimate of a sound one, and stores nothing", async () => {
    const { call } = await startApp();
    const minutes = 60_000;
    expect(await call("validate_workflow", { definition: { name: "w", max_parallel: 2, steps } })).toMatchObject({
      valid: true,
      problems: [],
      steps: 4,
      waves: [["design"], ["a", "b"], ["join"]],
      width: 2,
      depth: 2,
      critical_path: { keys: ["design", "b", "join"], total_ms: 31 * minutes },
      work_ms: 36 * minutes,
      estimate_ms: 31 * minutes,
      warnings: [],
    });
    expect(await call("list_workflows")).toEqual({ workflows: [] });
  });

  test("one at a time takes all the work", async () => {
    const { call } = await startApp();
    const definition = { name: "w", max_parallel: 1, steps };
    expect(await call("validate_workflow", { definition })).toMatchObject({ estimate_ms: 36 * 60_000 });
  });

  test("answers every problem of an unsound one", async () => {
    const { call } = await startApp();
    const definition = {
      name: "w",
      steps: [
        { key: "a", prompt: "x", needs: ["b"] },
        { key: "b", prompt: "x", needs: ["a", "c"] },
      ],
    };
    expect(await call("validate_workflow", { definition })).toEqual({
      valid: false,
      problems: [
        { path: "steps[1].needs[1]", step: "b", message: 'needs "c", which is not a step (did you mean "a"?)' },
        {
          path: "steps",
          step: "a",
          cycle: ["a", "b", "a"],
          message: "steps need each other in a cycle: a → b → a",
        },
      ],
    });
  });

  test("warns where steps of a wave write the same files", async () => {
    const { call } = await startApp();
    const writes = (key: string, ...write: string[]) => ({ key, prompt: "x", files: { write } });
    const definition = {
      name: "w",
      steps: [
        writes("a", "src/one.ts"),
        writes("b", "src/one.ts"),
        writes("c", "src/**/*.ts"),
        writes("d", "docs/"),
        { ...writes("e", "docs/x.md"), needs: ["a"] },
      ],
    };
    expect(await call("validate_workflow", { definition })).toMatchObject({
      warnings: [
        'steps "a", "b" write src/one.ts: they will run one after another',
        expect.stringMatching(
          /^steps "(a", "c|c", "a)" write src\/.*, which overlap: they will run one after another$/,
        ),
      ],
    });
  });

  test("of ten thousand steps that write one file it stays quick and short", async () => {
    const { call } = await startApp();
    const many = Array.from({ length: 10_000 }, (_, index) => ({
      key: `k${index}`,
      prompt: "x",
      files: { write: ["shared.md", `src/${index}/*.ts`, `**/${index}.md`] },
    }));
    let answer: Record<string, unknown> = {};
    const tookMs = await processorMs(async () => {
      answer = await call("validate_workflow", { definition: { name: "w", steps: many } });
    });
    expect((answer["warnings"] as string[]).length).toBeLessThanOrEqual(21);
    expect((answer["warnings"] as string[])[0]).toBe(
      'steps "k0", "k1", "k2" and 9997 more write shared.md: they will run one after another',
    );
    expect(tookMs).toBeLessThan(10_000);
  });
});
