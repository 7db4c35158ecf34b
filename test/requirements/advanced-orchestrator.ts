import { expect } from "vitest";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { type Checks, holdingOf, RowFixture } from "./checks.js";

const HOUR_MS = 3_600_000;

/** The document "Sanaa advanced orchestrator": tasks, agents, settings. */
export const advancedOrchestrator: Checks = {
  "0.2 0.23 0.73": async ({ ask, call, crew }) => {
    const { run } = await crew.start([{ key: "other", role: "nobody" }]);
    const first = await ask("create_task", { run: run.id, title: "setup", prompt: "x", key: "setup_database" });
    const second = await ask("create_task", {
      run: run.id,
      name: "auth",
      prompt: "y",
      dependencies: ["setup_database"],
    });
    expect(first).toMatchObject({ task: { id: expect.stringMatching(/^task_/) as string, status: "ready" } });
    expect(second).toMatchObject({ task: { status: "pending" } });
    const done = await crew.complete(await crew.take("ann", { run: run.id }), { url: "db" });
    expect(done.newly_ready).toMatchObject([{ title: "auth" }]);
    const { task } = await call("claim_task", { run: run.id });
    expect(task?.dependencies).toMatchObject([{ key: "setup_database", result: { url: "db" } }]);
  },
  "0.4 0.63 3.17 3.22": async ({ ask, start, crew, call }) => {
    for (const priority of ["low", "normal", "HIGH", "critical"])
      await ask("create_task", { title: priority.toLowerCase(), prompt: "x", priority });
    const claimed: string[] = [];
    while (claimed.length < 4) {
      const { task, lease } = await call("claim_task", { fresh: true });
      claimed.push(task!.title);
      await crew.complete({ id: task!.id, token: lease!.token });
    }
    expect(claimed).toEqual(["critical", "high", "normal", "low"]);
    const run = await start([{ key: "none" }, { key: "late", deadline: "2h" }, { key: "soon", deadline: "10m" }]);
    expect((await crew.take("ann", { run })).key).toBe("soon");
  },
  "0.13 0.32 0.102 0.105 0.107 0.125 0.126 0.127 4.130": async ({ app, ask, crew, start }) => {
    const run = await start([{ key: "a" }, { key: "b", retry: { max_attempts: 1 } }]);
    const first = await crew.take("ann", { run });
    app.clock.advance(9);
    await crew.complete(first);
    await crew.fail(await crew.take("ann", { run }));
    const metrics = { attempts: 2, succeeded: 1, failed: 1, lost: 0, success_rate: 0.5, mean_duration_ms: 9 };
    expect(await ask("get_agent_performance", { agent_id: "ann" })).toMatchObject({ health: {}, metrics });
    expect(await ask("get_agent_metrics", { agent_id: "ann" })).toMatchObject({ metrics });
    expect(await ask("get_agent_health", { agent_id: "ann" })).toMatchObject({ health: { state: "ok" } });
    const outcomes = [{ outcome: "failed", error: { type: "broken" } }, { outcome: "succeeded" }];
    expect(await ask("get_agent_workload_history", { agent: "ann" })).toMatchObject({ history: outcomes });
    expect(await ask("get_agent_failure_history", { agent: "ann" })).toMatchObject({ history: outcomes });
  },
  "0.13 ": async ({ ask, call }) => {
    await call("register_agent", { name: "ann" });
    await ask("agent_heartbeat", { agent_id: "ann", status: "reading", load: 0.5 });
    expect(await ask("get_agent", { agent: "ann" })).toMatchObject({
      agent: { reported: { status: "reading", load: 0.5 } },
    });
  },
  "0.17 4.14 0.60 0.18": async ({ ask }) => {
    const answer = await ask("orchestrate", { goal: "tidy the shelf" });
    expect(answer).toMatchObject({ run: { status: "planning" }, task: { kind: "plan" } });
  },
  "0.19": async ({ app, ask }) => {
    mkdirSync(path.join(app.cwd, "sub"));
    expect(await ask("create_project", { name: "elsewhere", project_path: "sub" })).toMatchObject({
      project: { root: expect.stringContaining("sub") as string },
    });
    expect(await ask("orchestrate", { goal: "x", project: "here" })).toMatchObject({ run: { status: "planning" } });
  },
  "0.20 0.21 0.51 0.128 0.130 3.52 3.68 4.98": async ({ ask, crew, held, start }) => {
    await held();
    const run = await start([{ key: "b" }, { key: "c" }]);
    await crew.complete(await crew.take("bob", { run }));
    expect(await ask("get_status")).toMatchObject({
      tasks: { running: 1, succeeded: 1, ready: 1 },
      process: { memory_bytes: expect.any(Number) as number },
      database: { schema_version: expect.any(Number) as number },
    });
  },
  "0.24 4.51": async ({ ask }) => {
    expect(await ask("create_task", { name: "setup", description: "x" })).toMatchObject({ task: { title: "setup" } });
  },
  "0.25 0.64 2.21 4.54": async ({ ask, call }) => {
    const { task } = await call("create_task", { title: "a", prompt: "x", role: "coder", requires: ["python"] });
    await call("register_agent", { name: "other" });
    await call("register_agent", { name: "coder_1", roles: ["coder"], capabilities: ["python"] });
    const asked = async (agent: string) => ask("can_agent_start_task", { agent_id: agent, task_id: task.id });
    expect(await asked("other")).toMatchObject({
      claimable: false,
      reasons: [{ kind: "role" }, { kind: "capability" }],
    });
    expect(await asked("coder_1")).toMatchObject({ ready: true, claimable: true, reasons: [] });
  },
  "0.26": async ({ ask }) => {
    await ask("create_task", { name: "setup_database", prompt: "x" });
    const given = { name: "auth", prompt: "y", dependencies: ["setup_database"] };
    expect(await ask("create_task", given)).toMatchObject({ task: { status: "pending" } });
    await ask("create_task", { name: "setup_database", prompt: "x" });
    await expect(ask("create_task", given)).rejects.toThrow(/two tasks|2 tasks/);
  },
  "0.27": async ({ ask, call }) => {
    for (const priority of [4, 3, "1", 2]) await ask("create_task", { name: `p${priority}`, prompt: "x", priority });
    const { tasks } = await call("list_tasks", { status: "ready" });
    expect(tasks.map(({ title, priority }) => [title, priority])).toEqual([
      ["p1", "critical"],
      ["p2", "high"],
      ["p3", "normal"],
      ["p4", "low"],
    ]);
    for (const priority of [0, 5, 1.5, "9"])
      await expect(ask("create_task", { name: "p", prompt: "x", priority })).rejects.toThrow(
        /one of "critical", "high"/,
      );
  },
  "0.28 0.29 0.30": async ({ ask, crew, held, start }) => {
    const run = await start([{ key: "a" }, { key: "b", needs: ["a"] }]);
    const status = await ask("get_task_status", { task_id: `${run}/b` });
    expect(status).toMatchObject({ task: { status: "pending", dependencies: { total: 1 } } });
    expect(await ask("cancel_task", { task_id: `${run}/b` })).toMatchObject({ task: { status: "cancelled" } });
    const task = await held({ retry: { max_attempts: 1 } });
    await crew.fail(task, "broken", { error: { type: "E", message: "m", stack: "Traceback" } });
    const history = await ask("get_task_history", { task_id: task.id });
    expect(history).toMatchObject({ attempts: [{ error: { stack: "Traceback" } }] });
    expect(history["events"]).not.toEqual([]);
  },
  "0.31 0.67 0.135": async ({ ask, call, held }) => {
    await call("register_agent", { name: "bob", capabilities: ["sql"], roles: ["dba"] });
    await held();
    const { agents } = await ask("get_available_agents", {});
    expect(agents).toContainEqual(
      expect.objectContaining({ name: "bob", capabilities: ["sql"], roles: ["dba"], running: 0, available: true }),
    );
    expect(agents).not.toContainEqual(expect.objectContaining({ name: "ann" }));
  },
  "0.33": async ({ ask, call, start }) => {
    const run = await start([{ key: "a" }]);
    await call("register_agent", { name: "coder_1" });
    const assigned = await ask("assign_task_to_agent", { task_id: `${run}/a`, agent_id: "coder_1" });
    expect(assigned).toMatchObject({ task: { reserved_for: "coder_1" } });
    expect(await call("claim_task", { run, agent: "bob" })).toMatchObject({ outcome: "none", reason: "reserved" });
  },
  "0.39 0.43": async ({ ask, call, start }) => {
    const parallel = async (from: RowFixture["call"], run: string) => (await from("get_run", { run })).run.max_parallel;
    const bounded = await RowFixture.open({ env: { BATON_MAX_CONCURRENT_TASKS: "10" } });
    expect(await parallel(bounded.call, await bounded.start([{ key: "a" }]))).toBe(10);
    await ask("configure", { settings: { max_concurrent_tasks: 15 } });
    expect(await parallel(call, await start([{ key: "a" }]))).toBe(15);
    expect(await parallel(call, await start([{ key: "a" }], { max_parallel: 3 }))).toBe(3);
  },
  "4.7 4.99": async ({ call }) => {
    const definition = { name: "w", steps: [{ key: "a", prompt: "x" }] };
    for (const mode of ["standard", "high_performance", "fault_tolerant"] as const) {
      await call("create_session", { name: mode, mode });
      const { run } = await call("execute_workflow", { definition, session: mode });
      expect(run.mode ?? "standard").toBe(mode);
    }
    const production = await RowFixture.open({ env: { BATON_DEFAULT_MODE: "fault_tolerant" } });
    const run = await production.start([{ key: "a" }]);
    const task = await production.call("get_task", { task: `${run}/a` });
    expect([(await production.call("get_run", { run })).run.mode, task.spec["retry"]]).toMatchObject([
      "fault_tolerant",
      { max_attempts: 5 },
    ]);
  },
  "0.44 2.54 0.134": async ({ app, ask, call, crew, start }) => {
    await ask("configure", { settings: { task_timeout: 60 } });
    const run = await start([{ key: "a" }, { key: "b", timeouts: { start_to_close: "30m" } }]);
    const spec = async (key: string) => (await call("get_task", { task: `${run}/${key}` })).spec["timeouts"];
    expect(await spec("a")).toMatchObject({ start_to_close: 60_000 });
    expect(await spec("b")).toMatchObject({ start_to_close: 1_800_000 });
    const held = await crew.take("ann", { run });
    await app.advance(HOUR_MS);
    const { attempts } = await call("get_task", { task: held.id, include: ["attempts"] });
    expect(attempts).toMatchObject([{ error: { type: "timeout:start_to_close" } }]);
  },
  "0.45 0.70 0.108 2.53": async ({ app, ask, call, crew, start }) => {
    expect(await call("configure", { settings: { retry_attempts: 4 } })).toMatchObject({ changed: [{ to: 4 }] });
    await ask("configure", { settings: { retry_attempts: 3 } });
    const run = await start([{ key: "a" }, { key: "b", retry: { non_retryable: ["fatal"] } }]);
    const fail = async () =>
      ask("report_task_failure", { ...holdingOf(await crew.take("ann", { run })), error: "broken" });
    expect(await fail()).toMatchObject({ outcome: "retry", retry_at: expect.any(String) as string });
    const fatal = await crew.fail(await crew.take("ann", { run }), "fatal");
    expect(fatal.outcome).toBe("dead_letter");
    await app.advance(HOUR_MS);
    expect(await fail()).toMatchObject({ outcome: "retry" });
    await app.advance(HOUR_MS);
    expect(await fail()).toMatchObject({ outcome: "dead_letter" });
  },
  "0.48 1.144": async ({ call }) => {
    await call("configure", { settings: { retry_attempts: 5 } });
    const { settings } = await call("get_configuration");
    const found = settings.find(({ name }) => name === "retry_attempts");
    expect(found).toMatchObject({ value: 5, origin: expect.stringContaining("configured by") as string });
  },
};
