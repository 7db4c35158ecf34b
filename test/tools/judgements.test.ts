import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startAppOn } from "../support/servers/app.js";

const DESIGN =
  "# Design\n\nConsistency, scalability, security: authentication by tokens, caching, naming, components, interfaces, data.\n";

describe.each(BACKENDS)("the judgement of an artifact on %s", (backend) => {
  /** Ann puts artifacts of her task; all agents share a connection, and reviewers are told apart by their handles. */
  async function team(config: object = {}) {
    const crew = new Crew(await startAppOn(backend));
    const { app } = crew;
    await app.call("create_project", { name: "demo", root: app.cwd, config: { reviewers: "handle", ...config } });
    const { run } = await crew.start(
      [{ key: "design" }, { key: "gate", kind: "gate", needs: ["design"], checks: ['artifact["design.md"].passed'] }],
      { project: "demo" },
    );
    const held = await crew.take("ann", { run: run.id });
    const put = async (content = DESIGN, more: object = {}) =>
      (
        await app.call("put_artifact", {
          agent: "ann",
          task: held.id,
          name: "design.md",
          type: "architecture",
          content,
          ...more,
        })
      ).artifact;
    const judge = (artifact: string, more: object = {}) =>
      app.call("validate_artifact", { agent: "ann", artifact, judge: true, ...more });
    const submit = async (verdict: Record<string, unknown>, roles = ["tech_lead"]) => {
      const { id } = await crew.take("eve", { run: run.id, roles });
      return app.call("submit_review", { task: id, agent: "eve", verdict: "approve", ...verdict });
    };
    return { crew, app, run: run.id, held, put, judge, submit };
  }

  test("is a reviewer's task with the criteria of its type, whose findings are issues of the validation", async () => {
    const { crew, app, run, held, put, judge, submit } = await team();
    const artifact = await put();
    const context = { language: "prose", requirements: "REQ-1: it survives a restart." };
    const asked = await judge(artifact.id, { context });
    expect(asked).toMatchObject({ passed: true, review: { role: "tech_lead" } });
    const review = asked.review!.task;
    expect((await app.call("get_supervision", { project: "demo" })).reviews).toMatchObject([
      { id: review, run, role: "tech_lead", tier: "architect", status: "ready", author: "ann" },
    ]);
    // The same again is the same judgement.
    expect((await judge(artifact.id)).review).toEqual(asked.review);
    expect(await crew.claim("ann", { run, roles: ["tech_lead"] })).toMatchObject({
      outcome: "claimed",
      task: { id: held.id },
    });

    const brief = await crew.claim("eve", { run, roles: ["tech_lead"] });
    expect(brief.task).toMatchObject({
      id: review,
      title: "Judge design.md version 1",
      review: {
        round: 1,
        tier: "architect",
        agent: "ann",
        criteria: expect.arrayContaining([
          expect.stringContaining("consistency: "),
          "It is written in prose.",
          "It meets these requirements: REQ-1: it survives a restart.",
        ]),
        artifacts: [{ id: artifact.id, name: "design.md", version: 1, type: "architecture" }],
        read: { arguments: { name: "get_artifact", arguments: { artifact: artifact.id } } },
      },
    });
    const finding = {
      severity: "critical",
      where: "Tokens",
      what: "they never expire",
      suggestion: "let them",
    } as const;
    await submit({ verdict: "revise", critique: "not yet", findings: [finding] });
    expect((await app.call("get_artifact", { artifact: artifact.id })).artifact.verdict).toBe("critical");
    const after = await app.call("validate_artifact", { artifact: artifact.id });
    expect(after).toMatchObject({
      passed: false,
      critical: true,
      issues: [
        {
          check: "review",
          severity: "critical",
          message: "they never expire",
          where: "Tokens",
          suggestion: "let them",
          from: "eve",
        },
      ],
      review: { task: review, verdict: "revise", agent: "eve" },
    });
    await crew.complete(held);
    expect(await crew.statuses(run)).toMatchObject({ gate: "dead_letter" });
  });

  test("is made anew for another version, and passes with an approval", async () => {
    const { crew, app, run, held, put, judge, submit } = await team();
    const first = await judge((await put()).id);
    await submit({ verdict: "reject", critique: "it says nothing" });
    const issues = (await app.call("validate_artifact", { artifact: "design.md", run })).issues;
    expect(issues).toMatchObject([{ severity: "major", message: "it says nothing", from: "eve" }]);
    const second = await put(`${DESIGN}More.\n`);
    const again = await judge(second.id);
    expect(again.review!.task).not.toBe(first.review!.task);
    expect(again.passed).toBe(true);
    await submit({ findings: [{ severity: "minor", what: "shorter, please" }] });
    expect(await app.call("validate_artifact", { artifact: second.id })).toMatchObject({
      passed: true,
      issues: [{ severity: "minor" }],
    });
    await crew.complete(held);
    expect(await crew.statuses(run)).toMatchObject({ gate: "succeeded" });
  });

  test("goes to the role of its type, by the project's own map, or to the one that is named", async () => {
    const { put, judge } = await team({ supervision: { lead: ["boss"], architect: ["chief"] } });
    const named = async (name: string, type: string, more: object = {}) =>
      (await judge((await put(`${type}: a text.\n`, { name, type })).id, more)).review?.role;
    expect(await named("a.md", "architecture")).toBe("chief");
    expect(await named("b.md", "requirements")).toBe("boss");
    expect(await named("c.md", "security")).toBe("chief");
    expect(await named("d e.md", "security", { reviewer_role: "outsider" })).toBe("outsider");
  });

  test("is not given by the author, and needs an artifact of a run with all criteria of its type", async () => {
    const { crew, app, run, put, judge } = await team();
    const own = await app.call("put_artifact", {
      agent: "bob",
      run,
      name: "own.md",
      type: "requirements",
      content: "# R\n",
    });
    const { review } = await judge(own.artifact.id);
    const { id } = await crew.take("bob", { run, roles: ["project_manager"] });
    expect(id).toBe(review!.task);
    await expect(app.call("submit_review", { task: id, agent: "bob", verdict: "approve" })).rejects.toMatchObject({
      code: "not_permitted",
      message: expect.stringContaining("does not judge it"),
    });
    const free = await app.call("put_artifact", { project: "demo", name: "free.md", content: "# F\n" });
    await expect(judge(free.artifact.id)).rejects.toMatchObject({ code: "invalid_transition" });
    const artifact = await put();
    await expect(judge(artifact.id, { criteria: ["secrets"] })).rejects.toMatchObject({
      code: "invalid_input",
      details: { path: "judge" },
    });
    await expect(app.call("validate_artifact", { content: "x", judge: true })).rejects.toMatchObject({
      code: "invalid_input",
    });
  });
});
