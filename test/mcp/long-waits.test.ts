import { describe, expect, test } from "vitest";
import type { ResultOf } from "../../src/tools/registry.js";
import { connectClient, type TestClient } from "../support/servers/client.js";
import { baton, startCommandLineFixture, withSecret } from "../support/servers/command-line.js";
import { BACKENDS, createDatabase } from "../support/databases/databases.js";
import { bestOfFew, type InTime } from "../support/in-time.js";
import { until } from "../support/until.js";

type HistoryEvent = ResultOf<"list_events">["events"][number];

const LATENESS_MS_MAX = 1_000;

const steps = (wait: object) => [
  { key: "pause", kind: "wait", ...wait },
  { key: "after", needs: ["pause"], prompt: "Go on." },
];

describe.each(BACKENDS)("long waits, on %s, with real servers", (backend) => {
  async function start(client: TestClient, definition: Record<string, unknown>): Promise<string> {
    await client.call("create_project", { name: "waits" });
    const { run } = await client.call("execute_workflow", { project: "waits", definition });
    return run.id;
  }

  async function historyOf(client: TestClient, run: string): Promise<HistoryEvent[]> {
    return (await client.query("list_events", { run, limit: 200 })).events;
  }

  /** How late each firing of the timer was, in ms. */
  function lateness(events: readonly HistoryEvent[]): number[] {
    const due = events.find(({ type }) => type === "task.waiting")?.data["until"];
    const fired = events.filter(({ type, data }) => type === "task.succeeded" && data["key"] === "pause");
    return fired.map(({ at }) => Date.parse(at) - Date.parse(String(due)));
  }

  async function killed(client: TestClient): Promise<void> {
    client.server.child.kill("SIGKILL");
    await client.server.ended;
  }

  /** Looks, which begins nothing that a look alone would not, until the timer has fired. */
  async function firedBefore(client: TestClient, run: string): Promise<number[]> {
    await until("the timer has fired", async () => lateness(await historyOf(client, run)).length > 0);
    return lateness(await historyOf(client, run));
  }

  test("a timer that one process has set fires once, in time, when several are up and that one is gone", () =>
    bestOfFew(firedOnce));

  async function firedOnce(inTime: InTime): Promise<void> {
    const { location: database } = await createDatabase(backend);
    const clients = await Promise.all([1, 2, 3].map(() => connectClient({ database })));
    const [first, second, third] = clients as [TestClient, TestClient, TestClient];
    const run = await start(first, { name: "timer", steps: steps({ for: "2s" }) });
    await killed(first);
    // The client of one has said nothing at all, that of the other only looks: their servers do what is due all the same.
    const late = await firedBefore(second, run);
    expect(late).toHaveLength(1);
    expect(late[0]).toBeGreaterThanOrEqual(0);
    console.info(`${backend}: the timer fired ${late[0]} ms late`);
    // A moment later, when both have had their turn, it has still fired once.
    const waiting = [second, third].map((client, n) => client.call("claim_task", { run, agent: `agent-${n}` }));
    const claimed = (await Promise.all(waiting)).filter(({ outcome }) => outcome === "claimed");
    expect(claimed).toHaveLength(1);
    expect(lateness(await historyOf(third, run))).toHaveLength(1);
    inTime(LATENESS_MS_MAX, performance.now() - (late[0] ?? Number.NaN));
  }

  test("a wait that comes due while no process is up fires at once when one starts, before any call of its client", async () => {
    const { location: database } = await createDatabase(backend);
    const first = await connectClient({ database });
    const run = await start(first, { name: "timer", steps: steps({ for: "500ms" }) });
    const due = await until("it waits", async () => {
      return (await historyOf(first, run)).find(({ type }) => type === "task.waiting")?.data.until;
    });
    await killed(first);
    await until("the time has come while nobody is there", () => Date.now() > Date.parse(String(due)));
    // Its interval is far longer than this test: only what a process does as it begins can let the run go on.
    const rare = { BATON_TICK_MS: "600000", BATON_SESSION_RENEW_MS: "600000", BATON_SESSION_TTL_MS: "1200000" };
    const next = await connectClient({ database, env: rare });
    const connectedAt = Date.now();
    const [late = Number.NaN] = await firedBefore(next, run);
    console.info(
      `${backend}: the overdue timer fired ${Date.parse(String(due)) + late - connectedAt} ms after the start`,
    );
    expect(await next.call("list_tasks", { run, status: "ready" })).toMatchObject({ tasks: [{ key: "after" }] });
  });

  test("a run that waits for a person survives kill -9 of everything, and goes on when the person answers", async () => {
    const { location: database } = await createDatabase(backend);
    const first = await connectClient({ database });
    const run = await start(first, {
      name: "ask",
      steps: [
        { key: "ask", kind: "human", ask: "Ship it?" },
        { key: "ship", needs: ["ask"], prompt: "Ship." },
      ],
    });
    await killed(first);
    const second = await connectClient({ database });
    expect(await second.call("get_run", { run })).toMatchObject({ run: { counts: { waiting: 1, pending: 1 } } });
    await killed(second);

    const third = await connectClient({ database });
    const { escalations } = await third.query("list_escalations", { run });
    const id = escalations[0]?.id ?? "none";
    const claim = third.call("claim_task", { run, wait_seconds: 20 });
    const decide = ["call", "decide_escalation", "--id", id, "--decision", "approved"];
    expect(await baton(withSecret(startCommandLineFixture({ database })), decide)).toMatchObject({ code: 0 });
    expect(await claim).toMatchObject({ outcome: "claimed", task: { key: "ship" } });
  });
});
