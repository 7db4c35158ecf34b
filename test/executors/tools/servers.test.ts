import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { connectClient, startServer, type TestClient } from "../../support/servers/client.js";
import { isRunning } from "../../support/fixtures/command-fixture.js";
import { temporaryDirectory } from "../../support/databases/databases.js";
import { bestOfFew } from "../../support/in-time.js";
import { call as step, odd, pidsOf } from "../../support/fixtures/tool-fixture.js";
import { until } from "../../support/until.js";

/** Short enough for a test with real processes. A session lasts as long as ever: a server that the machine holds up keeps its tasks. */
const BRISK = { BATON_TICK_MS: "50", BATON_SESSION_RENEW_MS: "50", BATON_SESSION_GRACE_MS: "300" };

async function start(client: TestClient, count = 1): Promise<string> {
  const steps = Array.from({ length: count }, (_, at) => step(`s${at}: odd/do`));
  const answer = await client.call("execute_workflow", { definition: { name: "tools", steps }, project: "here" });
  expect(answer.warnings ?? []).toEqual([]);
  return answer.run.id;
}

const ended = (client: TestClient, run: string) =>
  until(`${run} has ended`, async () => {
    const { status } = (await client.call("get_run", { run })).run;
    return status !== "running" && status;
  });

async function attempts(client: TestClient, run: string) {
  const [task] = (await client.call("list_tasks", { run })).tasks;
  return (await client.call("get_task", { task: task!.id, include: ["attempts"] })).attempts ?? [];
}

/** A fixture without servers of its own, and `count` processes beside it that have one, and are never called. */
async function room(count: number, server: object) {
  const cwd = temporaryDirectory();
  const planner = await connectClient({ env: BRISK, cwd });
  await planner.call("create_project", { name: "here", root: cwd });
  const { database } = planner.server;
  const env = { ...BRISK, BATON_MCP_SERVERS: JSON.stringify({ odd: server }) };
  const servers = await Promise.all(Array.from({ length: count }, () => connectClient({ env, database })));
  await until(
    "the executors are known",
    async () => (await planner.call("get_system_status")).sessions.executors === count,
  );
  return { planner, servers };
}

/** Returns the parent of a process. Format: proc_pid_stat(5). */
function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

describe.skipIf(process.platform !== "linux")("processes that call tools", () => {
  test("kill -9: nothing of the server is left, another process takes the call over, and it succeeds", async () => {
    const { server, log } = odd("hangs", { ONCE: "1" });
    const { planner, servers } = await room(2, server);
    const run = await start(planner);
    await until("it is called", () => pidsOf(log()).length === 2);
    const holder = servers.find(({ server: { pid } }) => pid === parentOf(parentOf(pidsOf(log())[0] ?? 0)));
    const from = performance.now();
    holder?.server.child.kill("SIGKILL");
    await until("its processes are gone", () => !pidsOf(log()).slice(0, 2).some(isRunning));
    process.stderr.write(`kill -9: the server gone after ${(performance.now() - from).toFixed(0)} ms\n`);
    expect(await ended(planner, run)).toBe("succeeded");
    const [lost, done, ...more] = await attempts(planner, run);
    expect([lost?.outcome, done?.outcome, more]).toEqual(["lease_lost", "succeeded", []]);
    expect(done?.agent).not.toBe(lost?.agent);
  });

  test.each(["SIGTERM", "the end of its input"])("%s: the server ends within the second, its call goes back", (how) =>
    bestOfFew(async (inTime) => {
      const { server, log } = odd("hangs", { ONCE: "1" });
      const { planner, servers } = await room(1, server);
      const run = await start(planner);
      await until("it is called", () => pidsOf(log()).length === 2);
      const [holder] = servers;
      const from = performance.now();
      if (how === "SIGTERM") holder?.server.child.kill("SIGTERM");
      else holder?.server.child.stdin?.end();
      expect(await holder?.server.ended).toEqual({ code: 0, signal: null });
      inTime(1_000, from);
      await until("its processes are gone", () => !pidsOf(log()).some(isRunning));
      inTime(1_500, from);
      expect((await attempts(planner, run)).map(({ outcome }) => outcome)).toEqual(["released"]);
    }),
  );

  test("share the calls of one database, each over one connection of its own", async () => {
    const { server, log } = odd("chatty");
    const { planner } = await room(2, server);
    expect(await ended(planner, await start(planner, 30))).toBe("succeeded");
    expect(log().filter((line) => line.startsWith("call"))).toHaveLength(30);
    expect(pidsOf(log()).length).toBeLessThanOrEqual(2);
  });
});

test("a client that only probes a server that may call tools leaves no trace, and starts none of its servers", async () => {
  const { server: configured, log } = odd("chatty");
  const server = startServer({ env: { BATON_MCP_SERVERS: JSON.stringify({ odd: configured }) } });
  const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "probe", version: "1" } };
  await server.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params })}\n`);
  await server.next((message) => "id" in message && message.id === 1);
  server.child.stdin?.end();
  expect(await server.ended).toEqual({ code: 0, signal: null });
  expect(existsSync(server.database)).toBe(false);
  expect(log()).toEqual([]);
});
