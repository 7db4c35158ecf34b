import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import type { Step } from "../support/fixtures/plan.js";
import { REVIEW_POLICY as POLICY, reviewTeam } from "../support/reviews/review-team.js";

const FINDING = { severity: "major", where: "src/api.ts:3", what: "no limit", suggestion: "bound it" } as const;

describe.each(BACKENDS)("a review on %s", (backend) => {
  const team = (step: Partial<Step> = {}, more: readonly Step[] = []) => reviewTeam(backend, { step, more });

  test("comes to a person once its reviewer's task has failed for good: the run would wait for ever", async () => {
    const { crew, call, run, person, work } = await team();
    await work();
    const review = await crew.take("rita", { run, roles: ["reviewer"] });
    const error = { type: "broken", message: "cannot read it" };
    await call("fail_task", { task: review.id, token: review.token, agent: "rita", error, retryable: false });
    await crew.app.advance(1);
    expect(await crew.statuses(run)).toMatchObject({
      api: "in_review",
      "review(api)": "dead_letter",
      "review(api)#2": "waiting",
    });
    const eve = await person();
    const { escalations } = await eve.call("list_escalations", {});
    await eve.call("decide_escalation", { id: escalations[0]!.id, decision: "approved" });
    expect(await crew.statuses(run)).toMatchObject({ api: "succeeded", ship: "ready" });
  });

  test("holds a completed step back until it is approved, with a brief for the reviewer", async () => {
    const { crew, call, run, task, work } = await team();
    const { held, completed } = await work({ route: "/v1" });
    await expect(call("request_review", { task, agent: "ann" })).rejects.toMatchObject({
      code: "conflict",
      next: [{ tool: "wait_for", arguments: { run, kinds: ["review"] } }],
    });
    expect(completed).toMatchObject({
      task: { status: "in_review" },
      newly_ready: [{ key: "review(api)", role: "reviewer" }],
    });
    expect(await crew.statuses(run)).toEqual({ api: "in_review", ship: "pending", "review(api)": "ready" });
    // The same call again gets the same answer.
    expect((await crew.complete(held, { route: "/v1" })).task.status).toBe("in_review");
    expect(await crew.claim("ann", { run, roles: ["reviewer"] })).toMatchObject({ outcome: "none" });

    const claim = await crew.claim("rita", { run, roles: ["reviewer"] });
    expect(claim.task).toMatchObject({
      key: "review(api)",
      title: "Review of api",
      review: {
        of: { id: held.id, key: "api" },
        round: 1,
        tier: "execution",
        prompt: "do api",
        criteria: ["errors are named", "tests pass"],
        result: { route: "/v1" },
        agent: "ann",
        earlier: [],
      },
    });
    expect(claim.next![0]).toMatchObject({ arguments: { name: "submit_review", arguments: { task: claim.task!.id } } });
    const verdict = { task: claim.task!.id, token: claim.lease!.token, agent: "rita", verdict: "approve" } as const;
    // The same verdict again, whose first answer may have been lost, is answered as before.
    for (let count = 0; count < 2; count++)
      expect(await call("submit_review", verdict)).toMatchObject({
        task: { key: "api", status: "succeeded" },
        review: { verdict: "approve", round: 1, agent: "rita", findings: [] },
        newly_ready: [{ key: "ship" }],
      });
    const other = { ...verdict, verdict: "reject", critique: "no" } as const;
    await expect(call("submit_review", other)).rejects.toMatchObject({ code: "conflict" });
    const ship = await crew.claim("ann", { run });
    expect(ship.task!.dependencies).toMatchObject([
      { key: "api", status: "succeeded", agent: "ann", result: { route: "/v1" } },
    ]);
    await crew.complete({ id: ship.task!.id, token: ship.lease!.token });
    expect(await crew.run(run)).toMatchObject({ status: "succeeded", counts: { succeeded: 3, total: 3 } });
  });

  test("sends work back to its author first, with the critique, and counts no failed attempt", async () => {
    const { crew, call, run, task, work, submit } = await team({ retry: { max_attempts: 1 } });
    await work("first");
    const sent = await submit("rita", ["reviewer"], { verdict: "revise", critique: "not yet", findings: [FINDING] });
    expect(sent).toMatchObject({
      task: { key: "api", status: "ready", reserved_for: "ann" },
      review: { verdict: "revise", round: 1, findings: [FINDING] },
      newly_ready: [{ key: "api" }],
    });
    expect(await crew.claim("eve", { run })).toMatchObject({ outcome: "none" });
    const again = await crew.claim("ann", { run });
    expect(again.task).toMatchObject({
      key: "api",
      attempt: 2,
      reviews: [{ verdict: "revise", agent: "rita", critique: "not yet", findings: [FINDING] }],
    });
    expect((await call("get_task", { task })).task.failures).toBe(0);
    await crew.complete({ id: again.task!.id, token: again.lease!.token }, "second");
    const second = await crew.claim("rita", { run, roles: ["reviewer"] });
    expect(second.task!.review).toMatchObject({
      round: 2,
      result: "second",
      earlier: [{ round: 1, critique: "not yet" }],
    });
    // The result of a reviewer's task says the same as submit_review.
    await crew.complete({ id: second.task!.id, token: second.lease!.token }, { verdict: "approve" });
    expect((await crew.statuses(run))["api"]).toBe("succeeded");
  });

  test("a rejected step is a dead letter with the findings, and blocks what waits for it", async () => {
    const { crew, call, run, work, submit } = await team();
    await work();
    const rejected = await submit("rita", ["reviewer"], { verdict: "reject", findings: [FINDING] });
    expect(rejected).toMatchObject({ task: { key: "api", status: "dead_letter" }, review: { verdict: "reject" } });
    expect(await crew.statuses(run)).toMatchObject({ api: "dead_letter", ship: "blocked" });
    const [letter] = (await call("list_dead_letters", { project: "demo" })).dead_letters;
    expect(letter).toMatchObject({ error: { type: "rejected", message: expect.stringContaining("no limit") } });
    // Tried again, it is reviewed again, also by the same reviewer.
    await call("control_run", { run, action: "retry_failed" });
    await work();
    await submit("rita", ["reviewer"], {});
    expect((await crew.statuses(run))["api"]).toBe("succeeded");
  });

  test("climbs from its role to lead, architect and a person when each has asked for its rounds", async () => {
    const {
      crew,
      call,
      person: own,
      run,
      task,
      work,
      submit,
    } = await team({ review: { by: "reviewer", max_rounds: 1 } });
    const person = await own();
    const seen: unknown[] = [];
    for (const [agent, role] of [
      ["rita", "reviewer"],
      ["leo", "code_reviewer"],
      ["ada", "tech_lead"],
    ] as const) {
      await work();
      const { review } = await submit(agent, [role], { verdict: "revise", critique: `${agent} says no` });
      seen.push([review.round, review.tier, review.role]);
    }
    expect(seen).toEqual([
      [1, "execution", "reviewer"],
      [2, "lead", "code_reviewer"],
      [3, "architect", "tech_lead"],
    ]);
    const { completed } = await work();
    expect(completed.newly_ready).toEqual([]);
    const [question] = (await call("list_escalations", { run })).escalations;
    expect(question).toMatchObject({ tier: "human", ask: expect.stringContaining("api") });
    await expect(call("submit_review", { task, agent: "ada", verdict: "approve" })).rejects.toMatchObject({
      code: "not_permitted",
    });
    await person.call("decide_escalation", {
      id: question!.id,
      decision: "approved_with_conditions",
      conditions: ["log it"],
    });
    const last = await crew.claim("ann", { run });
    expect(last.task!.reviews!.at(-1)).toMatchObject({ tier: "human", agent: "eve", findings: [{ what: "log it" }] });
    await crew.complete({ id: last.task!.id, token: last.lease!.token });
    const [again] = (await call("list_escalations", { run })).escalations;
    await person.call("decide_escalation", { id: again!.id, decision: "approved" });
    expect((await crew.statuses(run))["api"]).toBe("succeeded");
  });

  test("an open review is open again in a run that is taken back to a checkpoint, and in a fork of it", async () => {
    const { crew, call, run, work, submit } = await team();
    await work("kept");
    const { checkpoint } = await call("create_checkpoint", { run });
    await submit("rita", ["reviewer"], { verdict: "reject", critique: "no" });
    await call("resume_from_checkpoint", { checkpoint: checkpoint.id, as: "in_place" });
    expect(await crew.statuses(run)).toMatchObject({ api: "in_review", ship: "pending", "review(api)": "ready" });
    const { run: fork } = await call("resume_from_checkpoint", { checkpoint: checkpoint.id, as: "fork" });
    for (const id of [run, fork.id]) {
      const claim = await crew.claim("rita", { run: id, roles: ["reviewer"] });
      expect(claim.task!.review).toMatchObject({ round: 1, result: "kept", agent: "ann", earlier: [] });
      await call("submit_review", { task: `${id}/api`, agent: "rita", verdict: "approve" });
      expect((await crew.statuses(id))["api"]).toBe("succeeded");
    }
  });

  test("goes with a task that is cancelled, and is not cancelled while a task waits for it", async () => {
    const { crew, call, run, task, work } = await team();
    await work();
    await expect(call("cancel_task", { task: `${run}/review(api)` })).rejects.toMatchObject({
      code: "invalid_transition",
    });
    await call("cancel_task", { task });
    expect(await crew.statuses(run)).toMatchObject({ api: "cancelled", "review(api)": "cancelled" });
    await expect(call("submit_review", { task, agent: "rita", verdict: "approve" })).rejects.toMatchObject({
      code: "invalid_transition",
    });
  });

  test("refuses the author, names who may, and wants a reason for what is sent back", async () => {
    const { crew, call, run, task, work } = await team();
    await work();
    await expect(call("submit_review", { task, agent: "ann", verdict: "approve" })).rejects.toMatchObject({
      code: "not_permitted",
      message: expect.stringContaining("an agent with the role reviewer"),
    });
    await crew.take("rita", { run, roles: ["reviewer"] });
    await expect(call("submit_review", { task, agent: "rita", verdict: "reject" })).rejects.toMatchObject({
      code: "invalid_input",
      details: { path: "critique" },
    });
  });

  test("refuses an approval with a critical finding, and takes one with a major finding", async () => {
    const { crew, call, run, task, work } = await team();
    await work();
    await crew.take("rita", { run, roles: ["reviewer"] });
    const approve = (severity: "critical" | "major") =>
      call("submit_review", { task, agent: "rita", verdict: "approve", findings: [{ severity, what: "It leaks." }] });
    await expect(approve("critical")).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("critical finding: revise or reject, or lower its severity"),
    });
    expect(await crew.statuses(run)).toMatchObject({ api: "in_review" });
    await approve("major");
    expect(await crew.statuses(run)).toMatchObject({ api: "succeeded" });
  });

  test("a gate passes only once the steps that it names, or needs, are approved", async () => {
    const behind = [{ key: "plain" }, { key: "gate", kind: "gate", gate_type: "code_review", needs: ["api", "plain"] }];
    const { crew, call, run, work, submit } = await team({}, behind);
    await work();
    await crew.complete(await crew.take("ann", { run }));
    expect(await crew.statuses(run)).toMatchObject({ api: "in_review", plain: "succeeded", gate: "pending" });
    await submit("rita", ["reviewer"], {});
    expect(await crew.statuses(run)).toMatchObject({ gate: "dead_letter" });
    const gate = await call("get_task", { task: `${run}/gate` });
    expect(JSON.stringify(gate)).toContain("plain is approved: no verdict");

    // A step that has succeeded unreviewed is reviewed later: its state stays, and the gate holds when it is tried again.
    const asked = await call("request_review", { task: `${run}/plain`, reviewer_role: "reviewer", agent: "ann" });
    expect(asked).toMatchObject({ task: { status: "succeeded" }, review: { key: "review(plain)", status: "ready" } });
    await crew.take("rita", { run, roles: ["reviewer"] });
    const given = { task: `${run}/plain`, agent: "rita", verdict: "approve" } as const;
    expect(await call("submit_review", given)).toMatchObject({
      task: { status: "succeeded" },
      review: { verdict: "approve" },
    });
    const { dead_letters: dead } = await call("list_dead_letters", { run });
    await call("replay_dead_letter", { id: dead[0]!.id });
    expect(await crew.statuses(run)).toMatchObject({ gate: "succeeded" });
    await call("modify_run", { run, changes: [{ op: "insert_gate", after: "ship", gate_type: "code_review" }] });
    await crew.complete(await crew.take("ann", { run }));
    expect(await crew.statuses(run)).toMatchObject({ "gate-ship": "dead_letter" });
  });

  test("is waited for from its request to its verdict", async () => {
    const { call, run, work, submit, task } = await team();
    const wait = { run, timeout_seconds: 0 };
    const looks = { agent: "eve", ...wait, kinds: ["review" as const] };
    expect(await call("wait_for", looks)).toMatchObject({ timed_out: true });
    const { held } = await work();
    expect((await call("wait_for", looks)).events).toMatchObject([{ type: "review.requested", task: held.id }]);
    await submit("rita", ["reviewer"], { verdict: "revise", critique: "not yet" });
    expect((await call("wait_for", looks)).events).toMatchObject([
      { type: "review.submitted", task: held.id, data: { verdict: "revise" } },
    ]);
    expect(await call("wait_for", looks)).toMatchObject({ timed_out: true, events: [] });
    expect((await call("get_task", { task })).task.status).toBe("ready");
  });

  test("is warned of at the start of a run where no live agent may take it", async () => {
    const { crew, call } = await team();
    const steps = [
      { key: "api", review: POLICY },
      { key: "law", review: { ...POLICY, by: "human" } },
    ];
    const alone = await crew.start(steps, { project: "demo" });
    expect(alone.warnings).toEqual([
      expect.stringContaining("No live agent offers the role reviewer, which a step asks for"),
      expect.stringContaining("No live agent could take review(api): not_by wants another one"),
    ]);
    await call("register_agent", { name: "ann" });
    await call("register_agent", { name: "rita", roles: ["reviewer"] });
    expect((await crew.start(steps, { project: "demo" })).warnings ?? []).toEqual([]);
  });

  test("can be asked for before a task is completed, and once", async () => {
    const { crew, call, run } = await team({}, [{ key: "doc" }]);
    const other = { task: `${run}/doc`, reviewer_role: "reviewer" };
    expect(await call("request_review", other)).toMatchObject({ by: "reviewer", max_rounds: 3 });
    await expect(call("request_review", other)).rejects.toMatchObject({ code: "conflict" });
    const { task: api, lease } = await crew.claim("ann", { run });
    await crew.complete({ id: api!.id, token: lease!.token });
    expect((await crew.complete(await crew.take("ann", { run }))).task).toMatchObject({
      key: "doc",
      status: "in_review",
    });
  });
});
