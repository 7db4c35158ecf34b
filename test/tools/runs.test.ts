import { describe, expect, it } from "vitest";
import type { InputOf } from "../../src/tools/registry.js";
import { startApp } from "../support/servers/app.js";
import { Crew } from "../support/fixtures/plan.js";

describe("runs", () => {
  it("tell their progress in groups that sum to the total", async () => {
    const crew = new Crew(await startApp());
    const { run } = await crew.start([
      { key: "a", estimate_ms: "1m" },
      { key: "b", needs: ["a"], estimate_ms: "3m" },
      { key: "c", retry: { max_attempts: 1 } },
      { key: "d", needs: ["c"] },
      { key: "e" },
    ]);
    for (let i = 0; i < 3; i++) {
      const held = await crew.take(`agent-${i}`, { run: run.id });
      if (held.key === "a") await crew.complete(held);
      else if (held.key === "c") await crew.fail(held);
    }
    const progress = (await crew.app.callUnchecked("get_swarm_progress", { run: run.id })) as Record<string, number>;
    expect(progress).toMatchObject({
      run_id: run.id,
      completed: 1,
      in_progress: 1,
      pending: 2,
      failed: 1,
      skipped: 0,
      total: 5,
      ready_tasks: 1,
      has_cycle: false,
      conflict_stats: { active_locks: 0, locked_files: [], failed_tasks: 1 },
      critical_path: ["c", "d"],
    });
    // A minute of nineteen: three steps of unknown length count five each.
    expect(progress["progress"]).toBe(5.3);
  });

  it("are drawn in four ways", async () => {
    const crew = new Crew(await startApp());
    const { run } = await crew.start([{ key: "a" }, { key: "b", needs: ["a"] }]);
    const draw = async (format: InputOf<"get_run_graph">["format"]) =>
      (await crew.app.call("get_run_graph", { run: run.id, format })).graph;
    expect(await draw("mermaid")).toContain("flowchart");
    expect(await draw("dot")).toContain("digraph");
    expect(await draw("svg")).toContain("<svg");
    expect(await draw("json")).toMatchObject({
      edges: [{ from: "a", to: "b" }],
      depth: 1,
      width: 1,
      critical_path: ["a", "b"],
    });
  });

  it("are listed newest first, page by page", async () => {
    const crew = new Crew(await startApp());
    const ids: string[] = [];
    for (const name of ["one", "two", "three"]) ids.unshift((await crew.start([{ key: "a" }], { name })).run.id);
    const first = await crew.app.call("list_runs", { limit: 2 });
    expect(first.runs.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const rest = await crew.app.call("list_runs", { limit: 2, cursor: first.next_cursor });
    expect(rest.runs.map(({ id }) => id)).toEqual(ids.slice(2));
    expect((await crew.app.call("list_runs", { status: "failed" })).runs).toEqual([]);
  });

  it("keep their history, readable by task and type", async () => {
    const crew = new Crew(await startApp());
    const { run } = await crew.start([{ key: "a" }, { key: "b", needs: ["a"] }]);
    const held = await crew.take("ann", { run: run.id });
    await crew.complete(held);
    const types = async (filter: Record<string, unknown>) =>
      (await crew.app.call("list_events", filter)).events.map(({ type }) => type);
    expect(await types({ run: run.id })).toEqual(["run.started", "task.claimed", "task.succeeded", "task.ready"]);
    expect(await types({ task: held.id })).toEqual(["task.claimed", "task.succeeded"]);
    expect(await types({ run: run.id, types: ["task.ready"] })).toEqual(["task.ready"]);
  });

  it("show what went wrong with every attempt", async () => {
    const crew = new Crew(await startApp());
    const { run } = await crew.start([{ key: "a", retry: { max_attempts: 1 } }]);
    await crew.fail(await crew.take("ann", { run: run.id }), "compile");
    expect(await crew.app.call("get_run", { run: run.id, include: ["failures", "tasks", "graph"] })).toMatchObject({
      run: { status: "failed" },
      failures: [{ task: { key: "a" }, attempts: [{ outcome: "failed", error: { type: "compile" } }] }],
      tasks: [{ key: "a", status: "dead_letter" }],
      graph: expect.stringContaining("flowchart") as string,
    });
  });

  it("stop giving out work while they are paused, but let holders complete", async () => {
    const crew = new Crew(await startApp());
    const { run } = await crew.start([{ key: "a" }, { key: "b" }]);
    const held = await crew.take("ann", { run: run.id });
    await crew.app.call("control_run", { run: run.id, action: "pause" });
    expect(await crew.app.call("report_progress", { task: held.id, token: held.token })).toMatchObject({
      orders: "paused",
    });
    await crew.complete(held);
    expect(await crew.claim("ann", { run: run.id })).toMatchObject({ outcome: "none", reason: "paused" });
    await expect(crew.app.call("control_run", { run: run.id, action: "pause" })).rejects.toMatchObject({
      code: "invalid_transition",
      details: { status: "paused", legal_actions: expect.arrayContaining(["resume"]) as string[] },
    });
    await crew.app.call("control_run", { run: run.id, action: "resume" });
    expect((await crew.complete(await crew.take("ann", { run: run.id }))).run.status).toBe("succeeded");
    await expect(crew.app.call("control_run", { run: run.id, action: "retry_failed" })).rejects.toMatchObject({
      code: "invalid_transition",
      message: `retry_failed is not possible: run ${run.id} is succeeded; no action is possible any more.`,
    });
  });

  it("are refused whole: too many steps, an unknown one, none to start", async () => {
    const { call } = await startApp();
    const steps = Array.from({ length: 10_001 }, (_, i) => ({ key: `t${i}`, prompt: "x" }));
    await expect(call("execute_workflow", { definition: { name: "x", steps } })).rejects.toMatchObject({
      code: "limit_exceeded",
    });
    await expect(call("execute_workflow", {})).rejects.toMatchObject({ code: "invalid_input" });
    await expect(call("get_run", { run: "run_0000000000000000" })).rejects.toMatchObject({ code: "not_found" });
    expect((await call("list_runs", {})).runs).toEqual([]);
  });

  it("of 10,000 steps start in one transaction and answer from counters", async () => {
    const { call } = await startApp();
    const steps = Array.from({ length: 10_000 }, (_, i) => ({
      key: `t${i}`,
      prompt: "x",
      needs: i < 100 ? [] : [`t${i - 100}`],
    }));
    const started = await call("execute_workflow", { definition: { name: "big", steps } });
    expect(started.run.counts).toMatchObject({ total: 10_000, ready: 100, pending: 9_900 });
    const from = performance.now();
    const shown = await call("get_run", { run: started.run.id });
    process.stderr.write(`get_run of 10,000 tasks: ${(performance.now() - from).toFixed(1)} ms\n`);
    expect(shown.ready).toHaveLength(20);
  });
});

describe("ad-hoc tasks", () => {
  it("go one by one when their time is over, but not while an open task needs their result", async () => {
    const crew = new Crew(await startApp({ settings: { retention_ms: 3_600_000 } }));
    const { call, advance } = crew.app;
    const create = async (title: string, more: Record<string, unknown> = {}) =>
      (await call("create_task", { title, prompt: "x", ...more })).task;
    const [old, needed] = [await create("old"), await create("needed")];
    const open = await create("open", { run: old.run, dependencies: [needed.id] });
    for (let i = 0; i < 2; i++) await crew.complete(await crew.take("ann", { run: old.run }), { done: true });
    await advance(3_600_000);
    await advance(5_000);
    await expect(call("get_task", { task: old.id })).rejects.toMatchObject({ code: "not_found" });
    expect((await crew.run(old.run)).counts).toMatchObject({ total: 2, succeeded: 1, ready: 1 });
    const claim = await crew.claim("ben", { run: old.run });
    expect(claim.task).toMatchObject({ id: open.id, dependencies: [{ status: "succeeded", result: { done: true } }] });
  });
});

describe("wait_for", () => {
  it("goes on from where the agent left off", async () => {
    const crew = new Crew(await startApp());
    await crew.app.call("wait_for", { agent: "ann", timeout_seconds: 0 });
    const { run } = await crew.start([{ key: "a" }]);
    const first = await crew.app.call("wait_for", { agent: "ann", timeout_seconds: 5 });
    expect(first).toMatchObject({ timed_out: false, events: [{ type: "run.started", run: run.id }] });
    expect(await crew.app.call("wait_for", { agent: "ann", timeout_seconds: 0 })).toMatchObject({
      timed_out: true,
      events: [],
    });
    await crew.complete(await crew.take("ben", { run: run.id }));
    expect(
      await crew.app.call("wait_for", { agent: "ann", kinds: ["run_finished"], timeout_seconds: 5 }),
    ).toMatchObject({
      events: [{ type: "run.finished", data: { status: "succeeded" } }],
    });
    expect(await crew.app.call("wait_for", { agent: "ann", cursor: first.cursor, timeout_seconds: 0 })).toMatchObject({
      events: [{ type: "run.finished" }],
    });
  });
});
