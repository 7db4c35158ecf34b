import { TASK_STATUSES } from "../../../src/base/statuses.js";
import { stripVTControlCharacters } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EventAnswer, RunAnswer, TaskAnswer } from "../../../src/cli/typed-calls.js";
import { progressLines, type View } from "../../../src/cli/run/progress.js";
import type { RunState } from "../../../src/cli/run/state.js";
import { widthOf } from "../../../src/cli/terminal/terminal.js";

const START = Date.UTC(2026, 0, 1);
const VIEW: View = { now: START + 12_000, columns: 80, rows: 24, style: { color: false, unicode: true }, table: false };

function task(key: string, more: Partial<TaskAnswer> = {}): TaskAnswer {
  return {
    id: `task_${key}`,
    key,
    run: "run_1",
    title: key,
    kind: "agent",
    status: "running",
    priority: "normal",
    ...more,
  };
}

function runOf(counts: Partial<RunAnswer["counts"]>, more: Partial<RunAnswer> = {}): RunAnswer {
  const zero = Object.fromEntries(TASK_STATUSES.map((status) => [status, 0]));
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return {
    id: "run_1",
    name: "ship",
    kind: "workflow",
    project: "project_1",
    status: "running",
    revision: 1,
    progress: 62.5,
    counts: { ...(zero as RunAnswer["counts"]), ...counts, total },
    priority: "normal",
    max_parallel: 4,
    inputs: {},
    created_by: "anna",
    created_at: new Date(START).toISOString(),
    ...more,
  };
}

function stateOf(more: Partial<RunState> = {}): RunState {
  return {
    run: runOf({ succeeded: 5, running: 2, pending: 1 }),
    etaMs: 8_000,
    running: [
      task("build", { agent: "claude-3f", percent: 40 }),
      task("docs", { agent: "cursor-9a", title: "Write it" }),
    ],
    ready: [],
    waiting: [],
    questions: [],
    failed: [],
    tasks: [],
    claimedAt: new Map([["task_build", START + 9_000]]),
    lastedMs: new Map(),
    recent: [event(10_000, "task.succeeded", { key: "design" })],
    warnings: [],
    followedAt: START,
    ...more,
  };
}

function event(afterMs: number, type: string, data: Record<string, unknown>): EventAnswer {
  return { seq: 1, at: new Date(START + afterMs).toISOString(), type, task: "task_1", agent: "anna", data };
}

test("shows how far it is, who is at work and what has just happened", () => {
  expect(progressLines(stateOf(), VIEW)).toEqual([
    `ship  ${"━".repeat(20)}${"─".repeat(12)}  62%  0:12, about 0:08 left`,
    "8 tasks: 5 succeeded · 2 running · 1 pending",
    "  ● build  0:03  claude-3f  40%",
    "  ● docs   cursor-9a  Write it",
    "  0:10  ✓ design succeeded",
  ]);
});

test("says whom a run that stands still waits for", () => {
  const run = runOf({ ready: 2 });
  const ready = [task("a", { status: "ready" }), task("b", { status: "ready" })];
  const lines = progressLines(stateOf({ run, running: [], ready, recent: [] }), VIEW);
  expect(lines.at(-1)).toBe("  a, b: ready, waiting for an agent to claim them");
});

test("says that a run stands still because its budget is spent, and how it goes on", () => {
  const budget = {
    scope: "run" as const,
    run: "run_1",
    limit: 1,
    spent: 1.5,
    remaining: -0.5,
    state: "blocked" as const,
  };
  const ready = [task("a", { status: "ready" })];
  const crossed = event(1_000, "run.budget_blocked", { budget });
  const state = stateOf({ run: runOf({ ready: 1 }), budget, running: [], ready, recent: [crossed] });
  expect(progressLines(state, { ...VIEW, columns: 200 }).slice(-2)).toEqual([
    "  1.5 of 1 US$ are spent, nothing new is claimed; more with: baton call set_budget --run run_1 --limit N",
    "  0:01  run has spent its budget, nothing new is claimed: 1.5 of 1 US$",
  ]);
  // An agent may complete the tasks it holds.
  expect(progressLines({ ...state, running: [task("b")] }, VIEW).join("\n")).not.toContain("set_budget");
});

