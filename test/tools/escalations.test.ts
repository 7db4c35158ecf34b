import { describe, expect, it } from "vitest";
import { startApp, startAppOn, type TestApp } from "../support/servers/app.js";
import { BACKENDS, testRuntime } from "../support/databases/databases.js";
import type { InputOf, ResultOf } from "../../src/tools/registry.js";
import { Crew, type Step } from "../support/fixtures/plan.js";

type Question = ResultOf<"list_escalations">["escalations"][number];

describe.each(BACKENDS)("a human step on %s", (backend) => {
  async function started(step: Partial<Step>): Promise<{ team: Crew; person: TestApp; run: string; asked: Question }> {
    const team = new Crew(await startAppOn(backend));
    const { app } = team;
    const storeHooks = { now: () => app.clock.now() };
    const runtime = { ...testRuntime(2), clock: app.clock };
    const person = await startApp({ database: app.database, runtime, storeHooks, channel: "human", agent: "eve" });
    const { run } = await team.start([
      { kind: "human", ask: "Release?", ...step, key: "ask" },
      { key: "ship", needs: ["ask"] },
    ]);
    return { team, person, run: run.id, asked: await questionOf(team, run.id) };
  }

  async function questionOf(team: Crew, run: string): Promise<Question> {
    const { escalations } = await team.app.call("list_escalations", { run });
    return escalations[0]!;
  }

  it("holds the decision against its output schema, and goes on asking where it does not fit", async () => {
    const output = { type: "object", required: ["note"], properties: { note: { type: "string", minLength: 5 } } };
    const { team, person, run, asked } = await started({ output });
    for (const given of [{}, { note: "ok" }]) {
      await expect(
        person.call("decide_escalation", { id: asked.id, decision: "approved", ...given }),
      ).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringMatching(/output schema of task ask asks: result\.note.*still open/),
      });
    }
    expect(await team.statuses(run)).toEqual({ ask: "waiting", ship: "pending" });
    await person.call("decide_escalation", { id: asked.id, decision: "approved", note: "well done" });
    expect(await team.statuses(run)).toEqual({ ask: "succeeded", ship: "ready" });
  });

  it("takes no agent's word for a person's: not by way of the dead letters either", async () => {
    const { team, person, run } = await started({});
    await team.app.call("send_to_dead_letters", { task: `${run}/ask`, reason: "I know better" });
    const { dead_letters: deadLetters } = await team.app.call("list_dead_letters", { run });
    const resolution = { id: deadLetters[0]!.id, notes: "yes", result: { decision: "approved", by: "human@client" } };
    await expect(team.app.call("resolve_dead_letter", resolution)).rejects.toMatchObject({
      code: "not_permitted",
      next: [{ arguments: { name: "replay_dead_letter" } }],
    });
    expect((await team.statuses(run))["ask"]).toBe("dead_letter");
    await person.call("resolve_dead_letter", resolution);
    expect(await team.statuses(run)).toEqual({ ask: "succeeded", ship: "ready" });
  });

  it("is refused to an agent under any name of its id, and an unknown key is named before who may decide", async () => {
    const { team, person, run, asked } = await started({});
    const { call } = team.app;
    for (const key of ["id", "escalation", "escalation_id", "task"])
      await expect(call("decide_escalation", { [key]: asked.id, decision: "approved" } as never)).rejects.toMatchObject(
        { code: "not_permitted", message: expect.stringContaining(asked.id) },
      );
    await expect(
      call("decide_escalation", { question: asked.id, decision: "approved" } as never),
    ).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("question"),
    });
    expect(await team.statuses(run)).toMatchObject({ ask: "waiting" });
    const two = { escalation: "escalation_gone", id: asked.id, decision: "approved" };
    await expect(person.call("decide_escalation", two as never)).rejects.toMatchObject({ code: "invalid_input" });
    const gone = { escalation: "escalation_gone", decision: "approved" };
    await expect(call("decide_escalation", gone as never)).rejects.toMatchObject({ code: "not_found" });
  });

  it("can be rejected whatever its form and its output schema ask", async () => {
    const form = { type: "object", required: ["version"] };
    const output = { type: "object", required: ["answers"] };
    const { team, person, run, asked } = await started({ form, output });
    await expect(person.call("decide_escalation", { id: asked.id, decision: "approved" })).rejects.toMatchObject({
      message: expect.stringContaining("answers.version: is required"),
    });
    await person.call("decide_escalation", { id: asked.id, decision: "rejected", note: "not now" });
    expect(await team.statuses(run)).toEqual({ ask: "dead_letter", ship: "blocked" });
  });

  it("counts as rejected when its time is over without a decision", async () => {
    const { team, person, run, asked } = await started({ timeouts: { schedule_to_close: "3d" } });
    expect(asked.until).toBe("2026-01-04T00:00:00.000Z");
    await team.app.advance(3 * 86_400_000 - 1);
    expect(await team.statuses(run)).toEqual({ ask: "waiting", ship: "pending" });
    await team.app.advance(1);
    expect(await team.statuses(run)).toEqual({ ask: "dead_letter", ship: "blocked" });
    expect((await team.run(run)).status).toBe("failed");
    const { attempts } = await team.app.call("get_task", { task: asked.id, include: ["attempts"] });
    expect(attempts).toMatchObject([
      {
        agent: "baton",
        error: { type: "timeout:schedule_to_close", message: expect.stringContaining("counts as rejected") },
      },
    ]);
    await expect(person.call("decide_escalation", { id: asked.id, decision: "approved" })).rejects.toMatchObject({
      code: "invalid_transition",
    });
    // The dead letter is like any other: retrying it asks the question again.
    await team.app.call("control_run", { run, action: "retry_failed" });
    expect((await questionOf(team, run)).until).toBe("2026-01-07T00:00:00.000Z");
  });

  it("shows its default decision with its time limit, and no default where it has all the time", async () => {
    const timed = await started({ timeouts: { schedule_to_close: "3d" } });
    expect(timed.asked).toMatchObject({ until: "2026-01-04T00:00:00.000Z", default_decision: "reject" });
    const { team, run, asked } = await started({});
    expect(asked).not.toHaveProperty("until");
    expect(asked).not.toHaveProperty("default_decision");
    await team.app.advance(90 * 86_400_000);
    expect((await team.statuses(run))["ask"]).toBe("waiting");
  });

  it("is approved when its time is over, where its step says so, by Baton and in no person's name", async () => {
    const step = { timeouts: { schedule_to_close: "14d" }, default_decision: "approve" } as const;
    const { team, person, run, asked } = await started(step);
    expect(asked).toMatchObject({ until: "2026-01-15T00:00:00.000Z", default_decision: "approve" });
    await team.app.advance(14 * 86_400_000 - 1);
    expect(await team.statuses(run)).toEqual({ ask: "waiting", ship: "pending" });
    const wait: InputOf<"wait_for"> = { agent: "ann", kinds: ["decision"], run, timeout_seconds: 0 };
    expect((await team.app.call("wait_for", wait)).events).toEqual([]);
    await team.app.advance(1);
    expect(await team.statuses(run)).toEqual({ ask: "succeeded", ship: "ready" });
    const { result, attempts } = await team.app.call("get_task", { task: asked.id, include: ["result", "attempts"] });
    expect(result).toEqual({ decision: "approved", note: expect.stringContaining("by default"), by: "baton" });
    expect(attempts).toMatchObject([{ agent: "baton", outcome: "succeeded" }]);
    expect((await team.app.call("wait_for", wait)).events).toMatchObject([
      { type: "task.decided", agent: "baton", data: { decision: "approved", channel: "default" } },
    ]);
    await expect(person.call("decide_escalation", { id: asked.id, decision: "rejected" })).rejects.toMatchObject({
      code: "invalid_transition",
    });
  });

  it("keeps a person's decision, where it comes before that of its default", async () => {
    const step = { timeouts: { schedule_to_close: "3d" }, default_decision: "approve" } as const;
    const { team, person, run, asked } = await started(step);
    await person.call("decide_escalation", { id: asked.id, decision: "rejected", note: "not now" });
    await team.app.advance(4 * 86_400_000);
    expect(await team.statuses(run)).toEqual({ ask: "dead_letter", ship: "blocked" });
  });

  it("takes no decision that was meant for the question before it was asked anew", async () => {
    const { team, person, run, asked } = await started({});
    await person.call("decide_escalation", { id: asked.id, decision: "rejected", token: asked.token });
    await team.app.call("control_run", { run, action: "retry_failed" });
    const again = await questionOf(team, run);
    expect(again.id).toBe(asked.id);
    const approved = { id: asked.id, decision: "approved" } as const;
    await expect(person.call("decide_escalation", { ...approved, token: asked.token })).rejects.toMatchObject({
      code: "invalid_transition",
      message: expect.stringContaining("asked anew"),
    });
    await person.call("decide_escalation", { ...approved, token: again.token });
    expect(await team.statuses(run)).toEqual({ ask: "succeeded", ship: "ready" });
  });
});
