import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { reviewTeam } from "../support/reviews/review-team.js";

const BROKEN = { type: "broken", message: "cannot read it" };

describe.each(BACKENDS)("a review that is lost or over, on %s", (backend) => {
  type Team = Awaited<ReturnType<typeof reviewTeam>>;

  /** The author completes the step, and its reviewer fails for good. */
  async function lostReview({ crew, call, run, work }: Team) {
    await work();
    const { id, token } = await crew.take("rita", { run, roles: ["reviewer"] });
    await call("fail_task", { task: id, token, agent: "rita", error: BROKEN, retryable: false });
    const [letter] = (await call("list_dead_letters", { run })).dead_letters;
    return { review: id, letter: letter!.id };
  }

  const pendingLetters = async ({ call, run }: Team) =>
    (await call("list_dead_letters", { run, status: "pending" })).dead_letters;

  test("lets the run succeed once a person has decided in place of its reviewer", async () => {
    const team = await reviewTeam(backend);
    const { crew, call, run, person } = team;
    await lostReview(team);
    await crew.app.advance(1);
    const eve = await person();
    const [question] = (await eve.call("list_escalations", { run })).escalations;
    await eve.call("decide_escalation", { id: question!.id, decision: "approved" });
    expect(await crew.statuses(run)).toMatchObject({ api: "succeeded", "review(api)": "cancelled", ship: "ready" });
    expect(await pendingLetters(team)).toEqual([]);
    const ship = await crew.take("ann", { run });
    await crew.complete(ship);
    expect(await crew.run(run)).toMatchObject({ status: "succeeded" });
    await expect(call("control_run", { run, action: "retry_failed" })).rejects.toMatchObject({
      code: "invalid_transition",
    });
  });

  test.each(["retry_failed", "replay"] as const)(
    "is cancelled by %s where its task waits for no verdict: every one would be refused",
    async (how) => {
      const team = await reviewTeam(backend);
      const { crew, call, run, task } = team;
      const { letter } = await lostReview(team);
      await call("cancel_task", { task });
      expect(await crew.run(run)).toMatchObject({ status: "failed" });
      if (how === "replay") await call("replay_dead_letter", { id: letter, agent: "rita" });
      else await call("control_run", { run, action: "retry_failed" });
      expect(await crew.statuses(run)).toMatchObject({ api: "cancelled", "review(api)": "cancelled" });
      expect(await pendingLetters(team)).toEqual([]);
      expect((await crew.run(run)).status).not.toBe("running");
      const { events } = await call("list_events", { run });
      expect(events.map(({ type }) => type)).not.toContain("task.replayed");
    },
  );

  test("is tried again while its task waits for a verdict", async () => {
    const team = await reviewTeam(backend);
    const { crew, call, run, submit } = team;
    const { letter } = await lostReview(team);
    await call("replay_dead_letter", { id: letter });
    expect(await crew.statuses(run)).toMatchObject({ api: "in_review", "review(api)": "ready" });
    await submit("rita", ["reviewer"], {});
    expect(await crew.statuses(run)).toMatchObject({ api: "succeeded", ship: "ready" });
  });

  test("takes along what waits behind it once another review has decided", async () => {
    const team = await reviewTeam(backend);
    const { crew, call, run, person } = team;
    await lostReview(team);
    const step = { key: "after", prompt: "p", needs: ["review(api)"] };
    await call("modify_run", { run, changes: [{ op: "add_task", step }] });
    expect(await crew.statuses(run)).toMatchObject({ after: "blocked" });
    await crew.app.advance(1);
    const eve = await person();
    const [question] = (await eve.call("list_escalations", { run })).escalations;
    await eve.call("decide_escalation", { id: question!.id, decision: "approved" });
    expect(await crew.statuses(run)).toMatchObject({ "review(api)": "cancelled", after: "skipped", ship: "ready" });
    await crew.complete(await crew.take("ann", { run }));
    expect(await crew.run(run)).toMatchObject({ status: "succeeded" });
  });

  test("is one of two that are open after a replay: a verdict names which, or its reviewer holds one", async () => {
    const team = await reviewTeam(backend);
    const { crew, call, run, task } = team;
    const { review, letter } = await lostReview(team);
    await crew.app.advance(1);
    await call("replay_dead_letter", { id: letter });
    expect(await crew.statuses(run)).toMatchObject({ "review(api)": "ready", "review(api)#2": "waiting" });
    const verdict = { task, agent: "rita", verdict: "revise", critique: "name the errors" } as const;
    await expect(call("submit_review", verdict)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringMatching(
        /2 open reviews.*review\(api\) .*it is ready; review\(api\)#2 .*waits for a person/,
      ),
      details: { reviews: [{ task: review }, { key: "review(api)#2" }] },
    });
    await crew.take("rita", { run, roles: ["reviewer"] });
    expect(await call("submit_review", verdict)).toMatchObject({ review: { id: review, verdict: "revise" } });
    expect(await crew.statuses(run)).toMatchObject({ api: "ready", "review(api)#2": "cancelled" });
  });

  test("is done in a run that is opened again, where its verdict is only recorded", async () => {
    const head = { on_failure: "stop" };
    const { crew, call, run } = await reviewTeam(backend, { step: { review: undefined }, head });
    await crew.complete(await crew.take("ann", { run }));
    await call("request_review", { task: `${run}/api`, reviewer_role: "reviewer", agent: "ann" });
    await crew.fail(await crew.take("ann", { run }), "broken", { retryable: false });
    expect(await crew.statuses(run)).toMatchObject({ ship: "dead_letter", "review(api)": "blocked" });
    await call("control_run", { run, action: "retry_failed" });
    expect(await crew.statuses(run)).toMatchObject({ api: "succeeded", "review(api)": "ready", ship: "ready" });
  });

  test("settles what depends on it when it is withdrawn", async () => {
    const { crew, call, run, task, work } = await reviewTeam(backend);
    await work();
    const step = { key: "after", prompt: "p", needs: ["review(api)"] };
    await call("modify_run", { run, changes: [{ op: "add_task", step }] });
    await call("cancel_task", { task });
    expect(await crew.statuses(run)).toMatchObject({ "review(api)": "cancelled", after: "skipped" });
    expect((await crew.run(run)).status).not.toBe("running");
  });

  test("does not decide about a later attempt, which has a review of its own", async () => {
    const { crew, call, run, task, work } = await reviewTeam(backend);
    await work("first");
    const old = await crew.take("rita", { run, roles: ["reviewer"] });
    await call("send_to_dead_letters", { task, reason: "not this way" });
    await call("control_run", { run, action: "retry_failed" });
    await work("second");
    expect(await crew.statuses(run)).toMatchObject({ api: "in_review", "review(api)#2": "ready" });
    const late = { task: old.id, token: old.token, agent: "rita", verdict: "approve" } as const;
    await expect(call("submit_review", late)).rejects.toMatchObject({
      code: "invalid_transition",
      message: expect.stringContaining("done again"),
    });
    expect(await crew.statuses(run)).toMatchObject({ api: "in_review", "review(api)#2": "ready" });
  });

  test("is not resolved by hand: its verdict would decide nothing", async () => {
    const team = await reviewTeam(backend);
    const { crew, call, run } = team;
    const { letter, review } = await lostReview(team);
    const resolution = { id: letter, notes: "looks good", result: { verdict: "approve" } };
    await expect(call("resolve_dead_letter", resolution)).rejects.toMatchObject({
      code: "invalid_transition",
      details: { task: review, review_of: "api" },
      next: [
        { arguments: { name: "replay_dead_letter" } },
        { tool: "claim_task" },
        { arguments: { name: "submit_review" } },
      ],
    });
    expect(await crew.statuses(run)).toMatchObject({ api: "in_review", "review(api)": "dead_letter" });
  });

  test("refuses a person's conditions that their decision does not take", async () => {
    const { crew, call, run, person, work } = await reviewTeam(backend, { step: { review: { by: "human" } } });
    await work();
    const eve = await person();
    const [question] = (await call("list_escalations", { run })).escalations;
    const refused = { code: "invalid_input", details: { path: "conditions" } };
    const approved = { id: question!.id, decision: "approved" } as const;
    await expect(eve.call("decide_escalation", { ...approved, conditions: ["log it"] })).rejects.toMatchObject(refused);
    const bare = { id: question!.id, decision: "approved_with_conditions" } as const;
    await expect(eve.call("decide_escalation", bare)).rejects.toMatchObject(refused);
    expect(await crew.statuses(run)).toMatchObject({ api: "in_review" });
  });

  test("does not hide the newest of more reviews than are listed", async () => {
    const { crew, call, run, task } = await reviewTeam(backend, { step: { review: undefined } });
    await crew.complete(await crew.take("ann", { run }));
    for (let count = 1; count <= 201; count += 1) {
      const { review } = await call("request_review", { task, reviewer_role: "reviewer", agent: "ann" });
      await call("cancel_task", { task: review!.id });
    }
    const { review } = await call("request_review", { task, reviewer_role: "reviewer", agent: "ann" });
    expect(review).toMatchObject({ key: "review(api)#202", status: "ready" });
    const rounds = (await call("get_task", { task })).reviews!.map(({ round }) => round);
    expect([rounds.length, rounds[0], rounds.at(-1)]).toEqual([200, 3, 202]);
  });
});
