import { mkdirSync, writeFileSync } from "node:fs";
import type { InputOf, ResultOf } from "../../src/tools/registry.js";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { startApp } from "../support/servers/app.js";
import { temporaryDirectory } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";

type Orchestrated = ResultOf<"orchestrate">;

async function orchestrate(
  crew: Crew,
  goal: string,
  rest: Partial<InputOf<"orchestrate">> = {},
): Promise<Orchestrated> {
  return crew.app.call("orchestrate", { goal, agent: "ann", ...rest });
}

const heldBy = ({ task, lease }: Pick<Orchestrated, "task" | "lease">) => ({
  id: task?.id ?? "",
  token: lease?.token ?? 0,
});

async function carryOut(crew: Crew, goal: string, steps: { key: string; prompt: string }[]): Promise<string> {
  const begun = await orchestrate(crew, goal);
  await crew.complete(heldBy(begun), { steps });
  for (const _ of steps) await crew.complete(await crew.take("ann", { run: begun.run.id }));
  expect((await crew.run(begun.run.id)).status).toBe("succeeded");
  return begun.run.id;
}

test("a goal becomes a run in planning whose plan is the caller's at once, and then its steps", async () => {
  const crew = new Crew(await startApp());
  await crew.app.call("register_agent", { name: "ben", roles: ["tester"], capabilities: ["python"] });
  const goal = "Add a login page; ignore ${{ secrets.x }} and }} too";
  const begun = await orchestrate(crew, goal, { constraints: ["no new dependency", "tests stay green"] });
  expect(begun.run).toMatchObject({ status: "planning", counts: { running: 1, total: 1 } });
  expect(begun.task).toMatchObject({ key: "plan", kind: "plan", status: "running" });
  expect(begun.task?.prompt).toContain(`The goal: ${goal}`);
  expect(begun.task?.prompt).toContain("It must hold: no new dependency; tests stay green");
  expect(begun.planning?.agents).toContainEqual({
    name: "ben",
    roles: ["tester"],
    capabilities: ["python"],
    available: true,
  });
  await expect(crew.complete(heldBy(begun), { steps: [] })).rejects.toMatchObject({ code: "invalid_input" });
  const done = await crew.complete(heldBy(begun), {
    steps: [
      { key: "page", prompt: "Write it", files: { write: ["src/login.ts"] } },
      { key: "check", prompt: "Check it", needs: ["page"] },
    ],
  });
  expect(done).toMatchObject({ ready: [{ key: "page" }], run: { status: "running" } });
});

test("plans of similar runs that succeeded come with it, the most similar first", async () => {
  const crew = new Crew(await startApp());
  const login = await carryOut(crew, "Add a login page with a form", [{ key: "form", prompt: "f" }]);
  await carryOut(crew, "Migrate the database to a new schema", [{ key: "migrate", prompt: "m" }]);
  const failed = await orchestrate(crew, "Add a login form that fails");
  await crew.app.call("control_run", { run: failed.run.id, action: "cancel" });
  await crew.app.call("release_task", { task: failed.task!.id, token: failed.lease!.token });
  const { planning } = await orchestrate(crew, "Add a page with a login form for guests");
  expect(planning?.similar[0]).toMatchObject({
    run: login,
    goal: "Add a login page with a form",
    steps: [{ key: "form" }],
  });
  expect(planning?.similar.map(({ run }) => run)).not.toContain(failed.run.id);
  // Words that stand in any text are no likeness.
  const other = await orchestrate(crew, "Bake a cake with chocolate for the new year", { agent: "cem" });
  expect(other.planning?.similar).toEqual([]);
});

test("an agent at capacity does not get the plan, which waits for the next claim", async () => {
  const crew = new Crew(await startApp());
  await orchestrate(crew, "one");
  const second = await orchestrate(crew, "two");
  expect(second).toMatchObject({
    outcome: "none",
    reason: "at_capacity",
    run: { status: "planning", counts: { ready: 1 } },
  });
  expect(await crew.claim("ben", { run: second.run.id })).toMatchObject({ outcome: "claimed", task: { key: "plan" } });
});

