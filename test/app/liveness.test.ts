import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { isRunning } from "../support/fixtures/command-fixture.js";
import { BACKENDS, createDatabase, temporaryDirectory } from "../support/databases/databases.js";
import { connectClient, type TestClient } from "../support/servers/client.js";
import { until } from "../support/until.js";

const SUPPORT = path.resolve(import.meta.dirname, "../support/servers");
const PARENT = path.join(SUPPORT, "parent.mjs");
const STEPPED_CLOCK = path.join(SUPPORT, "stepped-clock.mjs");

const BRISK = { BATON_TICK_MS: "50", BATON_SESSION_RENEW_MS: "100", BATON_SESSION_GRACE_MS: "100" };
const HOUR_MS = 3_600_000;

async function claim(client: TestClient, args: Record<string, unknown>) {
  const { outcome, task, lease } = await client.call("claim_task", args);
  if (outcome !== "claimed" || !task || !lease) throw new Error(`a claim got nothing: ${outcome}`);
  return { task: task.id, attempt: task.attempt, token: lease.token };
}

async function start(client: TestClient, step: Record<string, unknown>): Promise<string> {
  const definition = { name: "plan", steps: [step] };
  return (await client.call("execute_workflow", { definition, project: "here" })).run.id;
}

const statusIs = (client: TestClient, run: string, status: string) =>
  until(`a is ${status}`, async () => (await client.call("get_task", { task: `${run}/a` })).task.status === status);

const deadLetter = async (client: TestClient, run: string) =>
  (await client.query("list_dead_letters", { run })).dead_letters[0];

async function room(database: string | undefined, env: Record<string, string> = {}) {
  const cwd = temporaryDirectory();
  const first = await connectClient({
    ...(database === undefined ? {} : { database }),
    cwd,
    env: { ...BRISK, ...env },
  });
  await first.perform("create_project", { name: "here", root: cwd });
  const join = (options: Parameters<typeof connectClient>[0] = {}) =>
    connectClient({ database: first.server.database, cwd, ...options, env: { ...BRISK, ...env, ...options?.env } });
  return { first, join, cwd };
}

describe.skipIf(process.platform === "win32").each(BACKENDS)("servers on %s", (backend) => {
  test("a stopped client loses its task to the agent that waits for it, and is told when it goes on", async () => {
    const { location } = await createDatabase(backend);
    const { first, join } = await room(location, { BATON_SILENCE_MS: "1500", BATON_SILENCE_GRACE_MS: "300" });
    const run = await start(first, { key: "a", prompt: "do it" });
    const client = await join({ through: PARENT, clientName: "stopped" });
    const held = await claim(client, { run });
    client.server.child.kill("SIGSTOP");
    const taken = await claim(first, { run, wait_seconds: 30 });
    expect(taken).toMatchObject({ task: held.task, attempt: 2 });
    client.server.child.kill("SIGCONT");
    const late = await client.answer("complete_task", { task: held.task, token: held.token, result: 1 });
    expect(late).toMatchObject({ isError: true, text: expect.stringMatching(/stale_token.*had made no call since/s) });
    const next = await client.call("claim_task", { run });
    expect(next).toMatchObject({ outcome: "none", lost: [{ task: held.task }] });
  });

  test("a task whose servers are killed again and again is a dead letter, and status names it before", async () => {
    const { location } = await createDatabase(backend);
    const { first, join } = await room(location, { BATON_MAX_LOSSES: "2" });
    const run = await start(first, { key: "a", prompt: "do it" });
    for (const left of ["ready", "dead_letter"]) {
      const server = await join();
      await claim(server, { run });
      server.server.child.kill("SIGKILL");
      await statusIs(first, run, left);
      const { losing } = await first.query("get_project_status", { project: "here" });
      expect(losing).toHaveLength(left === "ready" ? 1 : 0);
    }
    expect(await deadLetter(first, run)).toMatchObject({
      error: { type: "lease_lost", message: expect.stringMatching(/2 leases in a row/) },
    });
  });
});

describe.skipIf(process.platform === "win32")("a server", () => {
  test("ends when its parent is gone, though its input stays open", async () => {
    const client = await connectClient({ through: PARENT });
    await client.call("list_tasks");
    const pid = /server (\d+)/.exec(client.server.stderr())?.[1] ?? "";
    expect(isRunning(pid)).toBe(true);
    client.server.child.kill("SIGKILL");
    await until("the server has ended", () => !isRunning(pid));
  });

  test("counts no time that the machine slept", async () => {
    const file = path.join(temporaryDirectory(), "clock");
    writeFileSync(file, "0");
    const clock = { NODE_OPTIONS: `--import ${STEPPED_CLOCK}`, STEPPED_CLOCK: file };
    const { first, join } = await room(undefined, clock);
    const second = await join();
    const run = await start(first, { key: "a", prompt: "do it" });
    await claim(second, { run });
    await first.call("acquire_file_lock", { paths: ["x"], project: "here", ttl_seconds: 60 });
    writeFileSync(file, String(3 * HOUR_MS));
    // A task that is made and ended after waking tells that the background work has passed.
    const later = await start(first, { key: "a", kind: "wait", for: "300ms" });
    await statusIs(first, later, "succeeded");
    expect((await second.call("get_task", { task: `${run}/a` })).task.status).toBe("running");
    const { allowed } = await first.query("check_file_lock", { path: "x", project: "here", agent: "ben" });
    expect(allowed).toBe(false);
  });

  test.each(["SIGKILL", "SIGTERM"] as const)("with max_attempts 1 runs a command at most once: %s", async (signal) => {
    const { first, join, cwd } = await room(undefined);
    const server = await join({ args: ["--allow-commands"] });
    const other = await join({ args: ["--allow-commands"] });
    const step = { key: "a", kind: "command", run: "echo x >> ran; sleep 1000", retry: { max_attempts: 1 } };
    const run = await start(first, step);
    const ran = path.join(cwd, "ran");
    await until("it runs", () => existsSync(ran) && readFileSync(ran, "utf8") !== "");
    for (const one of [server, other]) one.server.child.kill(signal);
    await Promise.all([server.server.ended, other.server.ended]);
    await join({ args: ["--allow-commands"] });
    await statusIs(first, run, "dead_letter");
    expect(readFileSync(ran, "utf8")).toBe("x\n");
    expect(await deadLetter(first, run)).toMatchObject({
      error: { type: "interrupted", message: expect.stringMatching(/may have been carried out/) },
    });
  });
});
