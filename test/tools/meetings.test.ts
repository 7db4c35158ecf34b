import { describe, expect, test } from "vitest";
import type { StoreHooks } from "../../src/store/driver/faults.js";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startAppOn, type TestAppOptions } from "../support/servers/app.js";

const AGENDA = ["REST or GraphQL", "Authentication"];

describe.each(BACKENDS)("a meeting on %s", (backend) => {
  async function called(more: Record<string, unknown> = {}, options: TestAppOptions = {}) {
    const app = await startAppOn(backend, options);
    await app.call("create_project", { name: "demo", root: app.cwd });
    for (const name of ["ann", "ben", "eve", "out"]) await app.call("register_agent", { name });
    const crew = new Crew(app);
    const { run } = await crew.start([{ key: "api" }], { project: "demo" });
    const task = `${run.id}/api`;
    const wanted = {
      agent: "ann",
      project: "demo",
      topic: "API design",
      participants: ["ben", "eve"],
      agenda: AGENDA,
      task,
      ...more,
    };
    const { meeting } = await app.call("create_meeting", wanted);
    const say = async (agent: string, position: string) =>
      (await app.call("post_to_meeting", { agent, meeting: meeting.id, position })).meeting;
    const read = async (agent: string) => (await app.call("read_messages", { agent, project: "demo" })).messages;
    return { app, call: app.call, crew, run: run.id, meeting, say, read };
  }

  test("reads its task with the position that ends it, and with no other", async () => {
    const statements: string[] = [];
    const observe: NonNullable<StoreHooks["observe"]> = ({ statement }) => {
      if (statement !== "COMMIT") statements.push(statement[0]);
    };
    const { say } = await called({ agenda: ["REST or GraphQL"] }, { storeHooks: { observe } });
    const readsTask = async (agent: string) => {
      statements.length = 0;
      await say(agent, "REST");
      return statements.some((text) => /^SELECT .* FROM tasks WHERE id = \S+$/.test(text));
    };
    expect([await readsTask("ann"), await readsTask("ben"), await readsTask("eve")]).toEqual([false, false, true]);
  });

  test("invites its participants, goes through its agenda, and closes by itself when all have spoken", async () => {
    const { call, crew, run, meeting, say, read } = await called();
    expect(meeting).toMatchObject({
      status: "open",
      created_by: "ann",
      participants: ["ann", "ben", "eve"],
      waiting_for: ["ann", "ben", "eve"],
    });
    expect(await read("eve")).toMatchObject([
      { type: "meeting_invite", from: "ann", subject: "API design", data: { meeting: meeting.id, agenda: AGENDA } },
    ]);
    await say("ben", "REST");
    expect((await say("ann", "GraphQL")).waiting_for).toEqual(["eve"]);
    // Positions are told to the others.
    expect((await read("eve")).map(({ from, body }) => [from, body]).slice(1)).toEqual([
      ["ben", "REST"],
      ["ann", "GraphQL"],
    ]);
    await expect(say("ben", "REST again")).rejects.toMatchObject({
      code: "invalid_transition",
      details: { waiting_for: ["eve"] },
    });
    expect((await say("eve", "REST")).waiting_for).toEqual(["ann", "ben", "eve"]);
    for (const agent of ["ann", "ben"]) await say(agent, "tokens");
    const over = await say("eve", "sessions");
    expect(over).toMatchObject({ status: "closed", reason: "all_spoke", waiting_for: [] });
    const name = "decisions-API-design.md";
    expect(over.artifact).toMatchObject({ name });
    // Its convener is told too, and of the artifact that keeps what was said before anything is decided.
    const end = (await read("ann")).at(-1)!;
    expect(end).toMatchObject({ from: "baton", data: { reason: "all_spoke", artifact: over.artifact!.id } });
    expect(end.body).toMatch(
      new RegExp(`^All have spoken. Kept as ${name} \\(${over.artifact!.id}\\)\\..*close_meeting`),
    );
    const before = await call("get_artifact", { artifact: over.artifact!.id });
    expect(before.content!.text).toMatch(/None is recorded yet\.[^]*\*\*eve\*\*: sessions/);
    expect(over.agenda.map(({ positions }) => positions.map(({ agent }) => agent))).toEqual([
      ["ben", "ann", "eve"],
      ["ann", "ben", "eve"],
    ]);
    await expect(say("ann", "late")).rejects.toMatchObject({ code: "invalid_transition" });

    const decisions = ["REST", "Tokens"];
    const closing = { agent: "ann", meeting: meeting.id, decisions };
    const { meeting: closed } = await call("close_meeting", closing);
    expect(closed).toMatchObject({ status: "closed", decisions, artifact: { name } });
    // Again the same changes nothing, and other decisions do not take their place.
    expect((await call("close_meeting", closing)).meeting.artifact).toEqual(closed.artifact);
    await expect(call("close_meeting", { ...closing, decisions: ["SOAP"] })).rejects.toMatchObject({
      code: "conflict",
    });
    const told = (await read("ben")).at(-1);
    const { id: artifact } = closed.artifact!;
    const body = `Decided:\n- REST\n- Tokens\nKept as ${name} (${artifact}).`;
    expect(told).toMatchObject({ from: "ann", body, data: { decisions, artifact } });
    expect((await call("get_meeting", { meeting: meeting.id })).meeting.artifact).toEqual({ id: artifact, name });
    const kept = await call("get_artifact", { artifact });
    expect(kept.artifact).toMatchObject({ name, task: told!.task, from: "ann", version: 2 });
    expect(kept.content!.text).toMatch(
      /^# API design\n[^]*- REST\n- Tokens[^]*1\. REST or GraphQL[^]*\*\*ben\*\*: REST/,
    );
    // The next holder of the task finds the decisions in its brief.
    const { task } = await crew.claim("out", { run });
    expect(task!.messages!.at(-1)).toMatchObject({ from: "ann", body: expect.stringContaining("Decided") });
  });

  test("closes by itself when its time is over, and its convener can record what was decided", async () => {
    const { app, call, meeting, say, read } = await called({ duration: "10m" });
    await say("ben", "REST");
    await app.advance(600_000);
    for (const agent of ["ann", "ben"])
      expect((await read(agent)).at(-1)!.body).toMatch(
        /^The time of the meeting is over\. Kept as decisions-API-design\.md/,
      );
    await expect(say("eve", "late")).rejects.toMatchObject({ code: "invalid_transition" });
    const { meeting: closed } = await call("close_meeting", { agent: "ann", meeting: meeting.id, decisions: ["REST"] });
    expect(closed).toMatchObject({ status: "closed", reason: "time_over", decisions: ["REST"] });
  });

  test("closes by itself also where its artifact does not fit", async () => {
    const { app, call, meeting, read } = await called({ duration: "10m" }, { settings: { artifact_bytes_max: 10 } });
    await app.advance(600_000);
    const end = (await read("ann")).at(-1)!;
    expect(end.body).toMatch(/^The time of the meeting is over\. ann records decisions/);
    const { meeting: closed } = await call("get_meeting", { meeting: meeting.id });
    expect(closed).toMatchObject({ status: "closed", reason: "time_over" });
    expect(closed.artifact).toBeUndefined();
  });

  test("is refused with one participant, an unknown one or no valid duration, and to agents that take no part", async () => {
    const { call, meeting, say } = await called();
    const input = { agent: "ann", project: "demo", topic: "x", agenda: ["x"], participants: ["ann"] };
    await expect(call("create_meeting", input)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("at least one agent beside ann"),
    });
    await expect(call("create_meeting", { ...input, participants: ["benn"] })).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining('"ben"'),
    });
    // The founding documents invite roles: who has one is named.
    await call("register_agent", { name: "lena", roles: ["tech_lead"] });
    for (const role of ["tech_lead", "role:tech_lead"])
      await expect(call("create_meeting", { ...input, participants: [role] })).rejects.toMatchObject({
        code: "not_found",
        message: expect.stringContaining("The role tech_lead is that of lena"),
      });
    for (const duration of ["soon", "0s", "8d"])
      await expect(call("create_meeting", { ...input, participants: ["ben"], duration })).rejects.toMatchObject({
        code: "invalid_input",
      });
    await expect(say("out", "me too")).rejects.toMatchObject({ code: "not_permitted" });
    await expect(call("close_meeting", { agent: "ben", meeting: meeting.id })).rejects.toMatchObject({
      code: "not_permitted",
    });
    await expect(call("post_to_meeting", { agent: "ben", meeting: "meeting_x", position: "x" })).rejects.toMatchObject({
      code: "not_found",
    });
  });
});
