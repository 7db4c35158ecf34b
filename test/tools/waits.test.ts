import { describe, expect, test } from "vitest";
import { startApp, startAppOn } from "../support/servers/app.js";
import { BACKENDS, ownRuntime } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";

describe.each(BACKENDS)("wait_for a task on %s", (backend) => {
  test("answers with its end, by id or by its key beside its run, and at once where it has ended", async () => {
    const crew = new Crew(await startAppOn(backend));
    const { call } = crew.app;
    const { run } = await crew.start([{ key: "a" }, { key: "b" }, { key: "c", needs: ["a"] }], { max_parallel: 1 });
    await call("wait_for", { agent: "eve", run: run.id, timeout_seconds: 0 });
    const a = await crew.take("ann", { run: run.id });
    const open = await call("wait_for", { agent: "eve", run: run.id, task: "c", timeout_seconds: 0 });
    expect(open).toMatchObject({ timed_out: true, events: [] });
    await crew.complete(a);
    const end = { timed_out: false, events: [{ type: "task.succeeded", task: a.id }] };
    expect(await call("wait_for", { agent: "eve", run: run.id, task: a.key, timeout_seconds: 600 })).toMatchObject(end);
    // A second time, by an agent that asks for the first time, and whatever kinds it names.
    expect(await call("wait_for", { agent: "late", task: a.id, timeout_seconds: 600 })).toMatchObject(end);
    const asked = { agent: "late", task: `${run.id}/${a.key}`, kinds: ["task_ready" as const], timeout_seconds: 600 };
    expect(await call("wait_for", asked)).toMatchObject(end);
    // The end of another task is no news about this one, and stays news for a wait that is for all.
    const { events } = await call("wait_for", { agent: "eve", run: run.id, kinds: ["task_ended"], timeout_seconds: 0 });
    expect(events).toMatchObject([{ type: "task.succeeded", task: a.id }]);
  });

  test("goes on waiting for a task that was opened again, and refuses one of another run", async () => {
    const crew = new Crew(await startAppOn(backend));
    const { call } = crew.app;
    const { run } = await crew.start([{ key: "a", retry: { max_attempts: 1 } }]);
    const other = await crew.start([{ key: "x" }]);
    await crew.fail(await crew.take("ann", { run: run.id }));
    const task = `${run.id}/a`;
    const { events } = await call("wait_for", { agent: "eve", task, timeout_seconds: 600 });
    expect(events).toMatchObject([{ type: "task.dead_letter" }]);
    await call("replay_dead_letter", { id: task });
    const { cursor } = await call("wait_for", { agent: "eve", run: run.id, timeout_seconds: 0 });
    expect(await call("wait_for", { agent: "eve", task, cursor, timeout_seconds: 0 })).toMatchObject({
      timed_out: true,
    });
    await expect(call("wait_for", { run: other.run.id, task })).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining(run.id),
    });
  });
});

