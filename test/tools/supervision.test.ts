import { describe, expect, test } from "vitest";
import { BACKENDS, testRuntime } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startApp, startAppOn, type TestApp } from "../support/servers/app.js";

const DAY_MS = 86_400_000;

describe.each(BACKENDS)("an approval on %s", (backend) => {
  /** Ann makes things; ben leads and eve is an architect, over connections of their own; a person sits at a terminal. */
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
    await app.call("register_agent", { name: "ann", roles: ["backend", "tech_lead"] });
    await ben.call("register_agent", { name: "ben", roles: ["code_reviewer"] });
    await eve.call("register_agent", { name: "eve", roles: ["tech_lead"] });
    const { run } = await crew.start([{ key: "api" }, { key: "after", needs: ["api"] }], { project: "demo" });
    const held = await crew.take("ann", { run: run.id });
    const put = async (content: string, name = "design.md") =>
      (await app.call("put_artifact", { agent: "ann", task: held.id, name, content })).artifact;
    const ask = async (approver_role = "tech_lead", subject: object = { artifact: "design.md" }) =>
      (await app.call("request_approval", { agent: "ann", task: held.id, approver_role, ...subject })).approval;
    const decide = async ([of, agent]: readonly [TestApp, string], approval: string, more: object = {}) =>
      (await of.call("decide_approval", { agent, approval, decision: "approved", ...more })).approval;
    const stateOf = async (id: string) =>
      (await app.call("get_supervision", { project: "demo" })).approvals.find((one) => one.id === id)!;
    return { crew, app, ben, eve, person, run: run.id, held, put, ask, decide, stateOf };
  }

  test("is decided by its role, never by its author, and told to the agent that asked", async () => {
    const { app, ben, eve, put, ask, decide, stateOf, held } = await team();
    const { hash, id } = await put("# One");
    const asked = await ask("tech_lead", { artifact: "design.md", reason: "before we build it" });
    expect(asked).toMatchObject({ status: "open", hash, artifact: id, name: "design.md", version: 1, task: held.id });
    expect(await ask()).toMatchObject({ id: asked.id });
    expect((await eve.call("read_messages", { agent: "eve", project: "demo" })).messages).toMatchObject([
      { type: "question", from: "ann", body: "before we build it", data: { approval: asked.id, hash } },
    ]);
    // Ann has the role, and zoe shares her connection.
    for (const agent of ["ann", "zoe"])
      await expect(decide([app, agent], asked.id)).rejects.toMatchObject({
        code: "not_permitted",
        message: expect.stringContaining("same handle or connection"),
      });
    await expect(decide([ben, "ann"], asked.id)).rejects.toMatchObject({ code: "not_permitted" });
    await expect(decide([ben, "ben"], asked.id)).rejects.toMatchObject({
      code: "not_permitted",
      message: expect.stringContaining("role tech_lead, or one of a higher tier"),
    });
    const wait = { agent: "ann", project: "demo", kinds: ["decision" as const], timeout_seconds: 0 };
    expect((await app.call("wait_for", wait)).events).toEqual([]);
    const conditions = ["name the owner"];
    const decided = await decide([eve, "eve"], asked.id, { decision: "approved_with_conditions", conditions });
    expect(decided).toMatchObject({ status: "approved_with_conditions", decided_by: "eve", conditions });
    expect((await app.call("wait_for", wait)).events).toMatchObject([
      { type: "approval.decided", agent: "eve", data: { approval: asked.id, hash } },
    ]);
    expect((await app.call("read_messages", { agent: "ann", project: "demo" })).messages).toMatchObject([
      { type: "answer", from: "eve", task: held.id, body: expect.stringContaining("Condition: name the owner") },
    ]);
    expect(await stateOf(asked.id)).toMatchObject({ status: "approved_with_conditions" });
    await expect(decide([eve, "eve"], asked.id)).rejects.toMatchObject({
      code: "invalid_transition",
      message: expect.stringContaining("by eve"),
    });
  });

  test("is void once there is a newer version, holds again where that is taken back, and an older request lapses", async () => {
    const { app, eve, held, put, ask, decide, stateOf, run } = await team();
    await put("# One");
    const { checkpoint } = await app.call("create_checkpoint", { run });
    const first = await ask();
    await decide([eve, "eve"], first.id);
    const second = await put("# Two");
    expect(await stateOf(first.id)).toMatchObject({
      status: "void",
      void_because: "design.md has version 2 by ann, and version 1 was asked for",
    });
    const again = await ask();
    expect(again).toMatchObject({ status: "open", hash: second.hash, version: 2 });
    const third = await put("# Three");
    const outdated = await decide([eve, "eve"], again.id).catch((error: unknown) => error);
    const input = { task: held.id, artifact: "design.md", approver_role: "tech_lead" };
    const next = [{ tool: "call_operation", arguments: { name: "request_approval", arguments: input } }];
    expect(outdated).toMatchObject({ code: "conflict", message: expect.stringContaining("version 3 by ann") });
    expect((outdated as { next: unknown }).next).toEqual(next);
    const unplaced = app.call("request_approval", {
      artifact: "design.md",
      approver_role: "tech_lead",
      project: "demo",
    });
    await expect(unplaced).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringMatching(new RegExp(`^(?!.*did you mean).*it is in run ${run}`)),
    });
    expect((await app.call("list_escalations", { project: "demo" })).escalations).toEqual([]);
    const last = (await app.call("request_approval", { ...input, agent: "ann" })).approval;
    expect(last).toMatchObject({ hash: third.hash, version: 3 });
    await expect(decide([eve, "eve"], again.id)).rejects.toMatchObject({
      code: "invalid_transition",
      message: expect.stringContaining("is void, since a newer version was put up"),
      next,
    });
    await app.call("resume_from_checkpoint", { checkpoint: checkpoint.id });
    expect(await stateOf(first.id)).toMatchObject({ status: "approved" });
    expect(await stateOf(last.id)).toMatchObject({ status: "void" });
  });

  test("holds for one result of a task alone", async () => {
    const { app, crew, eve, held, ask, decide, stateOf, run } = await team();
    await expect(ask("tech_lead", {})).rejects.toMatchObject({
      code: "invalid_transition",
      message: expect.stringContaining("neither a result nor an artifact"),
    });
    const { checkpoint } = await app.call("create_checkpoint", { run });
    await crew.complete(held, { answer: 42 });
    const asked = await ask("tech_lead", {});
    expect(asked).toMatchObject({ status: "open", task: held.id });
    expect(asked).not.toHaveProperty("artifact");
    await decide([eve, "eve"], asked.id);
    expect(await stateOf(asked.id)).toMatchObject({ status: "approved" });
    await app.call("resume_from_checkpoint", { checkpoint: checkpoint.id });
    expect(await stateOf(asked.id)).toMatchObject({
      status: "void",
      void_because: "the task has another result, or none",
    });
    const other = await crew.take("ann", { run });
    await crew.complete(other, { answer: 43 });
    expect(await stateOf(asked.id)).toMatchObject({ status: "void" });
  });

  test("is of a task's diff, else of its result, else of its only artifact", async () => {
    const { crew, held, put, ask } = await team();
    const notes = await put("some", "notes.txt");
    expect(await ask("tech_lead", {})).toMatchObject({ artifact: notes.id });
    await put("more", "other.txt");
    await expect(ask("tech_lead", {})).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("name one of other.txt, notes.txt"),
    });
    const diff = await put("--- a\n+++ b\n", "api.diff");
    expect(await ask("tech_lead", {})).toMatchObject({ artifact: diff.id });
    await crew.complete(held, { answer: 42 });
    expect(await ask("tech_lead", {})).toMatchObject({ artifact: diff.id });
  });

  test("may be decided by a role of a higher tier, but not by one of a lower tier", async () => {
    const { app, ben, eve, put, ask, decide } = await team();
    await put("# One");
    const forLead = await ask("project_manager");
    expect(await decide([eve, "eve"], forLead.id)).toMatchObject({ status: "approved" });
    const forArchitect = await ask("security_reviewer");
    for (const [of, agent] of [
      [ben, "ben"],
      // Eve is of the same tier, but not of the role.
      [eve, "eve"],
    ] as const)
      await expect(decide([of, agent], forArchitect.id)).rejects.toMatchObject({ code: "not_permitted" });
    await app.call("update_project", { project: "demo", config: { supervision: { architect: ["code_reviewer"] } } });
    expect(await decide([ben, "ben"], forArchitect.id)).toMatchObject({ status: "approved", decided_by: "ben" });
  });

  test("for a person is a person's alone, in the list of questions", async () => {
    const { app, eve, person, put, ask, decide, stateOf } = await team();
    const { id: artifact } = await put("# One");
    const asked = await ask("human", { artifact: "design.md", reason: "may it go out?" });
    await expect(decide([eve, "eve"], asked.id)).rejects.toMatchObject({
      code: "not_permitted",
      details: { permitted: ["human"] },
    });
    await expect(decide([eve, "human"], asked.id)).rejects.toMatchObject({ code: "not_permitted" });
    const listed = async (tier?: "lead" | "human") =>
      (await app.call("list_escalations", tier === undefined ? {} : { tier })).escalations;
    expect(await listed("lead")).toEqual([]);
    expect(await listed("human")).toMatchObject([
      { id: asked.id, type: "approval", tier: "human", from: "ann", details: "may it go out?", artifact },
    ]);
    await expect(person.call("decide_escalation", { id: asked.id, decision: "deferred" })).rejects.toMatchObject({
      code: "invalid_input",
      details: { path: "decision" },
    });
    const { escalation } = await person.call("decide_escalation", { id: asked.id, decision: "rejected", note: "no" });
    expect(escalation).toMatchObject({ id: asked.id, status: "rejected", decided_by: "pat", note: "no" });
    expect(await stateOf(asked.id)).toMatchObject({ status: "rejected", note: "no" });
    expect(await listed()).toEqual([]);
  });

  test("stands on the pages of its tier, however many of another tier were asked for before it", async () => {
    const { app, put, ask } = await team();
    await put("# One", "one.md");
    await put("# Two", "two.md");
    const ids = { lead: [] as string[], human: [] as string[] };
    for (const role of ["role-1", "role-2", "role-3", "human", "role-4"])
      for (const artifact of ["one.md", "two.md"])
        ids[role === "human" ? "human" : "lead"].push((await ask(role, { artifact })).id);
    const pagesOf = async (tier: "lead" | "human") => {
      const pages: string[][] = [];
      let cursor: string | undefined;
      do {
        const page = await app.call("list_escalations", { tier, limit: 1, ...(cursor !== undefined && { cursor }) });
        pages.push(page.escalations.map(({ id }) => id));
        cursor = page.next_cursor;
      } while (cursor !== undefined && pages.length < 20);
      return pages;
    };
    expect(await pagesOf("human")).toEqual(ids.human.map((id) => [id]));
    expect(await pagesOf("lead")).toEqual(ids.lead.map((id) => [id]));
  });

  test("is listed as long as the newest version has its bytes, be it a later one", async () => {
    const { app, put, ask } = await team();
    const listed = async () =>
      (await app.call("list_escalations", { project: "demo" })).escalations.map(({ id }) => id);
    await put("# One");
    const { id } = await ask();
    expect(await listed()).toEqual([id]);
    await put("# Two");
    expect(await listed()).toEqual([]);
    await put("# One");
    expect(await listed()).toEqual([id]);
  });

  test("goes with the retention once it is decided, where it belongs to no run", async () => {
    const { app, eve, decide } = await team();
    await app.call("put_artifact", { agent: "ann", project: "demo", name: "plan.md", content: "# One" });
    const request = { agent: "ann", project: "demo", artifact: "plan.md" };
    const ids: string[] = [];
    for (const approver_role of ["tech_lead", "project_manager"])
      ids.push((await app.call("request_approval", { ...request, approver_role })).approval.id);
    await decide([eve, "eve"], ids[0]!);
    await app.advance(89 * DAY_MS);
    const known = async () =>
      (await app.call("get_supervision", { project: "demo" })).approvals.map(({ id, status }) => [id, status]);
    expect(await known()).toEqual([
      [ids[1], "open"],
      [ids[0], "approved"],
    ]);
    await app.advance(2 * DAY_MS);
    expect(await known()).toEqual([[ids[1], "open"]]);
    await app.call("put_artifact", { agent: "ann", project: "demo", name: "plan.md", content: "# Two" });
    await app.advance(DAY_MS);
    expect(await known()).toEqual([]);
  });

  test("is refused where what it needs is missing, and beyond fifty open ones", async () => {
    const { app, eve, put, ask, decide } = await team();
    const approver_role = "tech_lead";
    await expect(app.call("request_approval", { approver_role })).rejects.toMatchObject({
      code: "invalid_input",
      details: { path: "task" },
    });
    await expect(ask()).rejects.toMatchObject({ code: "not_found" });
    await put("# One");
    await expect(ask("tech lead")).rejects.toMatchObject({ code: "invalid_input", details: { path: "approver_role" } });
    const asked = await ask();
    for (const more of [{ decision: "approved_with_conditions" }, { conditions: ["quick"] }])
      await expect(decide([eve, "eve"], asked.id, more)).rejects.toMatchObject({
        code: "invalid_input",
        details: { path: "conditions" },
      });
    await expect(decide([eve, "eve"], "approval_0000000000000000")).rejects.toMatchObject({ code: "not_found" });
    for (let open = 1; open < 50; open++) await ask(`role-${open}`);
    await expect(ask("one-more")).rejects.toMatchObject({ code: "limit_exceeded" });
  });

  test("counts for the fifty only while its subject is as it was", async () => {
    const { app, crew, held, run, put, ask, stateOf } = await team();
    const { checkpoint } = await app.call("create_checkpoint", { run });
    await crew.complete(held, { answer: 42 });
    const ofResult: string[] = [];
    for (let at = 0; at < 50; at++) ofResult.push((await ask(`role-${at}`, {})).id);
    await put("# One");
    await expect(ask()).rejects.toMatchObject({ code: "limit_exceeded", details: { open: 50, max: 50 } });
    await app.call("resume_from_checkpoint", { checkpoint: checkpoint.id });
    await put("# Two");
    const ofDesign = await ask();
    expect(ofDesign).toMatchObject({ status: "open", name: "design.md" });
    expect(await stateOf(ofResult[49]!)).toMatchObject({ status: "void" });
    for (let at = 1; at < 50; at++) await ask(`role-${at}`);
    await put("# Other", "other.md");
    await expect(ask("tech_lead", { artifact: "other.md" })).rejects.toMatchObject({ code: "limit_exceeded" });
    await put("# Three");
    expect(await ask("tech_lead", { artifact: "other.md" })).toMatchObject({ status: "open", name: "other.md" });
    const { events } = await app.call("list_events", { run, types: ["approval.void"], limit: 200 });
    expect(events).toHaveLength(100);
  });

  test("stands beside the tiers with their live agents, each supervised by the nearest one above", async () => {
    const { app, eve } = await team();
    const hierarchy = async () => (await app.call("get_supervision", { project: "demo" })).hierarchy;
    await app.call("register_agent", { name: "dev", roles: ["backend"] });
    expect(await hierarchy()).toMatchObject([
      {
        tier: "architect",
        roles: ["tech_lead", "security_reviewer", "architect"],
        agents: expect.arrayContaining([
          { agent: "eve", roles: ["tech_lead"] },
          expect.objectContaining({ agent: "ann" }),
        ]),
        supervised_by: ["human"],
      },
      { tier: "lead", agents: [{ agent: "ben" }], supervised_by: expect.arrayContaining(["eve", "ann"]) },
      {
        tier: "execution",
        roles: ["*"],
        agents: expect.arrayContaining([{ agent: "dev", roles: ["backend"] }]),
        supervised_by: ["ben"],
      },
    ]);
    await app.call("update_project", { project: "demo", config: { supervision: { lead: ["team_lead"] } } });
    await eve.call("unregister_agent", { agent: "eve" });
    expect(await hierarchy()).toMatchObject([
      { tier: "architect", agents: [{ agent: "ann" }] },
      { tier: "lead", agents: [], supervised_by: ["ann"] },
      { tier: "execution", supervised_by: ["ann"] },
    ]);
  });
});