test("shows why an unclaimable step waits, and how to answer a question", () => {
  const waits = (type: string, data: object) => {
    const recent = [event(10_000, type, { key: "ask", ...data })];
    return progressLines(stateOf({ running: [], recent }), { ...VIEW, columns: 200 }).at(-1);
  };
  expect(waits("task.waiting", { kind: "human", ask: "Ship\nit\u001b[2J?" })).toBe(
    "  0:10  ◌ ask waits for a decision: Ship it\\u001b[2J? (baton approve task_1)",
  );
  expect(waits("task.waiting", { until: START, event: null })).toContain("ask waits until 2026-01-01T00:00:00.000Z");
  expect(waits("task.waiting", { until: null, event: "merged" })).toContain("ask waits for the event merged");
  expect(waits("task.waiting", { workflow: "build" })).toContain("ask waits for a run of build");
  expect(waits("task.asked", { client: "Cursor" })).toContain("ask asks the person at Cursor");
  expect(waits("task.deferred", {})).toContain("ask put off by anna");
});

test("a table has every task, with how it stands", () => {
  const tasks = TASK_STATUSES.map((status) => task(`step-${status}`, { status }));
  const lines = progressLines(stateOf({ tasks, run: runOf({ running: tasks.length }) }), { ...VIEW, table: true });
  for (const status of TASK_STATUSES) expect(lines.join("\n")).toContain(`step-${status}`);
});

test("a table that is too long begins with what failed and what runs, also beyond the first tasks of the run", () => {
  const tasks = Array.from({ length: 40 }, (_, at) => task(`done-${at}`, { status: "succeeded" }));
  const failed = [{ task: task("broken", { status: "dead_letter" }), reasons: [] }];
  const run = runOf({ succeeded: 40, running: 2, dead_letter: 1 });
  const lines = progressLines(stateOf({ run, tasks, failed }), { ...VIEW, table: true, rows: 8 });
  expect(lines.slice(2, 5).map((line) => line.trim().split(" ")[1])).toEqual(["broken", "build", "docs"]);
});

test("without colours there is no escape, with them there is one for each painted part", () => {
  const plain = progressLines(stateOf(), VIEW).join("\n");
  const colored = progressLines(stateOf(), { ...VIEW, style: { color: true, unicode: true } }).join("\n");
  expect(plain).toBe(stripVTControlCharacters(plain));
  expect(colored).not.toBe(plain);
  expect(stripVTControlCharacters(colored)).toBe(plain);
});

describe("every run and every terminal", () => {
  const text = fc.oneof(fc.string(), fc.constantFrom("名前が長い", "👩‍👩‍👧 family", "a\nb\tc", "x".repeat(300)));
  const tasks = fc.array(
    fc.record({ key: text, title: text, agent: text, status: fc.constantFrom(...TASK_STATUSES) }),
    { maxLength: 40 },
  );

  test("no line is too wide and there are not too many", () => {
    fc.assert(
      fc.property(
        fc.record({
          columns: fc.integer({ min: 1, max: 200 }),
          rows: fc.integer({ min: 1, max: 60 }),
          table: fc.boolean(),
          unicode: fc.boolean(),
        }),
        fc.record({
          name: text,
          tasks,
          progress: fc.double({ min: 0, max: 100, noNaN: true }),
          etaMs: fc.option(fc.nat()),
        }),
        ({ unicode, ...view }, given) => {
          const shown = given.tasks.map(({ key, ...more }) => task(key, more));
          const run = runOf(
            { running: shown.length, ready: 3, dead_letter: 1 },
            { name: given.name, progress: given.progress },
          );
          const recent = [event(1, "task.dead_letter", { key: given.name, error: { type: "x", message: given.name } })];
          const state = stateOf({
            run,
            running: shown,
            tasks: shown,
            etaMs: given.etaMs,
            recent,
            warnings: [given.name],
          });
          const lines = progressLines(state, { ...view, now: START, style: { color: true, unicode } });
          expect(lines.length).toBeLessThanOrEqual(Math.max(1, view.rows - 1));
          for (const line of lines) {
            const plain = stripVTControlCharacters(line);
            expect(plain).not.toMatch(/[\n\r\t]/);
            expect(widthOf(plain)).toBeLessThanOrEqual(Math.max(1, view.columns - 1));
          }
        },
      ),
    );
  });
});
