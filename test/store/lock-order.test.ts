import { describe, expect, test } from "vitest";
import { LOCK_ORDER } from "../../src/store/lock-order.js";
import { catalogue } from "../../src/tools/registry.js";
import { startApp } from "../support/servers/app.js";
import { BACKENDS, createDatabase, testRuntime } from "../support/databases/databases.js";
import { LockRecorder, type Taken, violationsOf } from "../support/databases/lock-recorder.js";
import { replayed } from "../support/databases/replayed.js";
import { workingDay } from "../support/fixtures/working-day.js";

describe("a working day of every command", () => {
  test(`takes row locks in the one order: ${LOCK_ORDER.join(", ")}`, async () => {
    const recorder = new LockRecorder();
    const runtime = testRuntime();
    const storeHooks = { ...recorder.hooks, now: () => runtime.clock.now() };
    const app = await startApp({
      database: (await createDatabase("postgres")).location,
      runtime,
      storeHooks,
      channel: "human",
    });
    const found: string[] = [];
    const called = new Set<string>();
    const seen = new Set<string>();
    const locking = new Set<string>();
    const note = (name: string): void => {
      for (const taken of recorder.take()) {
        locking.add(name);
        seen.add([...new Set(taken.map(({ table }) => table))].join(", "));
        found.push(...violationsOf(taken).map((violation) => `${name}: ${violation}`));
      }
    };
    await workingDay({
      ...app,
      call: async (name, ...given) => {
        called.add(name);
        return app.call(name, ...given).finally(() => note(name));
      },
      advance: (ms) => app.advance(ms).finally(() => note("tick")),
    });
    expect(found).toEqual([]);
    // A claim with files takes three of them: the recorder has seen what it should.
    expect([...locking]).toEqual(expect.arrayContaining(["detect_conflicts", "resolve_conflicts"]));
    expect([...seen]).toContain("projects, runs, agents");
    expect([...seen]).toContain("projects, runs, circuit_breakers, milestones, budgets, learning_evidence");
    const unseen = catalogue.all.filter(
      ({ name, effect, area }) => effect !== "read" && area !== "meta" && !called.has(name),
    );
    expect(
      unseen.map(({ name }) => name),
      "operations that test/support/fixtures/working-day.ts does not call yet",
    ).toEqual([]);
  });

  // Each transaction runs once more on the rows it was given, and must yield the same statements and the same result.
  test.each(BACKENDS)("is pure on %s", async (backend) => {
    const runtime = testRuntime();
    const storeHooks = { now: () => runtime.clock.now() };
    const app = await startApp({
      database: (await createDatabase(backend)).location,
      runtime,
      storeHooks,
      channel: "human",
    });
    const open = app.app.store.bind(app.app);
    app.app.store = async () => replayed(await open());
    await expect(workingDay(app)).resolves.toBeUndefined();
  });
});

describe("the recorder", () => {
  const taken = (table: Taken["table"], ...ids: string[]): Taken => ({ table, ids, statement: table });

  test.each([
    ["the order", [taken("projects", "p"), taken("runs", "a", "b"), taken("agents", "x")], []],
    ["a lock that is held already", [taken("runs", "a"), taken("agents", "x"), taken("runs", "a")], []],
    ["a table too late", [taken("agents", "x"), taken("runs", "a")], ["runs after agents: runs"]],
    ["a row too late", [taken("runs", "b"), taken("runs", "a")], ["runs a after b: runs"]],
    ["rows at once, out of order", [taken("runs", "b", "a")], ["runs a after b: runs"]],
    ["a row made first", [{ ...taken("agents", "x"), makes: true }, taken("runs", "a"), taken("agents", "x")], []],
    [
      "a row made late",
      [taken("runs", "a"), { ...taken("agents", "x"), makes: true }],
      ["agents made after runs: agents"],
    ],
    ["an update of a row that is not held", [taken("agents", "x"), taken("runs")], ["runs after agents: runs"]],
    [
      "rows that are found, not held",
      [taken("runs", "a"), { ...taken("runs"), scattered: true }],
      ["several runs in no order: runs"],
    ],
  ])("judges %s", (_, steps, violations) => {
    expect(violationsOf(steps)).toEqual(violations);
  });
});
