import { describe, expect, test } from "vitest";
import type { ResultOf } from "../../../src/tools/registry.js";
import { connectClient } from "../../support/servers/client.js";
import { baton, startCommandLineFixture, withSecret } from "../../support/servers/command-line.js";
import { BACKENDS, createDatabase } from "../../support/databases/databases.js";
import { decided, type Seat, sitDown, startRelease } from "../../support/fixtures/release-run.js";
import { until } from "../../support/until.js";

/** Short enough for a test in which a process dies. */
const BRISK = { BATON_TICK_MS: "50", BATON_SESSION_RENEW_MS: "50", BATON_SESSION_GRACE_MS: "300" };

describe.each(BACKENDS)("a question that several clients could ask, on %s", (backend) => {
  async function newDatabase(): Promise<string> {
    return (await createDatabase(backend)).location;
  }

  /** Waits as an assistant does that has nothing to do but for the run to go on. */
  function waits({ client }: Seat, run: string): Promise<ResultOf<"wait_for">> {
    return client.call("wait_for", { run, kinds: ["task_ready"], timeout_seconds: 30 });
  }

  test("is asked by one client at a time, first by the one that started its run if that one waits too", async () => {
    const database = await newDatabase();
    const planner = await sitDown({ database });
    const worker = await sitDown({ database, clientName: "cursor" });
    // A person at a client that has nothing to do with the run.
    const stranger = await sitDown({ database, clientName: "codex" });
    await stranger.client.call("create_project", { name: "shop" });
    const run = await startRelease(planner.client, { needs: ["build"] }, [{ key: "build", prompt: "Build." }]);
    const build = await worker.client.call("claim_task", { run });
    const waiting = [waits(planner, run), waits(worker, run)];
    await worker.client.call("complete_task", { task: build.task!.id, token: build.lease!.token });
    const shown = await planner.person.shown();
    await stranger.client.call("claim_task", { project: "shop" });
    shown.fillIn({ decision: "approved" });
    await Promise.all(waiting);
    expect([planner, worker, stranger].map(({ person }) => person.forms.length)).toEqual([1, 0, 0]);
    expect(await decided(planner.client, run)).toMatchObject({ agent: "human@claude-desktop" });
  });

  test.each(["decline", "cancel"] as const)(
    "stays undecided when one person answers with %s, and is asked by the other waiting client",
    async (action) => {
      const database = await newDatabase();
      const planner = await sitDown({ database });
      const worker = await sitDown({ database, clientName: "cursor" });
      const run = await startRelease(planner.client);
      const form = await planner.person.shown();
      const waiting = waits(worker, run);
      form.refuse(action);
      (await worker.person.shown()).fillIn({ decision: "approved" });
      await waiting;
      expect(await decided(planner.client, run)).toMatchObject({ status: "succeeded", agent: "human@cursor" });
      // A person who has not answered is left alone with it.
      expect(planner.person.forms).toHaveLength(1);
    },
  );

  test("is put off for all of them by who puts it off, and stays open for a terminal", async () => {
    const database = await newDatabase();
    const planner = await sitDown({ database });
    const worker = await sitDown({ database, clientName: "cursor" });
    const run = await startRelease(planner.client);
    const { id } = await decided(planner.client, run);
    const waiting = waits(worker, run);
    (await planner.person.shown()).fillIn({ decision: "deferred" });
    await until("it is put off", async () => {
      const { events } = await worker.client.query("list_events", { run, types: ["task.deferred"] });
      return events.length === 1;
    });
    await decide(database, ["--id", id, "--decision", "approved"]);
    await waiting;
    expect(worker.person.forms).toEqual([]);
    expect(planner.person.forms).toHaveLength(1);
  });

  test("decided at a terminal meanwhile is taken back; a form filled in then is no answer", async () => {
    const database = await newDatabase();
    const planner = await sitDown({ database });
    const run = await startRelease(planner.client);
    const shown = await planner.person.shown();
    const { id } = await decided(planner.client, run);
    await decide(database, ["--id", id, "--decision", "rejected", "--note", "no"]);
    await until("the form is gone", () => shown.takenBack);
    shown.fillIn({ decision: "approved" });
    expect(await decided(planner.client, run)).toMatchObject({
      status: "dead_letter",
      agent: "anna",
      error: { type: "rejected", message: "no" },
    });
    // The client is asked about the next one.
    await startRelease(planner.client);
    (await planner.person.shown(2)).fillIn({ decision: "approved" });
  });

  test("is asked by another client when its own is killed with -9, and the run goes on", async () => {
    const database = await newDatabase();
    const planner = await sitDown({ database, env: BRISK });
    const worker = await sitDown({ database, env: BRISK, clientName: "cursor" });
    const run = await startRelease(planner.client);
    await planner.person.shown();
    const waiting = waits(worker, run);
    planner.client.server.child.kill("SIGKILL");
    (await worker.person.shown(1)).fillIn({ decision: "approved" });
    expect(await waiting).toMatchObject({ timed_out: false });
    expect(await worker.client.call("claim_task", { run })).toMatchObject({ task: { key: "ship" } });
  });

  test("is a new one when its run is restored while the form is shown", async () => {
    const database = await newDatabase();
    const planner = await sitDown({ database });
    const run = await startRelease(planner.client);
    const first = await planner.person.shown(1);
    const { checkpoint } = await planner.client.perform("create_checkpoint", { run });
    await planner.client.perform("resume_from_checkpoint", { checkpoint: checkpoint.id });
    await until("the form is gone", () => first.takenBack);
    first.fillIn({ decision: "rejected" });
    await planner.client.call("get_run", { run });
    (await planner.person.shown(2)).fillIn({ decision: "approved" });
    const end = await until("it is decided", async () => {
      const now = await decided(planner.client, run);
      return now.status === "waiting" ? undefined : now;
    });
    expect(end).toMatchObject({ status: "succeeded", agent: "human@claude-desktop" });
  });

  async function decide(database: string, args: readonly string[]): Promise<void> {
    const person = withSecret(startCommandLineFixture({ database }));
    expect(await baton(person, ["call", "decide_escalation", ...args])).toMatchObject({ code: 0 });
  }
});

test("a client that says nothing of forms is served as before: the question waits for a terminal", async () => {
  const client = await connectClient();
  const run = await startRelease(client);
  const sent: unknown[] = [];
  client.server.onMessage((message) => "method" in message && sent.push(message));
  expect(await client.call("claim_task", { run, wait_seconds: 0.2 })).toMatchObject({ outcome: "none" });
  expect(await decided(client, run)).toMatchObject({ status: "waiting" });
  expect(sent).toEqual([]);
});
