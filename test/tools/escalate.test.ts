import { describe, expect, test } from "vitest";
import { BACKENDS, testRuntime } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startApp, startAppOn, type TestApp } from "../support/servers/app.js";

const MINUTE = 60_000;

describe.each(BACKENDS)("an escalation on %s", (backend) => {
  /** Ann holds a task of a run; ben and the lead eve come over connections of their own; a person sits at a terminal. */
  async function team() {
    const crew = new Crew(await startAppOn(backend));
    const { app } = crew;
    const beside = (seed: number, caller: { agent: string; channel?: "human" }): Promise<TestApp> => {
      const runtime = { ...testRuntime(seed), clock: app.clock };
      return startApp({ database: app.database, runtime, storeHooks: { now: () => app.clock.now() }, ...caller });
    };
    const ben = await beside(2, { agent: "ben" });
    const eve = await beside(3, { agent: "eve" });
    const person = await beside(4, { agent: "pat", channel: "human" });
    await app.call("create_project", { name: "demo", root: app.cwd });
    for (const one of [app, ben]) await one.call("register_agent", { name: one === app ? "ann" : "ben" });
    await eve.call("register_agent", { name: "eve", roles: ["lead"] });
    const { run } = await crew.start([{ key: "api", criteria: ["it answers"], files: { write: ["src/api/"] } }], {
      project: "demo",
    });
    const held = await crew.take("ann", { run: run.id });
    const ask = async (more: Record<string, unknown> = {}) =>
      (
        await app.call("escalate", {
          agent: "ann",
          project: "demo",
          type: "security_review",
          title: "Tokens are logged",
          ...more,
        })
      ).escalation;
    const blocked = (more: Record<string, unknown> = {}) =>
      ask({ task: held.id, token: held.token, blocking: true, ...more });
    const stateOf = async (id: string) => {
      const lists = await Promise.all(
        ([undefined, "approved", "approved_with_conditions", "rejected", "retry", "void"] as const).map((status) =>
          app.call("list_escalations", status === undefined ? {} : { status }),
        ),
      );
      return lists.flatMap(({ escalations }) => escalations).find((one) => one.id === id)!;
    };
    const unread = async (of: TestApp, agent: string) =>
      (await of.call("read_messages", { agent, project: "demo" })).messages;
    return { crew, app, ben, eve, person, run: run.id, held, ask, blocked, stateOf, unread, advance: app.advance };
  }

  test("climbs from agents to leads to a person, each told in turn, and is rejected by default at the end", async () => {
    const { app, ben, eve, ask, stateOf, unread, advance, run, crew } = await team();
    const asked = await ask({ run, details: "line 14 of src/log.ts" });
    expect(asked).toMatchObject({
      type: "security_review",
      tier: "agent",
      status: "open",
      blocking: false,
      default_decision: "reject",
      due_at: new Date(app.clock.now() + 5 * MINUTE).toISOString(),
    });
    expect(await unread(ben, "ben")).toMatchObject([
      { type: "question", from: "ann", data: { escalation: asked.id }, body: expect.stringContaining("line 14") },
    ]);
    // It is not blocking: the work goes on.
    expect(await crew.statuses(run)).toEqual({ api: "running" });
    await advance(5 * MINUTE - 1);
    expect(await stateOf(asked.id)).toMatchObject({ tier: "agent", status: "open" });
    await advance(1);
    expect(await stateOf(asked.id)).toMatchObject({ tier: "lead", status: "open" });
    expect((await unread(eve, "eve")).map(({ data }) => data)).toMatchObject([{ tier: "agent" }, { tier: "lead" }]);
    await advance(30 * MINUTE);
    expect(await stateOf(asked.id)).toMatchObject({ tier: "human", status: "open" });
    await advance(60 * MINUTE - 1);
    expect(await stateOf(asked.id)).toMatchObject({ status: "open" });
    expect((await app.call("list_escalations", { tier: "human" })).escalations).toHaveLength(1);
    expect((await app.call("list_escalations", { tier: "lead" })).escalations).toHaveLength(0);
    await advance(1);
    expect(await stateOf(asked.id)).toMatchObject({ status: "rejected", decided_by: "baton" });
    expect((await app.call("list_escalations", {})).escalations).toEqual([]);
    expect(await unread(app, "ann")).toMatchObject([
      { type: "answer", from: "baton", data: { escalation: asked.id, decision: "rejected" } },
    ]);
    const { events } = await app.call("list_events", { types: ["escalation.decided"] });
    expect(events).toMatchObject([{ agent: "baton", data: { escalation: asked.id, channel: "default" } }]);
  });

  test("is decided by those of its tier alone, not by the agent that asks, and once", async () => {
    const { app, ben, eve, person, ask, stateOf, advance } = await team();
    const asked = await ask();
    const decide = (of: TestApp, agent: string, decision: "approved" | "rejected" | "deferred" = "approved") =>
      of.call("decide_escalation", { id: asked.id, decision, agent });
    for (const agent of ["ann", "zoe"])
      await expect(decide(app, agent)).rejects.toMatchObject({
        code: "not_permitted",
        message: expect.stringContaining("same handle or connection"),
      });
    await expect(decide(ben, "ann")).rejects.toMatchObject({ code: "not_permitted" });
    expect((await decide(ben, "ben", "deferred")).escalation).toMatchObject({ tier: "lead", status: "open" });
    await expect(decide(ben, "ben")).rejects.toMatchObject({
      code: "not_permitted",
      message: expect.stringContaining(
        "role of code_reviewer, project_manager, lead, tech_lead, security_reviewer, architect",
      ),
    });
    expect((await decide(eve, "eve", "deferred")).escalation).toMatchObject({ tier: "human" });
    await expect(decide(eve, "eve")).rejects.toMatchObject({
      code: "not_permitted",
      message: expect.stringContaining(
        `waits for a person. Nothing was decided. A person decides at a terminal: baton approve ${asked.id}`,
      ),
    });
    await advance(50 * MINUTE);
    await person.call("decide_escalation", { id: asked.id, decision: "deferred" });
    await advance(50 * MINUTE);
    await person.call("decide_escalation", { id: asked.id, decision: "rejected", note: "mask them" });
    expect(await stateOf(asked.id)).toMatchObject({ status: "rejected", decided_by: "pat", note: "mask them" });
    await expect(person.call("decide_escalation", { id: asked.id, decision: "approved" })).rejects.toMatchObject({
      code: "invalid_transition",
      message: expect.stringContaining("pat decided rejected"),
      details: { status: "rejected" },
    });
    await expect(
      person.call("decide_escalation", { id: "escalation_0000000000000000", decision: "approved" }),
    ).rejects.toMatchObject({ code: "not_found" });
  });

  test("asks those whom the project's own map makes leads, and lets architects decide for them", async () => {
    const { app, ben, eve, ask, unread } = await team();
    const asked = await ask();
    const config = { supervision: { lead: ["reviewer"] } };
    await app.call("update_project", { project: "demo", config });
    await ben.call("register_agent", { name: "ben", roles: ["reviewer"] });
    await ben.call("register_agent", { name: "kim", roles: ["tech_lead"] });
    await ben.call("decide_escalation", { id: asked.id, decision: "deferred", agent: "ben" });
    const toldAtLeadTier = async (of: TestApp, agent: string) =>
      (await unread(of, agent)).filter(({ data }) => (data as { tier?: string }).tier === "lead").length;
    expect(await toldAtLeadTier(eve, "eve")).toBe(0);
    expect(await toldAtLeadTier(ben, "ben")).toBe(1);
    expect(await toldAtLeadTier(ben, "kim")).toBe(1);
    const decision = { id: asked.id, decision: "approved" as const };
    await expect(eve.call("decide_escalation", { ...decision, agent: "eve" })).rejects.toMatchObject({
      code: "not_permitted",
      message: expect.stringContaining("role of reviewer, tech_lead, security_reviewer, architect"),
    });
    expect((await ben.call("decide_escalation", { ...decision, agent: "kim" })).escalation).toMatchObject({
      status: "approved",
      decided_by: "kim",
    });
  });

  test("goes straight to a person where it is critical", async () => {
    const { ben, ask } = await team();
    const asked = await ask({ priority: "critical" });
    expect(asked.tier).toBe("human");
    await expect(
      ben.call("decide_escalation", { id: asked.id, decision: "approved", agent: "ben" }),
    ).rejects.toMatchObject({ code: "not_permitted" });
  });

  test("takes a task from its holder until the decision, whose conditions are criteria of the next attempt", async () => {
    const { crew, app, ben, run, held, blocked, unread } = await team();
    const asked = await blocked();
    expect(await crew.statuses(run)).toEqual({ api: "waiting" });
    expect((await app.call("list_file_locks", { project: "demo" })).locks).toEqual([]);
    await expect(crew.complete(held)).rejects.toMatchObject({ code: "stale_token" });
    const none = await crew.claim("zoe", { run });
    expect(none).toMatchObject({ outcome: "none" });
    expect(JSON.stringify(none)).toContain(asked.id);

    const conditions = ["add rate limiting", "review it again"];
    const decided = await ben.call("decide_escalation", {
      id: asked.id,
      decision: "approved_with_conditions",
      conditions,
      agent: "ben",
    });
    expect(decided).toMatchObject({
      escalation: { status: "approved_with_conditions", conditions },
      task: { id: held.id, status: "ready" },
      ready: [{ key: "api" }],
    });
    const claim = await crew.claim("zoe", { run });
    expect(claim.task).toMatchObject({
      id: held.id,
      attempt: 2,
      criteria: ["it answers", ...conditions],
      messages: [{ from: "ben", type: "answer" }],
    });
    expect(claim.task!.previous).toMatchObject({ agent: "ann", outcome: "released" });
    expect(await unread(app, "ann")).toMatchObject([{ type: "answer", from: "ben", task: held.id }]);
    const { task } = await app.call("get_task", { task: held.id });
    expect(task.failures ?? 0).toBe(0);
    await crew.complete({ id: held.id, token: claim.lease!.token });
    expect((await crew.run(run)).status).toBe("succeeded");
  });

  test("retries an error by default, and lets a task with an unclear requirement wait until a person decides", async () => {
    const { crew, person, run, held, blocked, stateOf, advance } = await team();
    const failed = await blocked({ type: "error_resolution", title: "The build breaks" });
    const climb = async () => {
      for (const minutes of [5, 30, 60]) await advance(minutes * MINUTE);
    };
    await climb();
    expect(await stateOf(failed.id)).toMatchObject({ status: "retry", decided_by: "baton" });
    expect(await crew.statuses(run)).toEqual({ api: "ready" });
    const again = await crew.take("ann", { run });
    const unclear = await blocked({ type: "ambiguous_requirement", title: "Which API?", token: again.token });
    await climb();
    expect(await stateOf(unclear.id)).toMatchObject({ status: "paused", tier: "human" });
    await advance(24 * 60 * MINUTE);
    expect(await crew.statuses(run)).toEqual({ api: "waiting" });
    await person.call("decide_escalation", { id: unclear.id, decision: "approved", note: "the new one" });
    expect(await crew.statuses(run)).toEqual({ api: "ready" });
    expect((await crew.take("ann", { run })).id).toBe(held.id);
  });

  test("is decided by default at the end of its tier where it does not climb", async () => {
    const { person, ask, stateOf, advance } = await team();
    await person.call("configure", { settings: { auto_escalate_on_timeout: false } });
    const asked = await ask();
    await advance(5 * MINUTE);
    expect(await stateOf(asked.id)).toMatchObject({ status: "rejected", tier: "agent" });
  });

  test("is closed as void where its task does not wait any more", async () => {
    const { app, crew, run, held, blocked, stateOf, advance } = await team();
    const asked = await blocked();
    await app.call("cancel_task", { task: held.id });
    expect((await crew.run(run)).status).not.toBe("running");
    await advance(5 * MINUTE);
    expect(await stateOf(asked.id)).toMatchObject({ status: "void" });
  });

  test("is not copied into a fork: the task there is ready", async () => {
    const { app, crew, run, blocked } = await team();
    await blocked();
    const { checkpoint } = await app.call("create_checkpoint", { run });
    const fork = await app.call("resume_from_checkpoint", { checkpoint: checkpoint.id, as: "fork" });
    expect(await crew.statuses(fork.run.id)).toEqual({ api: "ready" });
  });

  test("wakes the agent that waits for the decision", async () => {
    const { app, ben, ask } = await team();
    const asked = await ask();
    const wait = { agent: "ann", project: "demo", kinds: ["decision" as const], timeout_seconds: 0 };
    expect((await app.call("wait_for", wait)).events).toEqual([]);
    await ben.call("decide_escalation", { id: asked.id, decision: "approved", agent: "ben" });
    expect((await app.call("wait_for", wait)).events).toMatchObject([
      {
        type: "escalation.decided",
        agent: "ben",
        data: { escalation: asked.id, status: "approved", channel: "agent" },
      },
    ]);
  });

  test("is refused where what it needs is missing, and beyond fifty open ones", async () => {
    const { ask, held, ben } = await team();
    await expect(ask({ blocking: true, task: held.id })).rejects.toMatchObject({
      code: "invalid_input",
      details: { path: "token" },
    });
    await expect(ask({ blocking: true, task: held.id, token: held.token + 1 })).rejects.toMatchObject({
      code: "stale_token",
    });
    const asked = await ask();
    for (const [decision, conditions] of [
      ["approved_with_conditions", []],
      ["approved", ["be quick"]],
    ] as const)
      await expect(
        ben.call("decide_escalation", { id: asked.id, decision, conditions: [...conditions], agent: "ben" }),
      ).rejects.toMatchObject({ code: "invalid_input", details: { path: "conditions" } });
    for (let open = 1; open < 50; open++) await ask();
    await expect(ask()).rejects.toMatchObject({ code: "limit_exceeded", next: [{ tool: "wait_for" }] });
  });
});
