import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew, type Step } from "../support/fixtures/plan.js";
import { startAppOn } from "../support/servers/app.js";

const DEFAULT_MS = 300_000;

const estimatesIn = (crew: Crew) => async (run: string) => {
  const { tasks } = await crew.app.call("list_tasks", { run });
  const shown = await Promise.all(tasks.map(async ({ id }) => (await crew.app.call("get_task", { task: id })).task));
  return Object.fromEntries(shown.map(({ key, estimate_ms: ms }) => [key, ms]));
};

describe.each(BACKENDS)("a task that names no estimate, on %s", (backend) => {
  /** A crew of which `ann` has done tasks of two types, three times each: of `quick` in a second, of `long` in forty. */
  async function experienced() {
    const crew = new Crew(await startAppOn(backend));
    const past = await crew.start(
      Array.from({ length: 6 }, (_, at) => ({ key: `t${at}`, type: at % 2 === 0 ? "quick" : "long" })),
    );
    for (let at = 0; at < 6; at++) {
      const held = await crew.take("ann", { run: past.run.id });
      await crew.app.advance(at % 2 === 0 ? 1_000 : 40_000);
      await crew.complete(held);
    }
    return { crew, estimatesOf: estimatesIn(crew) };
  }

  const plan: Step[] = [
    { key: "a", type: "quick" },
    { key: "b", type: "long" },
    { key: "c", type: "new" },
    { key: "d", type: "long", estimate_ms: 7_000 },
  ];

  test("is expected to take what its type has taken, and comes in the order of that", async () => {
    const { crew, estimatesOf } = await experienced();
    const { run } = await crew.start(plan);
    const { a, b, c, d } = await estimatesOf(run.id);
    expect(a).toBeGreaterThan(900);
    expect(a).toBeLessThan(3_000);
    expect(b).toBeGreaterThan(20_000);
    expect(b).toBeLessThan(70_000);
    // A type that is new is expected to take what tasks take here.
    expect(c).toBeGreaterThan(5_000);
    expect(c).toBeLessThan(20_000);
    expect(d).toBe(7_000);
    const order: string[] = [];
    for (const agent of ["ann", "ben", "cy", "dan"]) order.push((await crew.take(agent, { run: run.id })).key);
    expect(order).toEqual(["b", "c", "d", "a"]);
  });

  test("has the default until an attempt has ended, and without learning", async () => {
    const crew = new Crew(await startAppOn(backend));
    const past = await crew.start([{ key: "x", type: "quick" }]);
    const estimatesOf = estimatesIn(crew);
    expect(await estimatesOf((await crew.start(plan)).run.id)).toMatchObject({ a: DEFAULT_MS, b: DEFAULT_MS });
    await crew.complete(await crew.take("ann", { run: past.run.id }));
    expect((await estimatesOf((await crew.start(plan)).run.id))["a"]).toBeLessThan(DEFAULT_MS);
    await crew.app.call("configure", { settings: { learning_enabled: false } });
    expect(await estimatesOf((await crew.start(plan)).run.id)).toMatchObject({ a: DEFAULT_MS, b: DEFAULT_MS });
  });

  test("has it too as a step of a plan, and as an element of a list", async () => {
    const { crew, estimatesOf } = await experienced();
    const { run } = await crew.start([
      { key: "p", kind: "plan", prompt: "plan it" },
      { key: "list", type: "quick", for_each: [1, 2] },
    ]);
    const held = await crew.take("ann", { run: run.id });
    expect(held.key).toBe("p");
    await crew.complete(held, { steps: [{ key: "planned", type: "quick", prompt: "do it" }] });
    const estimates = await estimatesOf(run.id);
    expect(estimates["planned"]).toBeLessThan(3_000);
    expect(estimates["list[0]"]).toBe(estimates["planned"]);
  });

  test("has it too where it is added to a run; outside any plan it has the default", async () => {
    const { crew, estimatesOf } = await experienced();
    const { run } = await crew.start([{ key: "a", type: "quick" }]);
    const changes = [
      { op: "add_task", step: { key: "b", prompt: "b", type: "long" } },
      { op: "add_task", step: { key: "c", prompt: "c", type: "long", estimate_ms: 7_000 } },
      { op: "update_task", task: "a", set: { prompt: "do it well" } },
    ];
    const before = (await estimatesOf(run.id))["a"];
    await crew.app.call("modify_run", { run: run.id, changes });
    await crew.app.call("create_task", { title: "d", prompt: "d", key: "d", type: "quick", run: run.id });
    const { a, b, c, d } = await estimatesOf(run.id);
    expect(a).toBe(before);
    expect(b).toBeGreaterThan(20_000);
    expect(b).toBeLessThan(70_000);
    expect(c).toBe(7_000);
    expect(d).toBeLessThan(3_000);
    // The longest of them comes first.
    expect((await crew.take("ann", { run: run.id })).key).toBe("b");
    const { task } = await crew.app.call("create_task", { title: "e", prompt: "e", type: "quick" });
    expect((await crew.app.call("get_task", { task: task.id })).task.estimate_ms).toBe(DEFAULT_MS);
  });

  test("counts as so long where a definition is checked: for its critical path, its work and what comes one after another", async () => {
    const { crew } = await experienced();
    const steps = [
      { key: "a", prompt: "a", type: "quick", files: { write: ["x"] } },
      { key: "b", prompt: "b", type: "quick", needs: ["a"] },
      { key: "c", prompt: "c", type: "long" },
      { key: "d", prompt: "d", estimate_ms: 7_000 },
    ];
    const check = async () => crew.app.call("validate_workflow", { definition: { name: "plan", steps } });
    const learned = await check();
    expect(learned).toMatchObject({ learned_estimates: 3, critical_path: { keys: ["c"] } });
    expect(learned.critical_path!.total_ms).toBeGreaterThan(20_000);
    expect(learned.work_ms).toBeLessThan(90_000);
    expect(learned.serial_fraction).toBeGreaterThan(0.6);
    await crew.app.call("configure", { settings: { learning_enabled: false } });
    const declared = await check();
    expect(declared).toMatchObject({
      critical_path: { keys: ["a", "b"], total_ms: 2 * DEFAULT_MS },
      work_ms: 3 * DEFAULT_MS + 7_000,
    });
    expect(declared).not.toHaveProperty("learned_estimates");
  });
});
