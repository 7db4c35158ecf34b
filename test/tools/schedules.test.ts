import { describe, expect, test } from "vitest";
import type { BatonError } from "../../src/base/errors.js";
import { BACKENDS, testRuntime } from "../support/databases/databases.js";
import { startApp, startAppOn } from "../support/servers/app.js";
import { Crew } from "../support/fixtures/plan.js";

const HOUR = 3_600_000;
const definition = {
  name: "nightly",
  inputs: { depth: { type: "number", default: 1 } },
  steps: [{ key: "a", prompt: "p" }],
};
const cron = "0 3 * * *";

// The clock of these tests begins at midnight UTC of 1 January 2026.
describe.each(BACKENDS)("a schedule on %s", (backend) => {
  async function nightly(more: Record<string, unknown> = {}) {
    const app = await startAppOn(backend);
    const { call } = app;
    await call("create_project", { name: "demo" });
    await call("create_workflow", { project: "demo", definition });
    const made = await call("schedule_workflow", {
      project: "demo",
      workflow: "nightly",
      cron,
      timezone: "UTC",
      ...more,
    });
    const shown = async () => (await call("list_schedules", { project: "demo" })).schedules[0];
    const runs = async () =>
      (await call("list_runs", { project: "demo" })).runs.filter(({ name }) => name === "nightly");
    const told = async () => {
      const { events } = await call("list_events", { project: "demo", limit: 200 });
      return events.flatMap(({ type, data }) => (type.startsWith("schedule.") ? [{ type, ...(data as object) }] : []));
    };
    return { app, call, made, shown, runs, pass: app.advance, told, crew: new Crew(app) };
  }

  test("starts a run at its instant, for the agent that made it, and comes again", async () => {
    const { made, runs, pass, shown, told } = await nightly({ inputs: { depth: 3 }, priority: "high" });
    expect(made.created).toBe(true);
    expect(made.schedule).toMatchObject({
      name: "nightly",
      timezone: "UTC",
      paused: false,
      missed: "once",
      overlap: false,
    });
    expect(made.schedule.upcoming.map((instant) => instant.slice(11, 19))).toEqual([
      "03:00:00",
      "03:00:00",
      "03:00:00",
    ]);
    await pass(Date.parse(made.schedule.upcoming[0] ?? "") - Date.parse(made.schedule.created_at) - 1);
    expect(await runs()).toEqual([]);
    await pass(1);
    const [run] = await runs();
    expect(run).toMatchObject({ name: "nightly", status: "running" });
    expect(await shown()).toMatchObject({ last_run: run?.id, last_at: made.schedule.upcoming[0], last_error: null });
    expect((await shown())?.upcoming[0]).toBe(made.schedule.upcoming[1]);
    expect((await told()).map(({ type }) => type)).toEqual(["schedule.created", "schedule.started"]);
  });

  test("starts one run where several servers see it due at once", async () => {
    const { app, pass, runs } = await nightly();
    const { cwd, database, clock } = app;
    const others = await Promise.all(
      [1, 2, 3].map(() =>
        startApp({ cwd, database, runtime: { ...testRuntime(), clock }, storeHooks: { now: () => clock.now() } }),
      ),
    );
    for (const other of others) await other.call("list_projects", {});
    clock.advance(24 * HOUR);
    await Promise.all([pass(0), ...others.map((other) => other.advance(0))]);
    expect(await runs()).toHaveLength(1);
  });

  test("leaves out what would overlap its last run, and says so", async () => {
    const { runs, pass, told, crew } = await nightly();
    await pass(24 * HOUR);
    await pass(24 * HOUR);
    const [run, ...others] = await runs();
    expect(others).toEqual([]);
    expect((await told()).at(-1)).toMatchObject({ type: "schedule.skipped", run: run?.id });
    await crew.complete(await crew.take("ann", { run: run?.id ?? "" }));
    await pass(24 * HOUR);
    expect(await runs()).toHaveLength(2);
  });

  test.each([
    ["skip", 0],
    ["once", 1],
    ["all", 3],
  ] as const)("missed for three nights starts by %s %i runs", async (missed, count) => {
    const { runs, pass } = await nightly({ missed });
    await pass(3 * 24 * HOUR);
    for (let n = 0; n < 4; n++) await pass(0);
    expect(await runs()).toHaveLength(count);
  });

  test("is paused, goes on from its next instant, runs now and is deleted", async () => {
    const { call, runs, pass, shown } = await nightly();
    await call("pause_schedule", { project: "demo", schedule: "nightly" });
    expect(await shown()).toMatchObject({ paused: true, upcoming: [] });
    await pass(48 * HOUR);
    expect(await runs()).toEqual([]);
    const now = await call("run_schedule", { project: "demo", schedule: "nightly" });
    expect(now.ready).toHaveLength(1);
    expect(await shown()).toMatchObject({ paused: true, last_run: now.run.id });
    const { schedule } = await call("pause_schedule", { project: "demo", schedule: "nightly", paused: false });
    expect(schedule.upcoming[0]?.slice(0, 10)).toBe("2026-01-03");
    await call("delete_schedule", { project: "demo", schedule: "nightly" });
    expect(await shown()).toBeUndefined();
  });

  test("changes under the same name", async () => {
    const { call, shown } = await nightly();
    const again = await call("schedule_workflow", {
      project: "demo",
      workflow: "nightly",
      cron: "0 4 * * *",
      timezone: "UTC",
    });
    expect(again.created).toBe(false);
    expect((await shown())?.upcoming[0]?.slice(11, 16)).toBe("04:00");
  });

  test("starts runs in its mode, by the clock and by hand, with the limits of that", async () => {
    const { call, made, runs, pass } = await nightly({ mode: "fault_tolerant", overlap: true });
    await pass(Date.parse(made.schedule.upcoming[0] ?? "") - Date.parse(made.schedule.created_at));
    await call("run_schedule", { project: "demo", schedule: "nightly" });
    const found = await runs();
    expect(found).toHaveLength(2);
    for (const { id } of found) {
      const { tasks } = await call("list_tasks", { run: id });
      const { spec } = await call("get_task", { task: tasks[0]!.id });
      expect(spec["retry"]).toMatchObject({ max_attempts: 5 });
    }
  });

  test("is paused after five starts in a row that failed, and shows why", async () => {
    const { call, pass, shown, told } = await nightly();
    await call("delete_workflow", { project: "demo", name: "nightly" });
    for (let n = 0; n < 5; n++) await pass(24 * HOUR);
    expect(await shown()).toMatchObject({
      paused: true,
      failures: 5,
      last_error: expect.stringContaining("was deleted"),
    });
    expect((await told()).filter(({ type }) => type === "schedule.failed")).toHaveLength(5);
    expect((await told()).at(-1)?.type).toBe("schedule.paused");
  });

  test("that cannot be is refused, and nothing is kept", async () => {
    const { call, app } = await nightly();
    const refusal = async (name: string, input: Record<string, unknown>): Promise<BatonError> =>
      app.callUnchecked(name, { project: "demo", ...input }).catch((error: unknown) => error) as Promise<BatonError>;
    const refused = async (given: Record<string, unknown>) =>
      (await refusal("schedule_workflow", { workflow: "nightly", name: "other", cron, ...given })).code;
    expect(await refused({ cron: "61 * * * *" })).toBe("invalid_input");
    expect(await refused({ timezone: "Mars/Olympus" })).toBe("invalid_input");
    expect(await refused({ name: "a/b c" })).toBe("invalid_input");
    expect(await refused({ inputs: { width: 3 } })).toBe("invalid_input");
    expect(await refused({ workflow: "nowhere" })).toBe("not_found");
    expect((await call("list_schedules", { project: "demo" })).schedules).toHaveLength(1);
    for (const name of ["pause_schedule", "run_schedule", "delete_schedule"] as const)
      expect((await refusal(name, { schedule: "nightle" })).message).toContain("nightly");
  });
});
