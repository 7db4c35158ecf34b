import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import type { Checks } from "./checks.js";

const DEFINITION = { name: "simple", steps: [{ key: "a", prompt: "x" }] };

/** The document "Codomyrmex project orchestration": workflows, tasks, projects, sessions. */
export const projectsAndWorkflows: Checks = {
  "3.1 3.12 3.13 3.14 3.53 3.63 3.64 3.72 4.58 4.62": async ({ app, ask, crew }) => {
    const made = await ask("create_workflow", { definition: DEFINITION });
    expect(made).toMatchObject({ workflow: { name: "simple", version: 1 }, created: true });
    const started = await ask("execute_enhanced_workflow", { workflow_id: "simple" });
    const run = started["run"] as { id: string };
    expect(run).toMatchObject({ id: expect.stringMatching(/^run_/) as string, name: "simple", status: "running" });
    app.clock.advance(102);
    await crew.complete(await crew.take("ann", { run: run.id }));
    expect((await crew.run(run.id)).status).toBe("succeeded");
    const performance = { runs: 1, success_rate: 1, typical_duration_ms: 102 };
    expect(await ask("get_performance_summary", { workflow_name: "simple" })).toMatchObject({ performance });
    const { workflows } = await ask("list_workflows");
    expect(workflows).toMatchObject([{ name: "simple", version: 1, runs: 1 }]);
  },
  "3.62": async ({ ask }) => {
    const inputs = { topic: { type: "string" } };
    await ask("create_workflow", { definition: { ...DEFINITION, inputs } });
    const given = { workflow_name: "simple", parameters: { topic: "bees" } };
    expect(await ask("execute_workflow", given)).toMatchObject({ run: { inputs: { topic: "bees" } } });
  },
  "3.2 3.16 3.18 3.20 3.26": async ({ ask, call, start }) => {
    expect(await ask("execute_task", { definition: { prompt: "x" } })).toMatchObject({ run: { status: "running" } });
    const { task } = await call("create_task", { title: "one", prompt: "x" });
    const second = await call("create_task", { title: "two", prompt: "x", dependencies: [task.id] });
    expect(second.task.status).toBe("pending");
    const run = await start([{ key: "a" }, { key: "b" }, { key: "c" }], { max_parallel: 2 });
    for (const agent of ["ann", "bob"]) await call("claim_task", { run, agent });
    expect(await call("claim_task", { run, agent: "cid" })).toMatchObject({ reason: "run_at_capacity" });
  },
  "3.6 3.61": async ({ app, ask, call }) => {
    const { operations } = await call("find_operations", {});
    expect(operations.length).toBeGreaterThan(40);
    expect(await ask("execute_tool", { name: "list_runs", args: {} })).toMatchObject({ name: "list_runs" });
    expect(app.cwd).toBeTruthy();
  },
  "3.7 3.82 3.83 3.25": async ({ app, call, crew, start }) => {
    const run = await start([{ key: "bad" }, { key: "a" }], { on_failure: "continue" });
    const { spec } = await call("get_task", { task: `${run}/bad` });
    expect(spec["retry"]).toMatchObject({
      initial_interval_ms: 1_000,
      backoff_coefficient: 2,
      max_interval_ms: 60_000,
    });
    for (let tries = 0; tries < 3; tries++) {
      await crew.fail(await crew.take("ann", { run }));
      await app.advance(3_600_000);
      if (tries === 0) await crew.complete(await crew.take("ann", { run }));
    }
    expect(await crew.statuses(run)).toEqual({ bad: "dead_letter", a: "succeeded" });
  },
  "3.15": async ({ app, ask, crew, start }) => {
    await ask("create_workflow", { definition: DEFINITION });
    const run = await start([{ key: "outer", kind: "workflow", workflow: "simple" }]);
    await app.advance(1_000);
    await crew.complete(await crew.take("ann", { run }));
    await app.advance(1_000);
    expect((await crew.run(run)).status).toBe("succeeded");
  },
  "3.21 3.23": async ({ crew, start }) => {
    const run = await start([{ key: "a" }, { key: "b", needs: ["a"] }]);
    const done = await crew.complete(await crew.take("ann", { run }));
    expect(done.newly_ready).toMatchObject([{ key: "b" }]);
  },
  "3.3 3.27 3.32 3.33 3.34 3.35 3.66": async ({ ask, call, crew, start }) => {
    const made = await ask("create_project", { name: "site", description: "a page", config: { max_parallel: 6 } });
    expect(made).toMatchObject({ created: true, project: { description: "a page" } });
    expect(await call("update_project", { project: "site", config: { max_parallel: 3 } })).toMatchObject({
      changed: [{ name: "config.max_parallel", from: 6, to: 3 }],
    });
    const run = await start([{ key: "a" }], { project: "site" });
    await call("add_milestone", { project: "site", name: "beta", runs: [run] });
    await expect(call("archive_project", { project: "site" })).rejects.toThrow(/active|running|force/);
    await crew.complete(await crew.take("ann", { run }));
    const status = await call("get_project_status", { project: "site" });
    expect(status).toMatchObject({ milestones: [{ name: "beta", status: "completed" }] });
    await call("archive_project", { project: "site" });
    expect((await ask("list_projects", { status: "archived" }))["projects"]).toMatchObject([{ name: "site" }]);
    expect(await call("restore_project", { project: "site" })).toMatchObject({ project: { status: "active" } });
  },
  "3.28 3.30 3.31 3.65": async ({ app, ask, call }) => {
    const { templates } = await call("list_templates");
    expect(templates.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["ai_analysis", "web_application", "linear_pipeline"]),
    );
    for (const [name, template_name] of [
      ["one", "ai_analysis"],
      ["two", "web-application"],
    ] as const) {
      const root = path.join(app.cwd, name);
      mkdirSync(root);
      await ask("create_project", { name, root, template_name, description: "from a template" });
      expect(readFileSync(path.join(root, "README.md"), "utf8")).not.toBe("");
    }
  },
  "3.44 3.45 3.47": async ({ ask, call }) => {
    const made = await ask("create_session", { user_id: "user123", mode: "resource_aware", max_parallel_tasks: 4 });
    expect(made).toMatchObject({ session: { name: "user123", mode: "resource_aware", max_parallel_tasks: 4 } });
    await call("create_workflow", { definition: DEFINITION });
    const { id } = made["session"] as { id: string };
    expect(await ask("execute_workflow", { workflow_name: "simple", session_id: id })).toMatchObject({
      run: { mode: "resource_aware", max_parallel: 4 },
    });
  },
  "3.87 4.65": async ({ call, crew, held }) => {
    const task = await held();
    const wait = { agent: "bob", run: task.run, kinds: ["run_finished" as const], timeout_seconds: 10 };
    const waits = call("wait_for", wait);
    await crew.complete(task);
    expect(await waits).toMatchObject({ events: [{ data: { name: "plan", status: "succeeded" } }] });
  },
  "4.50 4.52 4.55": async ({ call, start }) => {
    const run = await start([{ key: "analysis", title: "Analyse", estimate_ms: "30m" }]);
    expect((await call("get_task", { task: `${run}/analysis` })).task).toMatchObject({ estimate_ms: 1_800_000 });
  },
  "4.59": async ({ ask }) => {
    const given = { workflow: "template:linear-pipeline", inputs: { goal: "tidy" } };
    expect(await ask("execute_workflow", given)).toMatchObject({ run: { counts: { total: 4 } } });
  },
  "4.25": async ({ call, start }) => {
    const run = await start([{ key: "a", priority: "high" }]);
    expect((await call("list_tasks", { run })).tasks).toMatchObject([
      { id: expect.any(String) as string, priority: "high" },
    ]);
  },
  "4.123": async ({ ask, call }) => {
    const file = path.resolve(import.meta.dirname, "../data/wfinstances");
    const document = readFileSync(
      path.join(
        file,
        readdirSync(file).find((name) => name.endsWith(".json"))!,
      ),
      "utf8",
    );
    expect(await ask("import_workflow", { document, name: "trace" })).toMatchObject({ created: true });
    expect((await call("list_workflows", {})).workflows).toMatchObject([{ name: "trace" }]);
  },
  "4.48": async ({ crew, start }) => {
    const run = await start([
      { key: "a", retry: { max_attempts: 1 } },
      { key: "b" },
      ...["all_succeeded", "all_done", "one_succeeded", "one_failed", "none_failed"].map((trigger) => ({
        key: trigger,
        needs: ["a", "b"],
        trigger,
      })),
    ]);
    await crew.fail(await crew.take("ann", { run }));
    await crew.complete(await crew.take("ann", { run }));
    expect(await crew.statuses(run)).toMatchObject({
      all_succeeded: "blocked",
      all_done: "ready",
      one_succeeded: "ready",
      one_failed: "ready",
      none_failed: "blocked",
    });
  },
};
