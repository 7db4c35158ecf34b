import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { connectClient, startServer, type TestClient } from "../../support/servers/client.js";
import { isRunning } from "../../support/fixtures/command-fixture.js";
import { stopBetweenWrites } from "../../support/servers/stopped.js";
import { temporaryDirectory } from "../../support/databases/databases.js";
import { bestOfFew } from "../../support/in-time.js";
import { until } from "../../support/until.js";

/** Short enough for a test with real processes. A session lasts as long as ever: a server that the machine holds up keeps its tasks. */
const BRISK = { BATON_TICK_MS: "50", BATON_SESSION_RENEW_MS: "50", BATON_SESSION_GRACE_MS: "300" };
/** Time after which the task of a live but idle server is free. */
const SHORT = { ...BRISK, BATON_SESSION_TTL_MS: "5000" };

/**
 * The first attempt tells who runs it (the server is the runner's parent), leaves a child that ignores SIGTERM and
 * stays. The second notes whether that child still lives, and succeeds.
 */
const LINE = `
if test -e first; then
  cat /proc/$(cat child)/stat > left 2> /dev/null || true; echo done >> done; exit 0
fi
touch first
(trap '' TERM; sleep 1000; sleep 1000) & echo $! > child
ps -o ppid= -p $PPID > server; echo $$ > own
while :; do sleep 1; done
`;

async function start(client: TestClient, run: string): Promise<string> {
  const definition = { name: "commands", steps: [{ key: "a", kind: "command", run }] };
  const answer = await client.call("execute_workflow", { definition, project: "here" });
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

const commandsKnown = (client: TestClient, count: number) =>
  until("the executors are known", async () => (await client.call("get_system_status")).sessions.executors === count);

/** A fixture without commands of its own, and `count` servers beside it that run them and are never called. */
async function room(count: number, env: Readonly<Record<string, string>> = BRISK) {
  const cwd = temporaryDirectory();
  const planner = await connectClient({ env, cwd });
  await planner.call("create_project", { name: "here", root: cwd });
  const { database } = planner.server;
  const args = ["--allow-commands"];
  const servers = await Promise.all(Array.from({ length: count }, () => connectClient({ args, env, database })));
  await commandsKnown(planner, count);
  const read = (name: string) => {
    const file = path.join(cwd, name);
    return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
  };
  const written = (name: string) => until(`${name} is written`, () => read(name) || undefined);
  /** Waits for the first attempt and says who runs it. */
  const running = async () => {
    const [, server, child] = [await written("own"), Number(await written("server")), await written("child")];
    strays.push(Number(child));
    const at = servers.findIndex(({ server: { pid } }) => pid === server);
    const holder = servers[at];
    if (holder === undefined) throw new Error(`none of the servers is ${server}`);
    return { holder, child };
  };
  return { planner, read, running };
}

// Processes that a failing test leaves behind.
const strays: number[] = [];
afterEach(() => {
  for (const pid of strays.splice(0)) if (isRunning(pid)) process.kill(pid, "SIGKILL");
});

describe.skipIf(process.platform !== "linux")("servers that run commands", () => {
  test("kill -9: nothing of the command is left, another server takes it over, and it succeeds once", async () => {
    const { planner, read, running } = await room(2);
    const run = await start(planner, LINE);
    const { holder, child } = await running();
    const own = read("own") ?? "";
    const from = performance.now();
    holder.server.child.kill("SIGKILL");
    await until("its processes are gone", () => !isRunning(own) && !isRunning(child));
    const goneMs = performance.now() - from;
    expect(await ended(planner, run)).toBe("succeeded");
    const againMs = performance.now() - from;
    process.stderr.write(
      `kill -9: processes gone after ${goneMs.toFixed(0)} ms, done again after ${againMs.toFixed(0)} ms\n`,
    );
    const [lost, done, ...more] = await attempts(planner, run);
    expect([lost?.outcome, done?.outcome, more]).toEqual(["lease_lost", "succeeded", []]);
    expect(done?.agent).not.toBe(lost?.agent);
    expect(read("done")).toBe("done");
    // Dead when the next attempt began, at most not reaped yet.
    expect(read("left") ?? "").toMatch(/^$| Z /);
  });

  test("a server that is stopped loses the command; when it goes on, its late outcome changes nothing", async () => {
    const { planner, read, running } = await room(2, SHORT);
    const run = await start(planner, LINE);
    const { holder, child } = await running();
    await stopBetweenWrites(holder.server.pid);
    expect(await ended(planner, run)).toBe("succeeded");
    expect(isRunning(child)).toBe(false);
    expect(read("left") ?? "").toMatch(/^$| Z /);
    holder.server.child.kill("SIGCONT");
    await commandsKnown(planner, 2);
    expect((await attempts(planner, run)).map(({ outcome }) => outcome)).toEqual(["lease_lost", "succeeded"]);
    expect(read("done")).toBe("done");
    // The server goes on working.
    expect(await ended(planner, await start(planner, "true"))).toBe("succeeded");
  });

  test.each(["SIGTERM", "the end of its input"])(
    "%s: commands end at once, their attempts are interrupted and tried again",
    (how) =>
      bestOfFew(async (inTime) => {
        const { planner, read, running } = await room(2);
        const run = await start(planner, LINE);
        const { holder, child } = await running();
        const from = performance.now();
        if (how === "SIGTERM") holder.server.child.kill("SIGTERM");
        else holder.server.child.stdin?.end();
        expect(await holder.server.ended).toEqual({ code: 0, signal: null });
        inTime(1_000, from);
        expect(isRunning(child)).toBe(false);
        expect(await ended(planner, run)).toBe("succeeded");
        const outcomes = (await attempts(planner, run)).map(({ outcome, error }) => error?.type ?? outcome);
        expect(outcomes).toEqual(["interrupted", "succeeded"]);
        expect(read("done")).toBe("done");
      }),
  );
});

test("a client that only probes a server that may run commands leaves no trace", async () => {
  for (const initialized of [false, true]) {
    const server = startServer({ args: ["--allow-commands"] });
    const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "probe", version: "1" } };
    await server.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params })}\n`);
    await server.next((message) => "id" in message && message.id === 1);
    if (initialized) await server.write(`${JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" })}\n`);
    server.child.stdin?.end();
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(existsSync(server.database)).toBe(false);
  }
});

test("a command that runs alone in its run is under way beside no other of it, whichever of two servers runs them", async () => {
  const { planner, read } = await room(2);
  const line = (key: string) => `echo begin ${key} >> log; sleep 0.05; echo end ${key} >> log`;
  const steps = ["a", "b", "migrate", "c", "d"].map((key) => ({
    key,
    kind: "command",
    run: line(key),
    parallelizable: key !== "migrate",
  }));
  const definition = { name: "commands", steps };
  const { run } = await planner.call("execute_workflow", { definition, project: "here" });
  expect(await ended(planner, run.id)).toBe("succeeded");
  const log = read("log")!.split("\n");
  expect(log).toHaveLength(10);
  const at = log.indexOf("begin migrate");
  expect(log[at + 1]).toBe("end migrate");
  const before = log.slice(0, at);
  expect(before.filter((one) => one.startsWith("begin"))).toHaveLength(before.length / 2);
});
