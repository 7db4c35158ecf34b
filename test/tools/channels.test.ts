import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startApp, startAppOn, type TestApp, type TestAppOptions } from "../support/servers/app.js";

describe.each(BACKENDS)("messages on %s", (backend) => {
  async function office(options: TestAppOptions = {}): Promise<TestApp> {
    const app = await startAppOn(backend, options);
    await app.call("create_project", { name: "demo", root: app.cwd });
    for (const name of ["ann", "ben", "eve"]) await app.call("register_agent", { name });
    return app;
  }

  const bodies = ({ messages }: { messages: readonly { body: string }[] }) => messages.map(({ body }) => body);

  test("reach an agent that is away, in order, again and again until it acknowledges them", async () => {
    const { call } = await office();
    const first = await call("send_message", {
      agent: "ann",
      to: "ben",
      type: "question",
      subject: "Keys",
      body: "UUID?",
      data: { table: "users" },
    });
    expect(first.message).toMatchObject({ from: "ann", to: "ben", type: "question", subject: "Keys" });
    await call("send_message", { agent: "eve", to: "ben", body: "lunch" });
    const read = await call("read_messages", { agent: "ben" });
    expect(read).toMatchObject({
      unread: 2,
      messages: [
        {
          id: first.message.id,
          from: "ann",
          type: "question",
          body: "UUID?",
          data: { table: "users" },
          acknowledged: false,
        },
        { from: "eve", type: "inform", body: "lunch", acknowledged: false },
      ],
    });
    expect(bodies(await call("read_messages", { agent: "ben" }))).toEqual(["UUID?", "lunch"]);
    expect(await call("read_messages", { agent: "ben", ack: [first.message.id] })).toMatchObject({
      unread: 1,
      messages: [{ body: "lunch" }],
    });
    // The other agents see nothing of it.
    for (const agent of ["ann", "eve"])
      expect(await call("read_messages", { agent })).toMatchObject({ unread: 0, messages: [] });
  });

  test("are browsed newest first with their tasks, without being read; those to one agent are for its two sides and a person", async () => {
    const app = await office();
    const { call } = app;
    const crew = new Crew(app);
    await crew.start([{ key: "api", title: "The API" }], { project: "demo" });
    const { id: task } = await crew.take("ben", { project: "demo" });
    await call("send_message", { agent: "ann", to: "all", body: "frozen" });
    await call("send_message", { agent: "ann", to: "#design", body: "Coupons?" });
    await call("send_message", { agent: "ann", to: "ben", body: "for you alone", task });
    const browsed = await call("browse_messages", { project: "demo", limit: 2 });
    expect(browsed).toMatchObject({
      messages: [{ body: "Coupons?", to: "channel:design", unread: false }],
      withheld: 1,
    });
    const { next_cursor: cursor } = browsed;
    expect(bodies(await call("browse_messages", { project: "demo", cursor }))).toEqual(["frozen"]);
    expect(bodies(await call("browse_messages", { project: "demo", to: "#design" }))).toEqual(["Coupons?"]);
    await expect(call("browse_messages", { cursor: "%" })).rejects.toMatchObject({ code: "invalid_input" });

    const person = await startApp({ database: app.database, channel: "human", agent: "anna" });
    const seen = await person.call("browse_messages", { project: "demo" });
    expect(seen.messages[0]).toMatchObject({ from: "ann", to: "ben", task, task_title: "The API", unread: false });
    expect(seen.withheld).toBe(0);
    await call("send_message", { agent: "ben", to: "human", body: "Are we late?" });
    const [asked] = (await person.call("browse_messages", { project: "demo" })).messages;
    expect(asked).toMatchObject({ body: "Are we late?", unread: true });
    await person.call("read_messages", { ack: [asked!.id], project: "demo" });
    expect((await person.call("browse_messages", { project: "demo" })).messages[0]).toMatchObject({ unread: false });
    // Ben has read none of them by it.
    expect(await call("read_messages", { agent: "ben" })).toMatchObject({ unread: 2 });
  });

  test("are replayed from a message, an instant or the beginning, page by page, with what was acknowledged", async () => {
    const app = await office();
    const ids: string[] = [];
    for (const body of ["a", "b", "c", "d"]) {
      ids.push((await app.call("send_message", { agent: "ann", to: "ben", body })).message.id);
      await app.advance(1_000);
    }
    await app.call("read_messages", { agent: "ben", ack: ids.slice(0, 2) });
    expect(bodies(await app.call("read_messages", { agent: "ben" }))).toEqual(["c", "d"]);
    const whole = await app.call("read_messages", { agent: "ben", unread: false, limit: 3 });
    expect(whole.messages.map(({ body, acknowledged }) => [body, acknowledged])).toEqual([
      ["a", true],
      ["b", true],
      ["c", false],
    ]);
    expect(bodies(await app.call("read_messages", { agent: "ben", unread: false, cursor: whole.next_cursor }))).toEqual(
      ["d"],
    );
    expect(bodies(await app.call("read_messages", { agent: "ben", from: ids[1] }))).toEqual(["b", "c", "d"]);
    const since = whole.messages[1]?.at;
    expect(bodies(await app.call("read_messages", { agent: "ben", from: since }))).toEqual(["b", "c", "d"]);
    await expect(app.call("read_messages", { agent: "ben", from: "yesterday" })).rejects.toMatchObject({
      code: "invalid_input",
    });
    await expect(app.call("read_messages", { agent: "ben", cursor: "!" })).rejects.toMatchObject({
      code: "invalid_input",
    });
  });

  test("to a role wait for the first agent that has it, by registration or by a claim", async () => {
    const { call } = await office();
    await call("send_message", { agent: "ann", to: "role:backend", body: "the schema changed" });
    await call("claim_task", { agent: "ben", project: "demo", roles: ["frontend"] });
    expect((await call("read_messages", { agent: "ben" })).unread).toBe(0);
    expect((await call("claim_task", { agent: "ben", project: "demo", roles: ["backend"] })).messages).toEqual({
      waiting: 1,
      from: ["ann"],
    });
    await call("update_agent", { agent: "eve", roles: ["backend"] });
    expect((await call("claim_task", { agent: "eve", project: "demo" })).messages).toEqual({
      waiting: 1,
      from: ["ann"],
    });
    expect(bodies(await call("read_messages", { agent: "ben" }))).toEqual(["the schema changed"]);
  });

  test("in a channel reach those that have read it or written to it; the first reading joins it", async () => {
    const { call } = await office();
    await call("send_message", { agent: "ann", to: "#design", body: "one" });
    expect((await call("read_messages", { agent: "ben" })).unread).toBe(0);
    expect(bodies(await call("read_messages", { agent: "ben", channel: "design" }))).toEqual(["one"]);
    await call("send_message", { agent: "eve", to: "channel:design", body: "two" });
    expect(bodies(await call("read_messages", { agent: "ben" }))).toEqual(["one", "two"]);
    expect(bodies(await call("read_messages", { agent: "ann" }))).toEqual(["two"]);
    // Their own are none that they have to read, but are replayed.
    expect(bodies(await call("read_messages", { agent: "eve" }))).toEqual([]);
    expect(bodies(await call("read_messages", { agent: "eve", channel: "#design", unread: false }))).toEqual([
      "one",
      "two",
    ]);
  });

  test("to all reach the agents that are there, of that project", async () => {
    const app = await office();
    const sent = await app.call("send_message", { agent: "ann", to: "all", body: "freeze" });
    expect(sent.message.type).toBe("broadcast");
    await app.advance(1);
    await app.call("register_agent", { name: "late" });
    expect(bodies(await app.call("read_messages", { agent: "ben" }))).toEqual(["freeze"]);
    expect(bodies(await app.call("read_messages", { agent: "late" }))).toEqual([]);
    await app.call("create_project", { name: "other" });
    expect(bodies(await app.call("read_messages", { agent: "ben", project: "other" }))).toEqual([]);
  });

  test("are answered in their thread, and an answer acknowledges what it answers", async () => {
    const { call } = await office();
    const question = (await call("send_message", { agent: "ann", to: "ben", type: "question", body: "why?" })).message;
    const answer = (await call("send_message", { agent: "ben", reply_to: question.id, body: "because" })).message;
    expect(answer).toMatchObject({ to: "ann", type: "answer", reply_to: question.id, thread: question.id });
    const more = (await call("send_message", { agent: "ann", reply_to: answer.id, body: "thanks" })).message;
    expect(more).toMatchObject({ to: "ben", type: "inform", reply_to: answer.id, thread: question.id });
    expect(bodies(await call("read_messages", { agent: "ben" }))).toEqual(["thanks"]);
    expect((await call("read_messages", { agent: "ann" })).unread).toBe(0);
  });

  test("to a role, a task's holder or all are answered to their sender, those in a channel there", async () => {
    const { call } = await office();
    for (const [to, answered] of [
      ["role:architect", "ann"],
      ["all", "ann"],
      ["#design", "channel:design"],
    ]) {
      const question = (await call("send_message", { agent: "ann", to, type: "question", body: "why?" })).message;
      const answer = (await call("send_message", { agent: "ben", reply_to: question.id, body: "because" })).message;
      expect(answer.to).toBe(answered);
    }
    expect(bodies(await call("read_messages", { agent: "ann" }))).toEqual(["because", "because", "because"]);
  });

  test("about a task reach its holder, and stand in its next brief", async () => {
    const app = await office();
    const crew = new Crew(app);
    const { run } = await crew.start([{ key: "api" }], { project: "demo" });
    const task = `${run.id}/api`;
    const sent = await app.call("send_message", { agent: "ann", task, body: `the port is taken${".".repeat(2_000)}` });
    expect(sent.message).toMatchObject({ to: `task:${sent.message.task}`, run: run.id });
    const { task: brief, messages } = await crew.claim("ben", { run: run.id });
    expect(messages).toEqual({ waiting: 1, from: ["ann"] });
    expect(brief?.messages).toMatchObject([{ from: "ann", body: expect.stringMatching(/^the port is taken/) }]);
    expect(brief?.messages?.[0]?.body.length).toBe(1_000);
    const rest = brief?.messages_rest;
    expect(await app.callUnchecked(rest?.tool ?? "", rest?.arguments)).toMatchObject({
      messages: [{ body: expect.stringMatching(/^.{2000,}$/) }],
    });
    expect(bodies(await app.call("read_messages", { agent: "ben" }))).toHaveLength(1);
    expect(bodies(await app.call("read_messages", { agent: "eve" }))).toEqual([]);
  });

  test("are told in the answers to a claim, to progress and to a completion, and no more once acknowledged", async () => {
    const app = await office();
    const crew = new Crew(app);
    const { run } = await crew.start([{ key: "a" }, { key: "b" }], { project: "demo" });
    const held = await crew.take("ben", { run: run.id });
    const report = () => app.call("report_progress", { task: held.id, token: held.token, agent: "ben" });
    expect((await report()).messages).toBeUndefined();
    const sent = [];
    for (const from of ["ann", "eve", "ann"])
      sent.push((await app.call("send_message", { agent: from, to: "ben", body: from })).message.id);
    expect((await report()).messages).toEqual({ waiting: 3, from: ["ann", "eve"] });
    await app.call("read_messages", { agent: "ben", ack: sent.slice(0, 2) });
    expect((await crew.complete(held)).messages).toEqual({ waiting: 1, from: ["ann"] });
    expect((await crew.claim("ben", { run: run.id })).messages).toEqual({ waiting: 1, from: ["ann"] });
    await app.call("read_messages", { agent: "ben", ack: sent });
    expect((await crew.claim("ben", { run: run.id })).messages).toBeUndefined();
  });

  test("are kept as long as what has ended is, and go with their run", async () => {
    const app = await office({ settings: { retention_ms: 3_600_000 } });
    const crew = new Crew(app);
    const { run } = await crew.start([{ key: "a" }], { project: "demo" });
    const { id } = (await app.call("send_message", { agent: "ann", to: "ben", body: "old" })).message;
    await app.call("send_message", { agent: "ann", to: "ben", run: run.id, body: "of the run" });
    await app.call("read_messages", { agent: "ben", ack: [id] });
    await app.advance(3_590_000);
    await crew.complete(await crew.take("ben", { run: run.id }));
    await app.call("send_message", { agent: "ann", to: "ben", run: run.id, body: "late" });
    expect(bodies(await app.call("read_messages", { agent: "ben", unread: false }))).toEqual([
      "old",
      "of the run",
      "late",
    ]);
    await app.advance(20_000);
    expect(bodies(await app.call("read_messages", { agent: "ben", unread: false }))).toEqual(["late"]);
    await app.advance(3_580_001);
    expect(bodies(await app.call("read_messages", { agent: "ben", unread: false }))).toEqual([]);
  });

  test("are refused with what to do instead where they reach no agent or are too large", async () => {
    const { call } = await office();
    await expect(call("send_message", { agent: "ann", to: "benn", body: "x" })).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringMatching(/There is no agent "benn".*"ben".*role:benn.*Nothing was sent/s),
    });
    await expect(call("send_message", { agent: "ann", to: "ann", body: "x" })).rejects.toMatchObject({
      code: "invalid_input",
    });
    await expect(call("send_message", { agent: "ann", to: "role:", body: "x" })).rejects.toMatchObject({
      code: "invalid_input",
    });
    await expect(call("send_message", { agent: "ann", body: "x" })).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("reply_to"),
    });
    await expect(call("send_message", { agent: "ann", to: "ben", type: "broadcast", body: "x" })).rejects.toMatchObject(
      { code: "invalid_input" },
    );
    await expect(call("send_message", { agent: "ann", to: "ben", body: "x".repeat(65_537) })).rejects.toMatchObject({
      code: "limit_exceeded",
      details: { max: 65_536 },
    });
    expect((await call("read_messages", { agent: "ben" })).unread).toBe(0);
  });

  test("are refused with the call that sends them where their type is handoff or meeting_invite", async () => {
    const app = await office();
    const crew = new Crew(app);
    const { run } = await crew.start([{ key: "api" }, { key: "ui" }], { project: "demo" });
    const held = await crew.take("ann", { run: run.id });
    const offer = { agent: "ann", to: "ben", type: "handoff" as const, body: "You know the schema." };
    await expect(app.call("send_message", offer)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("request_handoff"),
      next: [
        {
          tool: "call_operation",
          arguments: {
            name: "request_handoff",
            arguments: { task: held.id, token: held.token, to: "ben", reason: offer.body, agent: "ann" },
          },
        },
      ],
    });
    // Without a task in hand, the list of what is held is first.
    await expect(app.call("send_message", { ...offer, agent: "eve" })).rejects.toMatchObject({
      next: [{ tool: "list_tasks", arguments: { agent: "eve", status: "running" } }],
    });
    const invitation = { agent: "ann", to: "ben", type: "meeting_invite" as const, body: "REST or GraphQL?" };
    const refused = await app.call("send_message", invitation).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "invalid_input", message: expect.stringContaining("create_meeting") });
    const [{ arguments: next }] = (refused as { next: [{ arguments: { name: "create_meeting"; arguments: never } }] })
      .next;
    expect((await app.call(next.name, next.arguments)).meeting).toMatchObject({
      topic: invitation.body,
      participants: ["ann", "ben"],
      agenda: [{ item: invitation.body }],
    });
    expect(bodies(await app.call("read_messages", { agent: "ben" }))).not.toContain(offer.body);
  });

  test("to one agent are neither read nor acknowledged nor answered by another", async () => {
    const { call } = await office();
    const { id } = (await call("send_message", { agent: "ann", to: "ben", body: "private" })).message;
    for (const input of [{ ack: [id] }, { from: id }]) {
      await expect(call("read_messages", { agent: "eve", ...input })).rejects.toMatchObject({ code: "not_found" });
    }
    await expect(call("send_message", { agent: "eve", reply_to: id, body: "x" })).rejects.toMatchObject({
      code: "not_found",
    });
    expect((await call("read_messages", { agent: "ben" })).unread).toBe(1);
    await expect(call("send_message", { agent: "human", to: "ben", body: "I am the person" })).rejects.toMatchObject({
      code: "not_permitted",
    });
  });

  test("wake an agent that waits, at every kind of address, and no other", async () => {
    const app = await office();
    const { call } = app;
    const crew = new Crew(app);
    const { run } = await crew.start([{ key: "a" }], { project: "demo" });
    await call("update_agent", { agent: "ben", roles: ["backend"] });
    await call("read_messages", { agent: "ben", channel: "#design" });
    const held = await crew.take("ben", { run: run.id });
    const heard = async (agent: string) => {
      const { events, next } = await call("wait_for", { agent, kinds: ["message"], timeout_seconds: 0 });
      return { data: events.map(({ data }) => data["to"]), next };
    };
    for (const agent of ["ben", "eve"]) await heard(agent);
    const addressees = ["ben", "role:backend", "#design", `task:${held.id}`, "all"];
    for (const to of addressees) await call("send_message", { agent: "ann", to, body: "secret words" });
    expect(await heard("ben")).toEqual({
      data: ["ben", "role:backend", "channel:design", `task:${held.id}`, "all"],
      next: [{ tool: "read_messages", arguments: { agent: "ben" } }],
    });
    expect((await heard("eve")).data).toEqual(["all"]);
    expect((await heard("ann")).data).toEqual([]);
    // The history says that a message was sent, and none of its words.
    const { events } = await call("list_events", { types: ["message.sent"] });
    expect(events).toHaveLength(5);
    expect(JSON.stringify(events)).not.toContain("secret");
  });

  test("to an agent wake it also where it works in another project", async () => {
    const { call } = await office();
    await call("create_project", { name: "other" });
    await call("wait_for", { agent: "ben", project: "other", kinds: ["message"], timeout_seconds: 0 });
    await call("send_message", { agent: "ann", to: "ben", project: "demo", body: "x" });
    const { events } = await call("wait_for", {
      agent: "ben",
      project: "other",
      kinds: ["message"],
      timeout_seconds: 600,
    });
    expect(events).toHaveLength(1);
  });
});

test("a database without messages pays no statement for them, and an agent that none waits for none either", async () => {
  let statements = 0;
  const app = await startApp({
    storeHooks: { observe: ({ statement }) => void (statements += Number(statement !== "COMMIT")) },
  });
  const crew = new Crew(app);
  await app.call("create_project", { name: "demo" });
  for (const name of ["ann", "ben", "eve"]) await app.call("register_agent", { name });
  const round = async () => {
    const { run } = await crew.start([{ key: "a" }, { key: "b" }], { project: "demo" });
    const before = statements;
    const held = await crew.take("ben", { run: run.id });
    const claimed = statements - before;
    await app.call("report_progress", { task: held.id, token: held.token });
    const reported = statements - before - claimed;
    await crew.complete(held);
    const completed = statements - before - claimed - reported;
    await crew.complete(await crew.take("eve", { run: run.id }));
    return { claimed, reported, completed };
  };
  await round();
  const without = await round();
  await app.call("send_message", { agent: "ann", to: "eve", body: "not to ben" });
  // Counted once, and recorded.
  await round();
  expect(await round()).toEqual(without);
});
