import { describe, expect, test } from "vitest";
import { BACKENDS, ownRuntime } from "../support/databases/databases.js";
import { Crew, type Step } from "../support/fixtures/plan.js";
import { startApp, startAppOn } from "../support/servers/app.js";

const HANDOFF_MS = 600_000;

describe.each(BACKENDS)("a handoff on %s", (backend) => {
  /** A task with files in the hands of ann, and ben to take it over. */
  async function team(step: Partial<Step> = {}, locked: readonly string[] = []) {
    const crew = new Crew(await startAppOn(backend));
    const { call } = crew.app;
    await call("create_project", { name: "demo", root: crew.app.cwd });
    for (const name of ["ann", "ben", "eve"]) await call("register_agent", { name });
    const { run } = await crew.start([{ key: "api", files: { write: ["src/api/"] }, ...step }], { project: "demo" });
    if (locked.length > 0) await call("acquire_file_lock", { agent: "ann", project: "demo", paths: [...locked] });
    const held = await crew.take("ann", { run: run.id });
    const holder = { task: held.id, token: held.token };
    const offer = async (more: Record<string, unknown> = {}) =>
      (await call("request_handoff", { ...holder, to: "ben", reason: "you know the schema", ...more })).handoff;
    const holdersOf = async () =>
      (await call("list_file_locks", { project: "demo" })).locks.map(({ path, agent }) => [path, agent]);
    return { crew, call, run: run.id, holder, offer, holdersOf, advance: crew.app.advance };
  }

  test("moves lease and locks to the addressee under new tokens, in an attempt of its own", async () => {
    const { crew, call, run, holder, offer, holdersOf } = await team({}, ["src/api/a.ts", "src/b.ts"]);
    await call("report_progress", { ...holder, note: "half is done" });
    const offered = await offer({ context: { branch: "api" }, artifacts: ["wireframe.png"] });
    expect(offered).toMatchObject({ from: "ann", to: "ben", status: "requested", artifacts: ["wireframe.png"] });
    const { messages } = await call("read_messages", { agent: "ben", project: "demo" });
    expect(messages).toMatchObject([
      {
        type: "handoff",
        from: "ann",
        task: holder.task,
        body: "you know the schema",
        data: { handoff: offered.id, context: { branch: "api" } },
      },
    ]);

    // The message has the call that answers it, whole.
    const { answer } = messages[0]!.data as { answer: { arguments: { name: string; arguments: { handoff: string } } } };
    expect(answer.arguments).toEqual({ name: "respond_handoff", arguments: { handoff: offered.id, accept: true } });
    const accepted = await call("respond_handoff", { agent: "ben", ...answer.arguments.arguments, accept: true });
    expect(accepted).toMatchObject({ handoff: { status: "accepted" }, task: { status: "running", agent: "ben" } });
    expect(accepted.lease!.token).toBeGreaterThan(holder.token);
    // Locks that ann holds without the task stay hers, but for those within its files.
    expect(await holdersOf()).toEqual([
      ["src/api/", "ben"],
      ["src/api/a.ts", "ben"],
      ["src/b.ts", "ann"],
    ]);
    await expect(call("complete_task", { ...holder, agent: "ann" })).rejects.toMatchObject({
      code: "stale_token",
      details: { held_by: "ben" },
    });
    const brief = await call("claim_task", accepted.next![0]!.arguments);
    expect(brief).toMatchObject({
      resumed: true,
      task: { id: holder.task, attempt: 2, previous: { agent: "ann", outcome: "released", note: "half is done" } },
    });
    expect(brief.lease!.token).toBe(accepted.lease!.token);
    expect((await call("read_messages", { agent: "ann", project: "demo" })).messages).toMatchObject([
      { type: "handoff", from: "ben", data: { status: "accepted" } },
    ]);

    await crew.complete({ id: holder.task, token: accepted.lease!.token });
    const { task, attempts } = await call("get_task", { task: holder.task, include: ["attempts"] });
    expect(task).toMatchObject({ status: "succeeded", failures: 0 });
    expect(attempts!.map(({ agent, outcome }) => [agent, outcome])).toEqual([
      ["ann", "released"],
      ["ben", "succeeded"],
    ]);
    expect((await crew.run(run)).status).toBe("succeeded");
    expect(await holdersOf()).toEqual([
      ["src/api/a.ts", "ben"],
      ["src/b.ts", "ann"],
    ]);
  });

  test("that is declined, or not answered in time, leaves the task with its holder, who is told", async () => {
    const { call, crew, run, holder, offer, advance } = await team();
    const first = await offer();
    expect(
      await call("respond_handoff", { agent: "ben", handoff: first.id, accept: false, note: "no time" }),
    ).toMatchObject({
      handoff: { status: "declined", note: "no time" },
    });
    const second = await offer({ to: "eve" });
    await advance(HANDOFF_MS - 1);
    await call("report_progress", holder);
    expect((await call("get_task", { task: holder.task })).task.reserved_for).toBe("eve");
    await advance(1);
    await expect(call("respond_handoff", { agent: "eve", handoff: second.id, accept: true })).rejects.toMatchObject({
      code: "invalid_transition",
      details: { status: "lapsed", held_by: "ann" },
    });
    const told = await call("read_messages", { agent: "ann", project: "demo" });
    expect(told.messages.map(({ from, data }) => [from, (data as { status: string }).status])).toEqual([
      ["ben", "declined"],
      ["eve", "lapsed"],
    ]);
    // It is reserved for none of them any more.
    await call("release_task", holder);
    await crew.take("ben", { run });
  });

  test("keeps the task for the addressee where its holder releases it, and is accepted by a claim", async () => {
    const { call, crew, run, holder, offer } = await team();
    const offered = await offer();
    await call("release_task", holder);
    expect(await crew.claim("eve", { run })).toMatchObject({ outcome: "none" });
    await crew.take("ben", { run });
    await expect(call("respond_handoff", { agent: "ben", handoff: offered.id, accept: true })).rejects.toMatchObject({
      details: { status: "accepted", held_by: "ben" },
    });
  });

  test("keeps it where its holder is lost, until the time is over", async () => {
    const { call, crew, run, holder, offer, advance } = await team();
    const offered = await offer();
    // A command sent from a shell: no process holds the lease, so it ends by time.
    await call("fail_task", { ...holder, error: { type: "broken", message: "x" } });
    await advance(60_000);
    expect(await crew.claim("eve", { run })).toMatchObject({ outcome: "none" });
    const accepted = await call("respond_handoff", { agent: "ben", handoff: offered.id, accept: true });
    expect(accepted).toMatchObject({ handoff: { status: "accepted" }, task: { status: "ready", reserved_for: "ben" } });
    expect(accepted.lease).toBeUndefined();
    const { events } = await call("list_events", { run, types: ["task.handoff_accepted"] });
    expect(events).toMatchObject([{ task: holder.task, data: { handoff: offered.id, to: "ben" } }]);
    expect(await crew.claim("ben", { run })).toMatchObject({ outcome: "claimed", task: { id: holder.task } });
  });

  test("goes to any agent once the time is over after its holder has released it", async () => {
    const { call, crew, run, holder, offer, advance } = await team();
    const offered = await offer();
    await call("release_task", holder);
    await advance(HANDOFF_MS);
    await crew.take("eve", { run });
    await expect(call("respond_handoff", { agent: "ben", handoff: offered.id, accept: true })).rejects.toMatchObject({
      code: "invalid_transition",
    });
  });

  test("is void once its task has ended, or another offer took its place", async () => {
    const { call, crew, holder, offer } = await team();
    const first = await offer();
    const second = await offer({ to: "eve" });
    await expect(call("respond_handoff", { agent: "ben", handoff: first.id, accept: true })).rejects.toMatchObject({
      details: { status: "void", held_by: "ann" },
    });
    await crew.complete({ id: holder.task, token: holder.token });
    await expect(call("respond_handoff", { agent: "eve", handoff: second.id, accept: true })).rejects.toMatchObject({
      details: { status: "void" },
    });
    expect((await call("get_task", { task: holder.task })).task.reserved_for).toBeUndefined();
    const { events } = await call("list_events", { task: holder.task, types: ["task.handoff_void"] });
    expect(events.map(({ data }) => data["handoff"])).toEqual([first.id, second.id]);
  });

  test.each([
    ["is taken out", async ({ call }: Crew["app"]) => void (await call("unregister_agent", { agent: "ben" }))],
    [
      "loses the task to another by an assignment",
      async ({ call }: Crew["app"], task: string) => void (await call("assign_task", { task, agent: "eve" })),
    ],
  ])("is void once its addressee %s", async (_, change) => {
    const { call, crew, run, holder, offer } = await team();
    const offered = await offer();
    await call("release_task", holder);
    await change(crew.app, holder.task);
    const { events } = await call("list_events", { task: holder.task, types: ["task.handoff_void"] });
    expect(events).toMatchObject([{ data: { handoff: offered.id, to: "ben" } }]);
    await crew.take("eve", { run });
  });

  test("is refused to all but its addressee, and to an addressee without room", async () => {
    const { call, crew, offer } = await team();
    const offered = await offer();
    await expect(call("respond_handoff", { agent: "eve", handoff: offered.id, accept: true })).rejects.toMatchObject({
      code: "not_permitted",
    });
    await expect(call("respond_handoff", { agent: "ann", handoff: offered.id, accept: false })).rejects.toMatchObject({
      code: "not_permitted",
    });
    await expect(call("respond_handoff", { agent: "ben", handoff: "handoff_x", accept: true })).rejects.toMatchObject({
      code: "not_found",
    });
    const other = await crew.start([{ key: "b" }], { project: "demo" });
    const busy = await crew.take("ben", { run: other.run.id });
    await expect(call("respond_handoff", { agent: "ben", handoff: offered.id, accept: true })).rejects.toMatchObject({
      code: "limit_exceeded",
      message: expect.stringContaining("b of run"),
    });
    await crew.complete(busy);
    await call("respond_handoff", { agent: "ben", handoff: offered.id, accept: true });
  });

  test("is refused to an unknown agent, to the holder, under another's token, and to an agent that made what the task checks", async () => {
    const { crew, holder, offer } = await team();
    await expect(offer({ to: "benn" })).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining('"ben"'),
    });
    await expect(offer({ to: "ann" })).rejects.toMatchObject({ code: "invalid_input" });
    await expect(offer({ token: holder.token + 1 })).rejects.toMatchObject({ code: "stale_token" });
    await crew.complete({ id: holder.task, token: holder.token });
    const checked = await crew.start([{ key: "make" }, { key: "check", needs: ["make"], not_by: ["make"] }], {
      project: "demo",
    });
    await crew.complete(await crew.take("ben", { run: checked.run.id }));
    // Over a connection of its own: what one agent did, all of its connection did.
    const elsewhere = await startApp({ database: crew.app.database, runtime: ownRuntime() });
    const claimed = await elsewhere.call("claim_task", { agent: "zoe", run: checked.run.id });
    expect(claimed).toMatchObject({ outcome: "claimed" });
    const input = { task: claimed.task!.id, token: claimed.lease!.token, to: "ben", reason: "you made it" };
    await expect(elsewhere.call("request_handoff", input)).rejects.toMatchObject({
      code: "not_permitted",
      message: expect.stringContaining("not_by"),
    });
  });
});