describe.each(BACKENDS)("an agent's first wait on %s", (backend) => {
  async function team() {
    const app = await startAppOn(backend);
    await app.call("create_project", { name: "demo", root: app.cwd });
    for (const name of ["ann", "ben", "eve"]) await app.call("register_agent", { name });
    const heard = async (agent: string, kinds: readonly ("message" | "decision" | "review")[]) =>
      app.call("wait_for", { agent, project: "demo", kinds: [...kinds], timeout_seconds: 0 });
    return { app, call: app.call, heard, crew: new Crew(app) };
  }

  test("answers at once with messages that were sent before and are not acknowledged, and no second time", async () => {
    const { call, heard } = await team();
    const bodies = ["first", "read", "last"];
    const ids: string[] = [];
    for (const body of bodies) ids.push((await call("send_message", { agent: "ann", to: "ben", body })).message.id);
    await call("send_message", { agent: "ann", to: "eve", body: "not for ben" });
    await call("read_messages", { agent: "ben", ack: [ids[1]!] });
    const first = await call("wait_for", { agent: "ben", project: "demo", timeout_seconds: 600 });
    expect(first.events.map(({ type, data }) => [type, data["message"]])).toEqual([
      ["message.sent", ids[0]],
      ["message.sent", ids[2]],
    ]);
    expect(first).toMatchObject({ timed_out: false, next: [{ tool: "read_messages" }] });
    expect(await heard("ben", ["message"])).toMatchObject({ timed_out: true, events: [] });
    // A wait from a cursor is from there.
    const { cursor } = await heard("ben", ["message"]);
    const later = { agent: "eve", project: "demo", cursor, timeout_seconds: 0 };
    expect(await call("wait_for", later)).toMatchObject({ timed_out: true });
  });

  test("answers with the decision that the agent has asked for, until it has read it", async () => {
    const { app, call, heard } = await team();
    const elsewhere = await startApp({ database: app.database, runtime: ownRuntime(), agent: "eve" });
    const asked = { type: "quality_concern", title: "Too slow?", project: "demo" } as const;
    const { escalation } = await call("escalate", { ...asked, agent: "ann" });
    const other = (await call("escalate", { ...asked, agent: "ben", title: "Too big?" })).escalation;
    for (const { id } of [escalation, other])
      await elsewhere.call("decide_escalation", { agent: "eve", id, decision: "approved", note: "fine" });
    const { events } = await heard("ann", ["decision"]);
    expect(events).toMatchObject([{ type: "escalation.decided", data: { escalation: escalation.id, from: "ann" } }]);
    const { messages } = await call("read_messages", { agent: "ben", project: "demo" });
    await call("read_messages", { agent: "ben", project: "demo", ack: messages.map(({ id }) => id) });
    expect(await heard("ben", ["decision"])).toMatchObject({ timed_out: true });
  });

  test("answers the same where it is repeated under its request_id", async () => {
    const { call } = await team();
    const { message } = await call("send_message", { agent: "ann", to: "ben", body: "first" });
    const asked = { agent: "ben", project: "demo", timeout_seconds: 0, request_id: "first-wait" };
    const first = await call("wait_for", asked);
    expect(first.events).toMatchObject([{ type: "message.sent", data: { message: message.id } }]);
    expect((await call("wait_for", asked)).events).toEqual(first.events);
    // Matters of every kind are looked for again.
    const all = { ...asked, agent: "eve", kinds: ["message" as const, "decision" as const, "review" as const] };
    expect((await call("wait_for", { ...all, request_id: "all" })).events).toEqual([]);
    expect((await call("wait_for", { ...all, request_id: "all" })).events).toEqual([]);
  });

  test("answers with a decision, and a run's message, that other unread messages are before", async () => {
    const { app, call, heard, crew } = await team();
    const elsewhere = await startApp({ database: app.database, runtime: ownRuntime(), agent: "eve" });
    const { run } = await crew.start([{ key: "a" }], { project: "demo" });
    for (let at = 0; at < 51; at++) {
      await call("send_message", { agent: "eve", to: "ann", body: `note ${at}`, type: "answer", data: { at } });
      await call("send_message", { agent: "eve", to: "ben", body: `note ${at}` });
    }
    const asked = { type: "quality_concern", title: "Too slow?", project: "demo" } as const;
    const { escalation } = await call("escalate", { ...asked, agent: "ann" });
    await elsewhere.call("decide_escalation", { agent: "eve", id: escalation.id, decision: "approved", note: "fine" });
    const { events } = await heard("ann", ["decision"]);
    expect(events).toMatchObject([{ type: "escalation.decided", data: { escalation: escalation.id } }]);
    const { message } = await call("send_message", { agent: "eve", to: "ben", body: "of the run", run: run.id });
    const ofRun = { agent: "ben", run: run.id, kinds: ["message" as const], timeout_seconds: 0 };
    expect((await call("wait_for", ofRun)).events).toMatchObject([{ data: { message: message.id } }]);
  });

  test("answers with an open review that the agent may do, and not with another's", async () => {
    const { call, heard, crew } = await team();
    await call("register_agent", { name: "rob", roles: ["code_reviewer"] });
    const step = { key: "api", review: { by: "code_reviewer" } };
    const { run } = await crew.start([step], { project: "demo" });
    await crew.complete(await crew.take("ann", { run: run.id }));
    const { events } = await heard("rob", ["review"]);
    expect(events).toMatchObject([{ type: "review.requested", run: run.id, data: { key: "api", round: 1 } }]);
    for (const agent of ["ann", "ben"]) expect((await heard(agent, ["review"])).events).toEqual([]);
  });
});

test.each(BACKENDS)("a dead letter is named by its task too on %s", async (backend) => {
  const crew = new Crew(await startAppOn(backend));
  const { call } = crew.app;
  const output = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
  const { run } = await crew.start([{ key: "a", priority: "high", retry: { max_attempts: 1 }, output }, { key: "b" }]);
  const held = await crew.take("ann", { run: run.id });
  const id = `${run.id}/${held.key}`;
  await crew.fail(held);
  const letter = await call("get_dead_letter", { id: held.id });
  expect(letter.dead_letter).toMatchObject({ status: "pending", task: { id: held.id } });
  // The next call is the same with a result of the form that is asked for.
  await expect(call("resolve_dead_letter", { id, notes: "by hand", result: { n: "1" } })).rejects.toMatchObject({
    next: [{ arguments: { arguments: { id: letter.dead_letter.id, result: { n: 1 } } } }],
  });
  await call("resolve_dead_letter", { id, notes: "by hand", result: { n: 1 } });
  expect((await call("get_dead_letter", { id })).dead_letter).toMatchObject({ status: "resolved" });
  await expect(call("discard_dead_letter", { id: `${run.id}/b`, notes: "n" })).rejects.toMatchObject({
    code: "not_found",
    message: expect.stringMatching(/is ready and has no dead letter/),
  });
});
