import { describe, expect, it } from "vitest";
import { startApp } from "../support/servers/app.js";
import { BACKENDS, createDatabase, testRuntime } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";

const once = { retry: { max_attempts: 1 } };

describe.each(BACKENDS)("dead letters on %s", (backend) => {
  async function crew(): Promise<Crew> {
    return new Crew(await startApp({ database: (await createDatabase(backend)).location }));
  }

  /** On a clock that the test moves, whatever the database: several processes may share it. */
  async function onClock(settings: Record<string, number> = {}) {
    const database = (await createDatabase(backend)).location;
    const runtime = testRuntime();
    const join = () => startApp({ database, settings, runtime, storeHooks: { now: () => runtime.clock.now() } });
    return { crew: new Crew(await join()), join };
  }

  const deadLettersOf = async ({ app }: Crew, filter: Record<string, unknown> = {}) =>
    (await app.call("list_dead_letters", filter)).dead_letters;

  /** a fails; b and c hang on it, side is free. */
  async function failed(team: Crew) {
    const { run } = await team.start(
      [
        { key: "a", ...once, files: { write: ["a.md"] } },
        { key: "b", needs: ["a"], prompt: "with ${{ steps.a.output }}" },
        { key: "c", needs: ["b"] },
        { key: "bad", ...once, output: { type: "object", required: ["n"] } },
        { key: "after-bad", needs: ["bad", "c"], trigger: "all_done" },
      ],
      { inputs: { who: { type: "string" } }, given: { who: "x" } },
    );
    const first = await team.take("ann", { run: run.id });
    await team.fail(first, "broken");
    await team.fail(await team.take("ann", { run: run.id }), "worse");
    const [bad, a] = await deadLettersOf(team, { run: run.id });
    return { run: run.id, a: a?.id ?? "", bad: bad?.id ?? "", first };
  }

  it("keep what could not be done, with all that was known", async () => {
    const team = await crew();
    const { run, a } = await failed(team);
    expect(await deadLettersOf(team, { run, status: "pending" })).toMatchObject([
      { status: "pending", task: { key: "bad" }, error: { type: "worse", message: "worse it is" } },
      { status: "pending", task: { key: "a" }, error: { type: "broken" } },
    ]);
    expect(await team.app.call("get_dead_letter", { id: a })).toMatchObject({
      attempts: [{ number: 1, outcome: "failed", error: { type: "broken" } }],
      context: { prompt: "do a", inputs: { who: "x" }, files: { write: ["a.md"] } },
      blocked: [expect.stringMatching(/^task_/), expect.stringMatching(/^task_/)],
    });
  });

  it("replayed with changes open their task alone, and what it blocked; the run goes on", async () => {
    const team = await crew();
    const { run, a } = await failed(team);
    await team.complete(await team.take("ann", { run }));
    expect((await team.run(run)).status).toBe("failed");
    await team.app.call("register_agent", { name: "ben" });
    const changes = {
      prompt: "do it otherwise, ${{ not an expression",
      inputs: { who: "y" },
      agent: "ben",
      retry: { max_attempts: 2 },
    };
    expect(await team.app.call("replay_dead_letter", { id: a, changes })).toMatchObject({
      task: { key: "a", status: "ready" },
      run: { status: "running" },
    });
    expect(await team.statuses(run)).toMatchObject({ a: "ready", b: "pending", c: "pending", bad: "dead_letter" });
    expect((await team.claim("cem", { run })).outcome).toBe("none");
    const held = await team.claim("ben", { run });
    expect(held.task).toMatchObject({ key: "a", prompt: changes.prompt, inputs: { who: "y" }, attempt: 2 });
    await team.fail({ id: held.task?.id ?? "", token: held.lease?.token ?? 0 });
    expect((await team.statuses(run))["a"]).toBe("pending");
    expect((await deadLettersOf(team, { run })).map(({ status }) => status)).toEqual(["pending", "replayed"]);
    await expect(team.app.call("replay_dead_letter", { id: a })).rejects.toMatchObject({ code: "invalid_transition" });
  });

  it("replayed with other inputs are filled in with them, as long as their texts are those of the definition", async () => {
    const team = await crew();
    const { run } = await team.start(
      [
        {
          key: "a",
          ...once,
          title: "T ${{ inputs.n }}",
          prompt: "a with ${{ inputs.n }}",
          files: { write: ["f${{ inputs.n }}.md"] },
        },
        { key: "b", ...once, prompt: "b with ${{ inputs.n }}" },
      ],
      { inputs: { n: { type: "integer" } }, given: { n: 1 } },
    );
    await team.app.call("modify_run", {
      run: run.id,
      changes: [{ op: "update_task", task: "b", set: { prompt: "mine" } }],
    });
    await team.fail(await team.take("ann", { run: run.id }));
    await team.fail(await team.take("ann", { run: run.id }));
    const [b, a] = await deadLettersOf(team, { run: run.id });
    const replay = (id = "", changes: Record<string, unknown> = {}) =>
      team.app.call("replay_dead_letter", { id, changes });
    await expect(replay(a?.id, { inputs: { n: "two" } })).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining('inputs.n: must be an integer, not "two"'),
    });
    await expect(replay(a?.id, { inputs: { more: "x".repeat(262_144) } })).rejects.toMatchObject({
      code: "limit_exceeded",
    });
    await expect(replay(a?.id, { prompt: "x".repeat(262_144) })).rejects.toMatchObject({ code: "limit_exceeded" });
    await expect(replay(a?.id, { agent: "nobody" })).rejects.toMatchObject({ code: "not_found" });
    await replay(a?.id, { inputs: { n: 2 } });
    await replay(b?.id, { inputs: { n: 2 } });
    const [first, second] = [await team.claim("ann", { run: run.id }), await team.claim("ben", { run: run.id })];
    expect(first).toMatchObject({
      task: { key: "a", title: "T 2", prompt: "a with 2", inputs: { n: 2 } },
      locks: [{ path: "f2.md" }],
    });
    expect(second.task).toMatchObject({ key: "b", prompt: "mine", inputs: { n: 2 } });
    // Once more, and with a prompt of one's own.
    await team.fail({ id: first.task?.id ?? "", token: first.lease?.token ?? 0 });
    const [again] = await deadLettersOf(team, { run: run.id, status: "pending" });
    await replay(again?.id, { inputs: { n: 3 }, prompt: "as it ${{ stands" });
    expect(await team.claim("ann", { run: run.id })).toMatchObject({
      task: { key: "a", title: "T 3", prompt: "as it ${{ stands" },
      locks: [{ path: "f3.md" }],
    });
  });

  it("replayed several at once go each by itself, and who asks again is told the same", async () => {
    const team = await crew();
    const { run, a, bad } = await failed(team);
    await team.app.call("discard_dead_letter", { id: bad, notes: "not worth it" });
    const ask = () =>
      team.app.call("replay_dead_letter", {
        ids: [bad, a, "dead_none", a],
        changes: { prompt: "otherwise" },
        request_id: "several",
      });
    const first = await ask();
    expect(first).toEqual({
      replayed: [expect.objectContaining({ id: a, task: expect.objectContaining({ key: "a", status: "ready" }) })],
      refused: [
        { id: bad, code: "invalid_transition", message: expect.stringContaining("can still be reopened together") },
        { id: "dead_none", code: "not_found", message: "There is no dead letter dead_none." },
      ],
    });
    expect(await ask()).toEqual(first);
    expect(await team.statuses(run)).toMatchObject({ a: "ready", bad: "dead_letter" });
    expect((await team.claim("ann", { run })).task?.prompt).toBe("otherwise");
    for (const which of [{}, { id: a, ids: [bad] }]) {
      await expect(team.app.call("replay_dead_letter", which)).rejects.toMatchObject({ code: "invalid_input" });
    }
  });

  it("show what each attempt got done", async () => {
    const team = await crew();
    const { run } = await team.start([{ key: "a", ...once }]);
    await team.fail(await team.take("ann", { run: run.id }), "broken", { partial_result: { half: 1 } });
    const [deadLetter] = await deadLettersOf(team, { run: run.id });
    expect(await team.app.call("get_dead_letter", { id: deadLetter!.id })).toMatchObject({
      attempts: [{ number: 1, partial_result: { half: 1 } }],
    });
  });

  it("replayed with inputs that do not fit are refused, whatever else their texts read", async () => {
    const team = await crew();
    const { run } = await team.start(
      [{ key: "a" }, { key: "b", ...once, needs: ["a"], prompt: "${{ steps.a.output }} for ${{ inputs.n }}" }],
      { inputs: { n: { type: "integer" } }, given: { n: 1 } },
    );
    await team.complete(await team.take("ann", { run: run.id }), "A");
    await team.fail(await team.take("ann", { run: run.id }));
    const [b] = await deadLettersOf(team, { run: run.id });
    const replay = (n: unknown) => team.app.call("replay_dead_letter", { id: b?.id, changes: { inputs: { n } } });
    await expect(replay("two")).rejects.toMatchObject({ code: "invalid_input" });
    await replay(2);
    expect((await team.claim("ann", { run: run.id })).task).toMatchObject({ key: "b", prompt: "A for 2" });
  });

  it("cancelled runs' dead letters can only be discarded, and the refusal says so", async () => {
    const team = await crew();
    const { run } = await team.start([{ key: "a", ...once }, { key: "b" }]);
    await team.fail(await team.take("ann", { run: run.id }));
    await team.app.call("control_run", { run: run.id, action: "cancel" });
    const [deadLetter] = await deadLettersOf(team, { run: run.id });
    for (const [operation, rest] of [
      ["replay_dead_letter", {}],
      ["resolve_dead_letter", { notes: "n", result: 1 }],
    ] as const) {
      await expect(team.app.call(operation, { id: deadLetter?.id, ...rest })).rejects.toMatchObject({
        code: "invalid_transition",
        message: expect.stringMatching(/^Run run_\w+ is cancelled: .* Discard the dead letter/),
      });
    }
    await team.app.call("discard_dead_letter", { id: deadLetter!.id, notes: "n" });
  });

  it("resolved with a result let what they blocked go on with it", async () => {
    const team = await crew();
    const { run, a, bad, first } = await failed(team);
    await expect(team.app.call("resolve_dead_letter", { id: bad, notes: "by hand", result: {} })).rejects.toMatchObject(
      { code: "invalid_input" },
    );
    const large = { n: 1, all: "x".repeat(300_000) };
    await expect(
      team.app.call("resolve_dead_letter", { id: bad, notes: "by hand", result: large }),
    ).rejects.toMatchObject({
      code: "limit_exceeded",
      message: expect.stringMatching(/has 3000\d\d bytes.*The dead letter is still pending/),
    });
    await team.app.call("resolve_dead_letter", { id: bad, notes: "by hand", result: { n: 1 } });
    expect(await team.app.call("resolve_dead_letter", { id: a, notes: "did it", result: "A" })).toMatchObject({
      task: { status: "succeeded" },
      ready: [{ key: "b" }],
    });
    // The agent that failed it cannot complete it.
    await expect(team.complete(first, "A")).rejects.toMatchObject({ code: "stale_token" });
    const b = await team.claim("ann", { run });
    expect(b.task?.prompt).toBe("with A");
    await team.complete({ id: b.task?.id ?? "", token: b.lease?.token ?? 0 });
    await team.complete(await team.take("ann", { run }));
    expect((await team.run(run)).counts).toMatchObject({ dead_letter: 0, blocked: 0 });
  });

  it("discarded leave the list and their task as it is", async () => {
    const team = await crew();
    const { run, a, bad } = await failed(team);
    await team.app.call("discard_dead_letter", { id: a, notes: "not worth it" });
    expect((await deadLettersOf(team, { status: "pending" })).map(({ id }) => id)).toEqual([bad]);
    expect(await deadLettersOf(team, { status: "discarded" })).toMatchObject([
      { id: a, task: { status: "dead_letter" } },
    ]);
    expect(await team.statuses(run)).toMatchObject({ a: "dead_letter", b: "blocked" });
  });

  it("are made by hand of work that is to be stopped, its holder fenced off", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "a" },
      { key: "b", needs: ["a"] },
      { key: "w", kind: "wait", event: "x" },
    ]);
    const held = await team.take("ann", { run: run.id });
    await team.app.call("send_to_dead_letters", { task: held.id, reason: "wrong turn" });
    await expect(team.complete(held)).rejects.toMatchObject({ code: "stale_token" });
    await team.app.call("send_to_dead_letters", { task: `${run.id}/w`, reason: "never comes" });
    expect(await team.statuses(run.id)).toEqual({ a: "dead_letter", b: "blocked", w: "dead_letter" });
    expect(await deadLettersOf(team, { run: run.id })).toMatchObject([
      { error: { type: "sent_by_hand", message: "never comes" } },
      { error: { type: "sent_by_hand", message: "wrong turn" } },
    ]);
    await expect(team.app.call("send_to_dead_letters", { task: held.id, reason: "again" })).rejects.toMatchObject({
      code: "invalid_transition",
      message: expect.stringMatching(
        /^Task a \(task_\w+\) is dead_letter already: it is replayed, resolved or discarded/,
      ),
    });
  });

  it("reopened as part of a whole run count as replayed", async () => {
    const team = await crew();
    const { run } = await failed(team);
    await team.app.call("control_run", { run, action: "retry_failed" });
    expect((await deadLettersOf(team, { run })).map(({ status }) => status)).toEqual(["replayed", "replayed"]);
  });

  describe("replayed by themselves", () => {
    const MINUTE = 60_000;
    const DAY = 86_400_000;
    const replaying = { dead_letter_replays: 2 };

    const eventsOf = async ({ app }: Crew, run: string) =>
      (await app.call("list_events", { run, types: ["task.replayed"], limit: 200 })).events;

    it("is off by default", async () => {
      const { crew: off } = await onClock({});
      const { run } = await off.start([{ key: "a", ...once }]);
      await off.fail(await off.take("ann", { run: run.id }));
      await off.app.advance(29 * DAY);
      expect(await deadLettersOf(off)).toMatchObject([{ status: "pending" }]);
      expect((await off.app.call("list_dead_letters")).dead_letters).not.toMatchObject([{ replay_at: {} }]);
    });

    it("repeats after a pause that doubles, as often as is set, and the event says that it was automatic", async () => {
      const { crew: on } = await onClock(replaying);
      const { run } = await on.start([
        { key: "a", ...once, files: { write: ["a.md"] } },
        { key: "b", needs: ["a"] },
      ]);
      for (const minutes of [10, 20]) {
        await on.fail(await on.take("ann", { run: run.id }));
        expect((await on.run(run.id)).status).toBe("failed");
        await on.app.advance(minutes * MINUTE - 1);
        expect((await on.claim("ann", { run: run.id })).outcome).toBe("none");
        await on.app.advance(1);
        expect(await on.statuses(run.id)).toEqual({ a: "ready", b: "pending" });
      }
      await on.fail(await on.take("ann", { run: run.id }));
      await on.app.advance(10 * DAY);
      expect((await deadLettersOf(on)).map(({ status }) => status)).toEqual(["pending", "replayed", "replayed"]);
      expect(await eventsOf(on, run.id)).toMatchObject([
        { agent: "baton", data: { automatic: true, replay: 1, of: 2 } },
        { agent: "baton", data: { automatic: true, replay: 2, of: 2 } },
      ]);
    });

    it("are replayed once, however many processes look", async () => {
      const { crew: on, join } = await onClock(replaying);
      const others = [await join(), await join(), await join()];
      const { run } = await on.start([{ key: "a", ...once }]);
      await on.fail(await on.take("ann", { run: run.id }));
      on.app.clock.advance(10 * MINUTE);
      await Promise.all([on.app, ...others].map(({ app }) => app.runBackground()));
      expect(await eventsOf(on, run.id)).toHaveLength(1);
      expect((await on.run(run.id)).counts).toMatchObject({ ready: 1, dead_letter: 0 });
    });

    it("stops where another try cannot help, or the failure was marked as final", async () => {
      const { crew: on } = await onClock(replaying);
      const retry = { max_attempts: 1, non_retryable: ["hopeless"] };
      const { run } = await on.start([
        { key: "a", retry },
        { key: "b", retry },
        { key: "c", retry },
        { key: "gate", kind: "gate", checks: ["1 == 2"] },
      ]);
      await on.fail(await on.take("ann", { run: run.id }), "hopeless");
      await on.fail(await on.take("ann", { run: run.id }), "broken", { retryable: false });
      const third = await on.take("ann", { run: run.id });
      await on.app.call("send_to_dead_letters", { task: third.id, reason: "enough" });
      await on.app.advance(DAY);
      expect((await deadLettersOf(on)).map(({ status }) => status)).toEqual([
        "pending",
        "pending",
        "pending",
        "pending",
      ]);
    });

    it("stops when the run was cancelled, the setting taken back, or a person was quicker", async () => {
      const { crew: on } = await onClock({});
      await on.app.call("create_project", { name: "kept", config: { dead_letter_replays: 3 } });
      const failedRun = async () => {
        const { run } = await on.start([{ key: "a", ...once }, { key: "rest" }], { project: "kept" });
        await on.fail(await on.take("ann", { run: run.id }));
        return run.id;
      };
      const cancelled = await failedRun();
      await on.app.call("control_run", { run: cancelled, action: "cancel" });
      const discarded = await failedRun();
      const [deadLetter] = await deadLettersOf(on, { run: discarded });
      await on.app.call("discard_dead_letter", { id: deadLetter!.id, notes: "no" });
      const other = await failedRun();
      expect(await deadLettersOf(on, { run: other })).toMatchObject([{ replay_at: expect.stringMatching(/^2026/) }]);
      await on.app.call("update_project", { project: "kept", config: { dead_letter_replays: 0 } });
      await on.app.advance(DAY);
      expect((await deadLettersOf(on)).map(({ status }) => status)).toEqual(["pending", "discarded", "pending"]);
      expect(await deadLettersOf(on, { run: other })).not.toMatchObject([{ replay_at: expect.anything() }]);
    });
  });

  it("are removed thirty days after they were dealt with; a pending one stays with its run", async () => {
    const { crew: kept } = await onClock();
    const { run } = await kept.start([{ key: "a", ...once }, { key: "b", ...once }, { key: "rest" }]);
    await kept.fail(await kept.take("ann", { run: run.id }));
    await kept.fail(await kept.take("ann", { run: run.id }));
    const [pending, done] = await deadLettersOf(kept);
    await kept.app.call("discard_dead_letter", { id: done!.id, notes: "no" });
    await kept.app.advance(30 * 86_400_000);
    expect(await deadLettersOf(kept)).toHaveLength(2);
    await kept.app.advance(1);
    expect(await deadLettersOf(kept)).toMatchObject([{ id: pending?.id, status: "pending" }]);
    await kept.app.advance(300 * 86_400_000);
    expect(await deadLettersOf(kept)).toHaveLength(1);
  });
});
