import { expect } from "vitest";
import { until } from "../support/until.js";
import type { Checks } from "./checks.js";

const DAY_MS = 86_400_000;

/** The document "Ten advanced orchestration features": dead letters, changes of a run, checkpoints, budgets. */
export const tenFeatures: Checks = {
  "1.1 1.2 1.11": async ({ ask, dead }) => {
    const { id, task, run } = await dead();
    expect(await ask("get_dead_letter", { entry_id: id })).toMatchObject({
      dead_letter: {
        id,
        status: "pending",
        task: { id: task, run },
        error: { type: "TypeError", message: "x is undefined", stack: "Traceback …" },
        created_at: expect.any(String) as string,
        closed_at: null,
      },
      attempts: [{ number: 1, partial_result: { half: true } }],
      context: { prompt: "do a", files: { write: ["src/a.ts"] } },
      blocked: [expect.any(String)],
    });
  },
  "1.3 1.9": async ({ ask, call, dead, crew }) => {
    const { id, run } = await dead();
    const given = { entry_id: id, changes: { prompt: "try again" }, notes: "fixed" };
    expect(await ask("replay_task", given)).toMatchObject({ task: { status: "ready" } });
    expect((await call("claim_task", { run })).task).toMatchObject({ prompt: "try again" });
    expect((await call("list_dead_letters", { run, status: "replayed" })).dead_letters).toHaveLength(1);
    expect(await crew.statuses(run)).toEqual({ a: "running", b: "pending" });
  },
  "1.4 1.10": async ({ ask, call, dead, crew }) => {
    const { id, run } = await dead();
    const given = { entry_id: id, resolution_notes: "Fixed API key", result: 1 };
    expect(await ask("resolve_entry", given)).toMatchObject({ task: { status: "succeeded" } });
    expect(await crew.statuses(run)).toEqual({ a: "succeeded", b: "ready" });
    expect((await call("list_dead_letters", { run })).dead_letters).toMatchObject([
      { status: "resolved", note: "Fixed API key" },
    ]);
  },
  "1.5 1.12 1.13": async ({ app, ask, call, dead }) => {
    const discarded = await dead();
    const pending = await dead();
    await ask("discard_dead_letter", { entry_id: discarded.id, notes: "obsolete" });
    const statuses = async () => (await call("list_dead_letters", {})).dead_letters.map(({ status }) => status).sort();
    expect(await statuses()).toEqual(["discarded", "pending"]);
    await app.advance(31 * DAY_MS);
    await until("the discarded one is removed", async () => {
      await app.advance(60_000);
      return (await statuses()).length === 1;
    });
    await call("get_dead_letter", { id: pending.id });
  },
  "1.6 1.7 1.8": async ({ ask, call, held }) => {
    const { id, run } = await held();
    const execution_context = { attempt: 3, last_response: "garbage" };
    const given = { task_id: id, error_message: "unusable", stack_trace: "at x", execution_context };
    expect(await ask("send_to_dlq", given)).toMatchObject({ task: { status: "dead_letter" } });
    const { dead_letters: found } = await call("list_dead_letters", { run });
    expect(found).toMatchObject([{ error: { message: expect.stringContaining("unusable") as string, stack: "at x" } }]);
    expect(await call("get_dead_letter", { id: found[0]!.id })).toMatchObject({
      context: { given: execution_context },
    });
  },
  "1.14": async ({ app, call, dead }) => {
    const status = async (task: string) => (await call("get_task", { task })).task.status;
    const never = await dead();
    await app.advance(DAY_MS);
    expect(await status(never.task)).toBe("dead_letter");
    await call("configure", { settings: { dead_letter_replays: 1, dead_letter_replay_delay_ms: 10_000 } });
    const { task } = await dead();
    await app.advance(10_000);
    expect(await status(task)).toBe("ready");
  },
  "1.29 1.30 1.31 1.32 1.37 1.38 3.19 4.46": async ({ ask, call, crew, start }) => {
    const run = await start([{ key: "backend" }, { key: "ship", needs: ["backend"] }, { key: "old" }]);
    const change = async (changes: object[]) => ask("modify_run", { run_id: run, changes });
    const step = { key: "security", role: "security_reviewer", prompt: "look", needs: ["backend"] };
    expect(await change([{ op: "add_task", step, before: ["ship"] }])).toMatchObject({
      added: [{ key: "security", role: "security_reviewer" }],
    });
    expect(await change([{ op: "remove_task", task: "old" }])).toMatchObject({ removed: ["old"] });
    expect(await change([{ op: "update_task", task: "ship", set: { prompt: "ship it" } }])).toMatchObject({
      updated: ["ship"],
    });
    await change([{ op: "remove_dependency", task: "security", on: "backend" }]);
    await change([{ op: "add_dependency", task: "security", on: "backend" }]);
    await expect(change([{ op: "add_dependency", task: "backend", on: "ship" }])).rejects.toThrow(/cycle/);
    const two = ["x1", "x2"].map((key, at) => ({ key, prompt: "x", needs: at === 0 ? [] : ["x1"] }));
    await change(two.map((one) => ({ op: "add_task", step: one })));
    await change([{ op: "parallelize", tasks: ["x1", "x2"] }]);
    expect(await crew.statuses(run)).toMatchObject({ x1: "ready", x2: "ready", security: "pending" });
    expect((await call("get_run", { run })).run.revision).toBeGreaterThan(6);
  },
  "1.33 1.39 4.64": async ({ ask, call, crew, start }) => {
    const run = await start([{ key: "impl" }, { key: "ship", needs: ["impl"] }]);
    await ask("create_branch", {
      run_id: run,
      after: "impl",
      condition: "steps.impl.output.test_coverage < 80",
      if_true_tasks: [{ key: "more", prompt: "more tests" }],
      if_false: [{ key: "fine", prompt: "say so" }],
      before: ["ship"],
    });
    await crew.complete(await crew.take("ann", { run }), { test_coverage: 50 });
    expect(await crew.statuses(run)).toMatchObject({ more: "ready", fine: "skipped" });
    const { tasks } = await call("get_run", { run, include: ["tasks"] });
    expect(tasks).toContainEqual(expect.objectContaining({ key: "more", if: expect.any(String) as string, met: true }));
    expect(tasks).toContainEqual(
      expect.objectContaining({ key: "fine", if: expect.any(String) as string, met: false }),
    );
  },
  "1.35": async ({ ask, crew, start }) => {
    const run = await start([{ key: "impl" }, { key: "ship", needs: ["impl"] }]);
    await ask("insert_gate", { run_id: run, after_task_id: "impl", checks: ["steps.impl.output.ok"] });
    expect(await crew.statuses(run)).toMatchObject({ impl: "ready", "gate-impl": "pending", ship: "pending" });
  },
  "1.36": async ({ ask, crew, start }) => {
    const run = await start([{ key: "impl" }, { key: "ship", needs: ["impl"] }]);
    await ask("insert_gate", { run_id: run, after_task_id: "impl", gate_type: "code_review" });
    await crew.complete(await crew.take("ann", { run }));
    expect(await crew.statuses(run)).toEqual({ impl: "succeeded", "gate-impl": "dead_letter", ship: "blocked" });
  },
  "1.87": async ({ ask, call, start }) => {
    const run = await start([{ key: "impl" }]);
    expect(await call("request_review", { task: `${run}/impl` })).toMatchObject({ max_rounds: 3 });
    const two = await start([{ key: "impl" }]);
    const given = { task_id: `${two}/impl`, max_critique_rounds: 2 };
    expect(await ask("request_review", given)).toMatchObject({ max_rounds: 2 });
  },
  "1.64": async ({ call, crew, start }) => {
    const run = await start([
      { key: "plan", phase: "planning" },
      { key: "api", phase: "building", needs: ["plan"] },
      { key: "page", phase: "building", needs: ["plan"] },
    ]);
    const labels = async () => (await call("list_checkpoints", { run })).checkpoints.map(({ label }) => label);
    expect(await labels()).toEqual(["before phase planning"]);
    await crew.complete(await crew.take("ann", { run }));
    await crew.take("ann", { run });
    expect(await labels()).toEqual(["before phase building", "before phase planning"]);
  },
  "1.56 1.58 1.59 1.60 1.61 1.63 2.47": async ({ ask, call, crew, start }) => {
    const run = await start([{ key: "a" }, { key: "b", needs: ["a"] }]);
    const made = await ask("create_checkpoint", { run_id: run, label: "pre_security_review" });
    const held = await crew.take("ann", { run });
    await crew.complete(held);
    const { checkpoints } = await call("list_checkpoints", { run });
    expect(checkpoints).toMatchObject([{ label: "pre_security_review", run_status: "running", counts: { ready: 1 } }]);
    const { id } = made["checkpoint"] as { id: string };
    expect(await ask("resume_from_checkpoint", { checkpoint_id: id, as: "in_place" })).toMatchObject({ restored: 2 });
    expect(await crew.statuses(run)).toEqual({ a: "ready", b: "pending" });
    await expect(crew.complete(held)).rejects.toMatchObject({ code: "stale_token" });
    expect(await ask("resume_from_checkpoint", { checkpoint_id: id, as: "fork" })).toMatchObject({
      run: { id: expect.not.stringContaining(run) as string },
    });
  },
  "1.65 1.69 1.72 1.73 1.74": async ({ ask }) => {
    const asked = { role: "backend_engineer", prompt_length: 5_000, expected_iterations: 3 };
    const { estimate } = (await ask("estimate_task_cost", asked)) as { estimate: Record<string, number> };
    // 3 x 1,250 tokens of the prompt and 2,400 written before; claude-sonnet-4-5 costs 3 US$ in and 15 out.
    expect(estimate).toMatchObject({ input_tokens: 6_150, output_tokens: 2_400, model: "claude-sonnet-4-5" });
    expect(estimate["input_cost"]).toBeCloseTo(0.01845, 5);
    expect(estimate["output_cost"]).toBeCloseTo(0.036, 5);
    expect(estimate["total_cost"]).toBeCloseTo(0.05445, 5);
    expect(estimate["confidence"]).toBe(0);
  },
  "1.67": async ({ ask }) => {
    const tierFor = async (complexity: string) =>
      ((await ask("recommend_model", { role: "backend_engineer", complexity })) as { recommendation: { tier: string } })
        .recommendation.tier;
    expect([await tierFor("low"), await tierFor("medium"), await tierFor("high")]).toEqual([
      "light",
      "standard",
      "frontier",
    ]);
  },
  "1.66 1.70": async ({ ask }) => {
    const { forecast } = (await ask("forecast_run_cost", { goal: "Build a REST API with authentication" })) as {
      forecast: Record<string, number>;
    };
    expect(forecast["total_estimated"]).toBeGreaterThan(0);
    expect(forecast["low"]).toBeLessThan(forecast["high"] ?? 0);
  },
  "1.71": async ({ ask, call, held }) => {
    const { run, ...task } = await held();
    await call("set_budget", { run, limit: 10 });
    await call("complete_task", { task: task.id, token: task.token, usage: { cost: 5 } });
    const asked = async (estimated_cost: number) =>
      ask("check_budget_before_execution", { run_id: run, estimated_cost });
    expect(await asked(2)).toMatchObject({ allowed: true, state: "ok", state_after: "ok" });
    expect(await asked(4)).toMatchObject({ allowed: true, state_after: "warn" });
    expect(await asked(6)).toMatchObject({ allowed: false, state_after: "blocked" });
  },
  "1.68 1.75 1.76 1.77": async ({ call, crew, start }) => {
    const run = await start([{ key: "a" }, { key: "b" }, { key: "c" }, { key: "d" }]);
    await call("set_budget", { run, limit: 50 });
    const spend = async (cost: number) => {
      const { id, token } = await crew.take("ann", { run });
      await call("complete_task", { task: id, token, usage: { cost } });
      return (await call("check_budget", { run })).state;
    };
    expect(await spend(39)).toBe("ok");
    expect(await spend(1)).toBe("warn");
    expect(await spend(10)).toBe("blocked");
    expect(await call("claim_task", { run })).toMatchObject({ outcome: "none", reason: "budget_blocked" });
    await call("register_agent", { name: "lea", roles: ["lead"] });
    await call("set_budget", { run, limit: 70, agent: "lea" });
    expect(await spend(1)).toBe("ok");
  },
  "1.123 1.126": async ({ ask, call, crew, start }) => {
    const run = await start([{ key: "ask", kind: "human", ask: "Release?" }, { key: "rest" }]);
    expect((await crew.take("ann", { run })).key).toBe("rest");
    const { escalations } = await call("list_escalations", {});
    const id = escalations[0]!.id;
    await expect(ask("decide_escalation", { id, decision: "approved", decided_by: "ann" })).rejects.toThrow(
      "is for human",
    );
    await expect(ask("decide_escalation", { id, decision: "approved" })).rejects.toMatchObject({
      code: "not_permitted",
    });
    // Decided in the document's own words, by another handle of the same connection.
    await call("update_project", { project: "here", config: { reviewers: "handle" } });
    const { escalation } = await call("escalate", { type: "gate_approval", title: "Passed?", agent: "ann" });
    const conditions = ["Add rate limiting", "Review again after changes"];
    const given = { decision: "approved", decided_by: "lena", conditions };
    const decided = { status: "APPROVED_WITH_CONDITIONS", escalation_id: escalation.id, ...given };
    expect(await ask("decide_escalation", decided)).toMatchObject({
      escalation: { status: "approved_with_conditions", decided_by: "lena", conditions },
    });
    const other = { status: "REJECTED", escalation_id: escalation.id, decision: "approved" };
    await expect(ask("decide_escalation", other)).rejects.toMatchObject({ code: "invalid_input" });
  },
  "1.124 1.125 1.127 1.128": async ({ ask, call, start }) => {
    const run = await start([{ key: "a" }]);
    const given = { title: "Go on?", priority: "high", run };
    const gate = { run_id: run, gate_type: "code_review", gate_result: { passed: false }, priority: "HIGH" };
    await ask("request_gate_approval", gate);
    await ask("request_budget_override", given);
    const concern = { ...given, type: "quality_concern", description: "It is slow.", priority: "critical" };
    await ask("create_escalation", concern);
    const { escalations } = await call("list_escalations", { run });
    expect(escalations.map(({ type, priority, tier }) => [type, priority, tier])).toEqual([
      ["gate_approval", "high", "agent"],
      ["budget_override", "high", "agent"],
      ["quality_concern", "critical", "human"],
    ]);
    expect(escalations.map(({ details }) => details)).toEqual(['{"passed":false}', undefined, "It is slow."]);
  },
  "1.130 1.131 1.132 1.133 1.134 1.135 1.136": async ({ app, call }) => {
    const defaults = {
      gate_approval: ["reject", "rejected"],
      budget_override: ["reject", "rejected"],
      security_review: ["reject", "rejected"],
      error_resolution: ["retry", "retry"],
      ambiguous_requirement: ["pause", "paused"],
      quality_concern: ["reject", "rejected"],
      sensitive_data: ["reject", "rejected"],
    } as const;
    for (const type of Object.keys(defaults) as (keyof typeof defaults)[])
      await call("escalate", { type, title: type, priority: "critical" });
    await app.advance(60 * 60_000);
    for (const [type, [otherwise, status]] of Object.entries(defaults)) {
      const { escalations } = await call("list_escalations", { status });
      expect(escalations.find((one) => one.type === type)).toMatchObject({ default_decision: otherwise });
    }
  },
  "1.89 1.91 1.92 1.93 1.94 1.95": async ({ ask }) => {
    const found = await ask("validate_artifact", {
      artifact_type: "code",
      content: "def f(:\n  pass\n",
      context: { language: "python", requirements: "REQ-1: f must exist." },
    });
    expect(found).toMatchObject({
      critical: true,
      issues: [{ severity: "critical", where: "line 1", suggestion: expect.any(String) }],
      criteria: [{ key: "style" }, { key: "correctness" }, { key: "error_handling" }],
    });
  },
  "1.96 1.97 1.98 1.99 1.100": async ({ call }) => {
    const keysOf = async (type: string) =>
      (await call("validate_artifact", { type, content: "x" })).criteria.map(({ key }) => key);
    expect(await keysOf("requirements")).toEqual(["completeness", "clarity", "testability"]);
    expect(await keysOf("architecture")).toEqual(["consistency", "scalability", "security"]);
    expect(await keysOf("code")).toEqual(["style", "correctness", "error_handling"]);
    expect(await keysOf("tests")).toEqual(["coverage", "edge_cases", "assertions"]);
    expect(await keysOf("security")).toEqual(["owasp_top_10", "authentication", "authorization"]);
  },
  "1.90": async ({ ask, call, start }) => {
    const run = await start([{ key: "a" }]);
    await call("put_artifact", { run, name: "needs.md", type: "requirements", content: "REQ-1: It must work." });
    await call("put_artifact", { run, name: "a.test.ts", type: "tests", content: "it('works')" });
    const found = await ask("check_cross_artifact_consistency", { run_id: run });
    expect(found).toMatchObject({ passed: false, issues: [{ check: "requirements" }] });
  },
};