describe("require_lead_approval", () => {
  test("puts a lead's review behind each step for an agent that names none, and only a person takes it back", async () => {
    const runtime = testRuntime();
    const shared = { runtime, storeHooks: { now: () => runtime.clock.now() } };
    const crew = new Crew(await startApp(shared));
    const { app } = crew;
    const config = { reviewers: "handle", require_lead_approval: true, supervision: { lead: ["boss"] } };
    await app.call("create_project", { name: "demo", root: app.cwd, config });
    const { run } = await crew.start(
      [
        { key: "plain" },
        { key: "dynamic", needs: ["plain"], prompt: "after ${{ steps.plain.status }}" },
        { key: "own", needs: ["plain"], review: { by: "security_reviewer" } },
        { key: "check", kind: "gate", needs: ["plain"], checks: ["true"] },
      ],
      { project: "demo" },
    );
    await crew.complete(await crew.take("ann", { run: run.id }));
    expect(await crew.statuses(run.id)).toMatchObject({ plain: "in_review", "review(plain)": "ready" });
    expect(await crew.claim("ben", { run: run.id })).toMatchObject({ outcome: "none" });
    await crew.take("eve", { run: run.id, roles: ["boss"] });
    await app.call("submit_review", { task: `${run.id}/plain`, agent: "eve", verdict: "approve" });
    for (const _ of ["dynamic", "own"]) await crew.complete(await crew.take("ann", { run: run.id }));
    expect(await crew.statuses(run.id)).toMatchObject({
      plain: "succeeded",
      dynamic: "in_review",
      own: "in_review",
      check: "succeeded",
    });
    const { tasks } = await app.call("list_tasks", { run: run.id, status: "ready" });
    expect(tasks.map(({ key, role }) => [key, role])).toEqual([
      ["review(dynamic)", "boss"],
      ["review(own)", "security_reviewer"],
    ]);

    const off = { project: "demo", config: { require_lead_approval: false } };
    await expect(app.call("update_project", off)).rejects.toMatchObject({
      code: "not_permitted",
      details: { permitted: ["human"] },
    });
    const person = await startApp({ ...shared, database: app.database, channel: "human", agent: "pat" });
    await person.call("update_project", off);
    await app.call("create_task", { project: "demo", title: "Free", prompt: "do" });
    const held = await crew.take("ann", { project: "demo", fresh: true });
    expect((await crew.complete(held)).task.status).toBe("succeeded");
  });
});
