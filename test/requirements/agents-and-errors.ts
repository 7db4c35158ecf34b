import { expect } from "vitest";
import { bestOfFew } from "../support/in-time.js";
import { RowFixture, type Checks, holdingOf } from "./checks.js";

const HOUR_MS = 3_600_000;

/** The document "Sanaa advanced orchestrator": agents, errors, recovery, figures. */
export const agentsAndErrors: Checks = {
  "0.49 2.48 2.49 2.51 2.52 4.1 4.6": async ({ call, crew, start }) => {
    await bestOfFew(async (inTime) => {
      const run = await start(Array.from({ length: 100 }, (_, at) => ({ key: `k${at}` })));
      const from = performance.now();
      await call("check_file_lock", { path: "a" });
      await call("check_task_ready", { task: `${run}/k1` });
      await call("get_run_progress", { run });
      for (let count = 0; count < 100; count++) await crew.complete(await crew.take("ann", { run }));
      // The documents ask for a hundred assignments a second, and less than two seconds for one.
      inTime(2_000, from);
      expect((await crew.run(run)).status).toBe("succeeded");
    });
  },
  "0.61 0.138 0.139 2.13 2.50 3.85": async ({ ask, call }) => {
    const steps = [
      { key: "a", prompt: "x", files: { write: ["src/**"] } },
      { key: "b", prompt: "x", files: { write: ["src/a.ts"] } },
    ];
    const valid = await ask("validate_workflow", { definition: { name: "w", steps } });
    expect(valid).toMatchObject({ valid: true, waves: [["a", "b"]] });
    expect(valid).toMatchObject({ warnings: [expect.stringContaining("overlap") as string] });
    const cycle = ["c", "a", "b"].map((needs, at) => ({ key: "abc"[at]!, prompt: "x", needs: [needs] }));
    await expect(call("execute_workflow", { definition: { name: "w", steps: cycle } })).rejects.toThrow(
      /each other in a cycle: \w → \w → \w → \w/,
    );
  },
  "0.68": async ({ call, crew, held }) => {
    const task = await held();
    expect(await call("report_progress", { task: task.id, token: task.token, percent: 40 })).toMatchObject({
      orders: "continue",
    });
    expect((await call("get_run", { run: task.run })).running).toMatchObject([{ percent: 40 }]);
    await crew.complete(task);
  },
  "0.72": async ({ crew, call, held }) => {
    const output = { type: "object", required: ["coverage"], properties: { coverage: { type: "number" } } };
    const task = await held({ output });
    await expect(crew.complete(task, { x: 1 })).rejects.toThrow(/coverage/);
    expect((await call("get_task", { task: task.id })).task.status).toBe("running");
    await crew.complete(task, { coverage: 90 });
  },
  "0.81 2.42 0.141 3.49": async ({ call }) => {
    const lock = async (agent: string, paths: string[], wait_seconds = 0) =>
      call("acquire_file_lock", { agent, paths, wait_seconds });
    await lock("ann", ["a"]);
    await lock("bob", ["b"]);
    const queued = lock("ann", ["b"], 10);
    await expect.poll(async () => (await call("list_file_locks", { path: "b" })).locks.length).toBe(2);
    expect(await lock("bob", ["a"], 10)).toMatchObject({
      outcome: "deadlock",
      cycle: [{ agent: "bob" }, { agent: "ann" }, { agent: "bob" }],
    });
    const waits = call("wait_for", { agent: "ann", kinds: ["lock_granted"], timeout_seconds: 10 });
    await call("release_file_lock", { agent: "bob", paths: ["b"] });
    expect(await queued).toMatchObject({ outcome: "granted" });
    expect(await waits).toMatchObject({ timed_out: false });
  },
  "0.100 0.103 0.137 0.142 0.149": async ({ ask, call }) => {
    const made = await ask("register_agent", {
      name: "advanced_coder",
      version: "2.1.0",
      capabilities: ["python"],
      max_concurrent_tasks: 5,
      specialization_score: { web_dev: 0.9 },
    });
    expect(made).toMatchObject({
      agent: { id: "advanced_coder", max_concurrent_tasks: 5, profile: { specialization: { web_dev: 0.9 } } },
    });
    expect(made).toMatchObject({ agent: { profile: { version: "2.1.0" } } });
    const updated = await ask("update_agent_capabilities", { agent_id: "advanced_coder", capabilities: ["sql"] });
    expect(updated).toMatchObject({ agent: { capabilities: ["sql"] } });
    await call("update_agent", { agent: "advanced_coder", max_concurrent_tasks: 4 });
    expect(await call("get_agent", { agent: "advanced_coder" })).toMatchObject({ agent: { max_concurrent_tasks: 4 } });
  },
  "0.104": async ({ ask, call, held }) => {
    const task = await held();
    expect(await ask("unregister_agent", { agent_id: "ann" })).toMatchObject({ returned: [task.id] });
    expect((await call("get_task", { task: task.id })).task.status).toBe("ready");
  },
  "0.110": async ({ app, call, crew, held }) => {
    const task = await held();
    await crew.fail(task, "broken", { partial_result: { half: true } });
    await app.advance(HOUR_MS);
    const again = await crew.take("bob", { run: task.run });
    await call("release_task", { task: again.id, token: again.token });
    const { task: brief } = await call("claim_task", { run: task.run });
    expect(brief?.previous).toMatchObject({
      outcome: "failed",
      error: { type: "broken" },
      partial_result: { half: true },
    });
  },
  "0.117": async ({ ask, call }) => {
    await call("acquire_file_lock", { agent: "ann", paths: ["a"] });
    await call("acquire_file_lock", { agent: "bob", paths: ["a"], reason: "to edit" });
    const { events } = await call("list_events", { types: ["lock.denied"] });
    expect(events).toMatchObject([
      { agent: "bob", data: { paths: ["a"], conflicts: [{ path: "a", held_by: "ann" }] } },
    ]);
    expect(await ask("list_locks", {})).toMatchObject({ locks: [{ agent: "ann" }] });
  },
  "0.113 1.54 1.55": async ({ app, call, start, crew }) => {
    const { settings } = await call("get_configuration");
    expect(settings.find(({ name }) => name === "checkpoint_interval_ms")?.value).toBe(300_000);
    const run = await start([{ key: "a" }, { key: "b" }]);
    await crew.complete(await crew.take("ann", { run }));
    await app.advance(300_000);
    await app.advance(1_000);
    expect((await call("list_checkpoints", { run })).checkpoints).toMatchObject([{ kind: "interval" }]);
  },
  "0.144 0.114 3.50 3.69 3.77 3.78": async ({ ask }) => {
    const health = await ask("health_check");
    expect(health).toMatchObject({ status: expect.stringMatching(/^(ok|degraded)$/) as string });
    for (const component of health["components"] as object[])
      expect(component).toMatchObject({ name: expect.any(String) as string, status: expect.any(String) as string });
    expect(health["components"]).toMatchObject({ length: 6 });
  },
  "0.146 0.147 0.148": async ({ app, call, crew, start }) => {
    const run = await start([{ key: "a", retry: { max_attempts: 1 } }, { key: "b" }, { key: "c" }, { key: "d" }]);
    app.clock.advance(5_000);
    await crew.fail(await crew.take("ann", { run }));
    for (let left = 0; left < 3; left++) await crew.complete(await crew.take("ann", { run }));
    const result = (await call("get_run", { run })).run;
    expect(result).toMatchObject({ counts: { total: 4 }, success_rate: 0.75, duration_ms: 5_000 });
    expect(await call("get_run_progress", { run })).toMatchObject({ success_rate: 0.75, duration_ms: 5_000 });
  },
  "0.150 2.58": async ({ ask, crew, held }) => {
    const task = await held();
    const given = { ...holdingOf(task), result: { done: 1 }, success: true };
    expect(await ask("report_task_completion", given)).toMatchObject({ task: { status: "succeeded" } });
    const other = { ...holdingOf(await held()), result: 1, success: false };
    await expect(ask("report_task_completion", other)).rejects.toThrow(/fail_task/);
    expect(await ask("find_operations", { query: "update_task_status" })).toMatchObject({
      operations: expect.arrayContaining([expect.objectContaining({ name: "complete_task" })]) as object[],
    });
    await crew.complete({ id: other.task_id, token: other.token });
  },
  "0.151 2.10 2.25": async ({ ask, held }) => {
    const one = { ...holdingOf(await held()), error: "out of memory" };
    const failed = await ask("report_task_failure", { ...one, agent_id: "ann" });
    expect(failed).toMatchObject({ outcome: "retry" });
    const other = { ...holdingOf(await held()), error_message: "broken", stack_trace: "at x" };
    expect(await ask("mark_task_failed", other)).toMatchObject({ outcome: "retry" });
  },
  "0.132 4.53": async ({ call }) => {
    const steps = [
      { key: "analysis", prompt: "x" },
      { key: "report", prompt: "y", needs: ["analysis"] },
    ];
    expect(await call("validate_workflow", { definition: { name: "w", steps } })).toMatchObject({
      waves: [["analysis"], ["report"]],
    });
  },
  "0.145": async () => {
    const lines: string[] = [];
    const fixture = await RowFixture.logged((line) => lines.push(line));
    await fixture.call("create_task", { title: "a", prompt: "x" });
    await expect(fixture.ask("get_run", { run: "none" })).rejects.toMatchObject({ code: "not_found" });
    const calls = lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === "call");
    expect(calls).toMatchObject([
      { operation: "create_project" },
      { operation: "create_task", ms: expect.any(Number) as number },
      { operation: "get_run", failed: "not_found" },
    ]);
  },
};
