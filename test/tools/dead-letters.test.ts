import { describe, expect, it } from "vitest";
import { startApp } from "../support/app.js";
import { BACKENDS, createDatabase } from "../support/databases.js";
import { Crew } from "../support/plan.js";

interface Letter {
  readonly id: string;
  readonly status: string;
  readonly task: { readonly key: string; readonly status: string };
  readonly error: { readonly type: string; readonly message: string };
}

const once = { retry: { max_attempts: 1 } };

describe.each(BACKENDS)("dead letters on %s", (backend) => {
  async function crew(): Promise<Crew> {
    return new Crew(await startApp({ database: (await createDatabase(backend)).location }));
  }

  const lettersOf = async ({ app }: Crew, filter: Record<string, unknown> = {}) =>
    ((await app.call("list_dead_letters", filter)) as unknown as { dead_letters: Letter[] }).dead_letters;

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
    const [bad, a] = await lettersOf(team, { run: run.id });
    return { run: run.id, a: a?.id ?? "", bad: bad?.id ?? "", first };
  }

  it("keep what could not be done, with all that was known", async () => {
    const team = await crew();
    const { run, a } = await failed(team);
    expect(await lettersOf(team, { run, status: "pending" })).toMatchObject([
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
    expect((await lettersOf(team, { run })).map(({ status }) => status)).toEqual(["pending", "replayed"]);
    await expect(team.app.call("replay_dead_letter", { id: a })).rejects.toMatchObject({ code: "invalid_transition" });
  });

  it("resolved with a result let what they blocked go on with it", async () => {
    const team = await crew();
    const { run, a, bad, first } = await failed(team);
    await expect(team.app.call("resolve_dead_letter", { id: bad, notes: "by hand", result: {} })).rejects.toMatchObject(
      { code: "invalid_input" },
    );
    await team.app.call("resolve_dead_letter", { id: bad, notes: "by hand", result: { n: 1 } });
    expect(await team.app.call("resolve_dead_letter", { id: a, notes: "did it", result: "A" })).toMatchObject({
      task: { status: "succeeded" },
      ready: [{ key: "b" }],
    });
    // Whoever had failed it cannot take the credit.
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
    expect((await lettersOf(team, { status: "pending" })).map(({ id }) => id)).toEqual([bad]);
    expect(await lettersOf(team, { status: "discarded" })).toMatchObject([{ id: a, task: { status: "dead_letter" } }]);
    expect(await team.statuses(run)).toMatchObject({ a: "dead_letter", b: "blocked" });
  });

  it("are made by hand of work that nobody should go on with, its holder fenced off", async () => {
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
    expect(await lettersOf(team, { run: run.id })).toMatchObject([
      { error: { type: "sent_by_hand", message: "never comes" } },
      { error: { type: "sent_by_hand", message: "wrong turn" } },
    ]);
    await expect(team.app.call("send_to_dead_letters", { task: held.id, reason: "again" })).rejects.toMatchObject({
      code: "invalid_transition",
    });
  });

  it("of a run that is taken up as a whole count as replayed", async () => {
    const team = await crew();
    const { run } = await failed(team);
    await team.app.call("control_run", { run, action: "retry_failed" });
    expect((await lettersOf(team, { run })).map(({ status }) => status)).toEqual(["replayed", "replayed"]);
  });
});
