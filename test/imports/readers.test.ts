import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { ForeignPlan } from "../../src/imports/foreign-plan.js";
import { isWfFormat, readPlans } from "../../src/imports/readers.js";

const sample = (name: string) => readFileSync(new URL(`../data/imports/${name}`, import.meta.url), "utf8");
const taskmaster = (tasks: unknown) => readPlans([{ path: "tasks.json", text: JSON.stringify({ tasks }) }]);
const markdown = (...lines: string[]) => readPlans([{ path: "PLAN.md", text: lines.join("\n") }]);
const only = ([plan, ...others]: readonly ForeignPlan[]): ForeignPlan => {
  if (plan === undefined || others.length > 0) throw new Error("not exactly one plan");
  return plan;
};
const byRef = (plan: ForeignPlan) => new Map(plan.tasks.map((task) => [task.ref, task]));

describe("Task Master", () => {
  test("a real file has all of its tasks and subtasks", () => {
    const path = "web/.taskmaster/tasks/tasks.json";
    const plan = only(readPlans([{ path, text: sample("taskmaster/tasks.json") }]));
    expect(plan).toMatchObject({ format: "taskmaster", source: "web/taskmaster/master", unmapped: [] });
    expect(plan.tasks).toHaveLength(54);
    expect(byRef(plan).get("rust-sync-engine.rust-subtask-handling")).toMatchObject({
      title: "Implement subtask handling",
      state: "started",
      parent: "rust-sync-engine",
      assignee: "swe-1-5dlabs",
    });
    expect(byRef(plan).get("rust-sync-engine")?.needs).toEqual(["rust-github-integration"]);
  });

  test("each tag is a plan of its own", () => {
    const text = JSON.stringify({
      master: { tasks: [{ id: 1, title: "a" }] },
      beta: { tasks: [{ id: 1, title: "b" }] },
    });
    const plans = readPlans([{ path: ".taskmaster/tasks/tasks.json", text }]);
    expect(plans.map(({ source }) => source)).toEqual(["taskmaster/master", "taskmaster/beta"]);
  });

  test("a subtask names its sibling by a bare number, and any subtask by both", () => {
    const subtasks = [
      { id: 1, title: "x" },
      { id: 2, title: "y", dependencies: [1, "3.1", "2.1"] },
    ];
    const plan = only(taskmaster([{ id: 2, title: "whole", subtasks }]));
    expect(byRef(plan).get("2.2")?.needs).toEqual(["2.1", "3.1", "2.1"]);
  });

  test("odd entries are named with their place, and the others are read", () => {
    const plan = only(taskmaster([null, { id: 1 }, { id: 2, title: "b", status: "someday", priority: {} }]));
    expect(plan.tasks).toMatchObject([{ ref: "2", state: "open" }]);
    expect(plan.unmapped.map(({ place, what }) => `${place} ${what}`)).toEqual([
      "tasks.json: master.tasks[0] an entry",
      "tasks.json: master.tasks[1] 1",
      "tasks.json: master.tasks[2] status someday",
    ]);
  });

  test("a file that breaks off is named", () => {
    const plan = only(readPlans([{ path: "tasks.json", text: '{"tasks": [{"id": 1, "ti' }]));
    expect(plan.unmapped[0]?.why).toMatch(/^is no JSON: /);
  });
});

describe("Markdown check lists", () => {
  test("a real document has its boxes, without those in code", () => {
    const plan = only(readPlans([{ path: "RELEASING.md", text: sample("markdown/beads-RELEASING.md") }]));
    expect(plan).toMatchObject({ title: "Release Process for Beads", source: "RELEASING.md" });
    expect(plan.tasks).toHaveLength(8);
    const checked = only(readPlans([{ path: "requirements.md", text: sample("markdown/speck-007-requirements.md") }]));
    expect(new Set(checked.tasks.map(({ state }) => state))).toEqual(new Set(["done"]));
  });

  test("nested boxes are parts, numbered ones follow one another, and notes name ids, needs, files and a priority", () => {
    const plan = only(
      markdown(
        "# Plan",
        "## Build",
        "1. [x] Parse (id: parse; files: src/parse.ts)",
        "2. [ ] Print",
        "   - [~] colours",
        "     more about it",
        "- [ ] Ship it (needs: parse, print; priority: high)",
        "```",
        "- [ ] in code",
        "```",
      ),
    );
    expect(plan.tasks).toMatchObject([
      { ref: "parse", state: "done", needs: [], files: ["src/parse.ts"], place: "PLAN.md:3" },
      { ref: "print", state: "open", needs: ["parse"] },
      { ref: "colours", state: "started", parent: "print", needs: [] },
      { ref: "ship-it", title: "Ship it", needs: ["parse", "print"], priority: "high" },
    ]);
    expect(plan.tasks[2]?.text).toBe("     more about it\n\nUnder: Build");
  });

  test("equal words are numbered, an id before the words is the item's, and unknown marks are named", () => {
    const plan = only(
      markdown("- [ ] Test", "- [ ] Test", "- [ ] CHK001 Is it safe?", "- [ ] #12 An issue", "- [?] Odd"),
    );
    expect(plan.tasks.map(({ ref }) => ref)).toEqual(["test", "test-2", "CHK001", "#12"]);
    expect(plan.unmapped).toMatchObject([{ place: "PLAN.md:5", why: "has the mark [?], which is none that is known" }]);
  });

  test("items beyond 20,000 are left out, however deep", () => {
    const lines = Array.from(
      { length: 21_000 },
      (_, at) => `${" ".repeat(at % 500)}- [ ] item ${at} ${"(id: ".repeat(3)}`,
    );
    const plan = only(markdown(...lines));
    expect(plan.tasks).toHaveLength(20_000);
    expect(plan.unmapped).toMatchObject([{ what: "the rest" }]);
  });
});

test("WfFormat is told from plans, and prose is none", () => {
  expect(
    isWfFormat({ path: "a.json", text: '{"schemaVersion":"1.5","workflow":{"specification":{"tasks":[]}}}' }),
  ).toBe(true);
  expect(isWfFormat({ path: "tasks.json", text: '{"tasks":[]}' })).toBe(false);
  expect(readPlans([{ path: "README.md", text: "# Read me\n\nNo boxes." }])).toEqual([]);
});
