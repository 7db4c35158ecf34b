import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startAppOn } from "../support/servers/app.js";

/** Work that is still to come: tasks that are tried again, and pending ones with what they need. */
describe.each(BACKENDS)("work that is still to come, on %s", (backend) => {
  const RETRY = { max_attempts: 3, initial_interval_ms: 60_000, max_interval_ms: 60_000, backoff_coefficient: 1 };

  test("a run, its progress, lists and the project's status name tasks that are tried again", async () => {
    const app = await startAppOn(backend);
    await app.call("create_project", { name: "p", root: app.cwd });
    const crew = new Crew(app);
    const steps = [
      { key: "a", retry: RETRY },
      { key: "b", needs: ["a"] },
      { key: "c", needs: ["a", "b"] },
      { key: "z" },
    ];
    const { run } = await crew.start(steps, { project: "p" });
    const { id, token } = await crew.take("ann", { run: run.id });
    const error = { type: "exit_1", message: "boom\nat line 3" };
    const { retry_at } = await app.call("fail_task", { task: id, token, error });
    const retrying = [{ id, key: "a", failures: 1, retry_at, after: "exit_1: boom", by: "ann" }];
    const shown = await app.call("get_run", { run: run.id });
    expect(shown).toMatchObject({
      retrying,
      pending: [
        { key: "b", needs: ["a"] },
        { key: "c", needs: ["a", "b"] },
      ],
    });
    expect(shown.more).toBeUndefined();
    expect(await app.call("get_run_progress", { run: run.id })).toMatchObject({ failed_attempts: 1, retrying });
    expect((await app.call("list_runs", {})).runs).toMatchObject([{ retrying: 1, next_retry_at: retry_at }]);
    expect(await app.call("get_project_status", { project: "p" })).toMatchObject({ retrying });
    await app.advance(60_000);
    const later = await app.call("get_run", { run: run.id });
    expect(later).not.toHaveProperty("retrying");
    expect(later.ready).toMatchObject([{ key: "a", failures: 1 }, { key: "z" }]);
  });

  test("of many pending tasks the next twenty are named, of many needs ten, and the rest is counted", async () => {
    const app = await startAppOn(backend);
    const crew = new Crew(app);
    const first = Array.from({ length: 15 }, (_, at) => ({ key: `a${at}` }));
    const needs = first.map(({ key }) => key);
    const rest = Array.from({ length: 30 }, (_, at) => ({ key: `b${at}`, needs }));
    const { run } = await crew.start([...first, ...rest]);
    const { pending, more } = await app.call("get_run", { run: run.id });
    expect(pending).toHaveLength(20);
    expect(pending?.[0]).toMatchObject({ key: "b0", needs: needs.slice(0, 10), needs_more: 5 });
    expect(more).toMatchObject([{ status: "pending", count: 10 }]);
  });

  test("a run that was cancelled has no success rate of 1: its cancelled tasks were not done", async () => {
    const app = await startAppOn(backend);
    const crew = new Crew(app);
    const { run } = await crew.start([{ key: "a" }, { key: "b" }, { key: "c" }, { key: "d" }]);
    await crew.complete(await crew.take("ann", { run: run.id }));
    await app.call("control_run", { run: run.id, action: "cancel" });
    expect((await app.call("get_run", { run: run.id })).run).toMatchObject({ status: "cancelled", success_rate: 0.25 });
    expect(await app.call("get_run_progress", { run: run.id })).toMatchObject({ skipped: 3, success_rate: 0.25 });
  });
});