test("a plan that cannot be made fails its run", async () => {
  const crew = new Crew(await startApp());
  const begun = await orchestrate(crew, "impossible");
  await crew.fail(heldBy(begun), "hopeless", { retryable: false });
  expect((await crew.run(begun.run.id)).status).toBe("failed");
  await crew.app.call("control_run", { run: begun.run.id, action: "retry_failed" });
  expect(await crew.claim("ben", { run: begun.run.id })).toMatchObject({ outcome: "claimed", task: { key: "plan" } });
});

describe("decompose", () => {
  const decompose = (crew: Crew, goal: string, rest: Partial<InputOf<"orchestrate">> = {}) =>
    orchestrate(crew, goal, { decompose: "auto", ...rest });

  test.each([
    ["Fix the crash when the file is empty", "bug_fix", "fitting"],
    ["Review the pull request about caching", "code_review", "fitting"],
    ["Summarise each of the chapters", "map_reduce", "fitting"],
    ["Migrate the settings to the new format", "linear_pipeline", "fitting"],
    ["Draft a proposal for the new price list", "review_loop", "fitting"],
    ["Qqq zzz", "fan_out_fan_in", "generic"],
  ])("auto takes for %j the template %s", async (goal, template, chosen) => {
    const crew = new Crew(await startApp());
    const { run, outcome, ready, decomposition } = await decompose(crew, goal, { constraints: ["quickly"] });
    expect(outcome).toBe("started");
    expect(decomposition).toMatchObject({ template, chosen });
    expect(run).toMatchObject({ status: "running", inputs: { goal, constraints: ["quickly"] } });
    expect(ready).toHaveLength(1);
    // The caller plans nothing and holds nothing; any agent may claim the first step.
    const claim = await crew.claim("ben", { run: run.id });
    expect(claim.task?.prompt).toContain(goal);
    expect(claim.task?.prompt).toContain("It must hold: quickly");
  });

  test("takes the template that is named, whatever the goal says, and reads nothing in the goal", async () => {
    const crew = new Crew(await startApp());
    const goal = "Fix the bug; ${{ inputs.secret }}";
    const { run, decomposition } = await decompose(crew, goal, { decompose: "linear_pipeline", max_parallel: 2 });
    expect(decomposition).toMatchObject({ template: "linear_pipeline", chosen: "named" });
    expect(run).toMatchObject({ max_parallel: 2, name: "fix-the-bug-inputs.secret" });
    expect((await crew.claim("ben", { run: run.id })).task?.prompt).toContain(goal);
  });

  test("a name that is none, of a project, or of what needs more than a goal is refused with those that can be taken", async () => {
    const own = temporaryDirectory();
    mkdirSync(path.join(own, "greedy"));
    writeFileSync(
      path.join(own, "greedy/template.yaml"),
      "kind: workflow\ntitle: t\ndescription: d\nkeywords: [greed]\n",
    );
    const inputs = "inputs: { goal: { type: string }, budget: { type: number } }";
    writeFileSync(path.join(own, "greedy/workflow.yaml"), `name: w\n${inputs}\nsteps: [{ key: a, prompt: a }]\n`);
    const crew = new Crew(await startApp({ env: { BATON_TEMPLATES_DIRECTORY: own } }));
    await expect(decompose(crew, "x", { decompose: "bug_fixx" })).rejects.toThrow(/did you mean "bug_fix"/);
    await expect(decompose(crew, "x", { decompose: "library" })).rejects.toThrow(
      /is a project template: it is for create_project/,
    );
    await expect(decompose(crew, "x", { decompose: "greedy" })).rejects.toMatchObject({
      message: expect.stringMatching(/needs budget too.*bug_fix, code_review/),
      next: [
        { tool: "execute_workflow", arguments: { workflow: "template:greedy", inputs: { goal: "…", budget: "…" } } },
      ],
    });
    expect(await decompose(crew, "greed")).toMatchObject({ decomposition: { chosen: "generic" } });
    expect((await crew.app.call("list_runs")).runs).toHaveLength(1);
  });

  test("a planner is told which templates fit", async () => {
    const { planning } = await orchestrate(new Crew(await startApp()), "Fix the bug in the parser");
    expect(planning?.templates[0]).toMatchObject({ name: "bug_fix", title: "Mend a bug" });
    const other = await orchestrate(new Crew(await startApp()), "Qqq zzz");
    expect(other.planning?.templates).toEqual([]);
  });
});
