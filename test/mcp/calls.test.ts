import { statSync } from "node:fs";
import { handleOf } from "../../src/base/names.js";
import type { ResultOf } from "../../src/tools/registry.js";
import path from "node:path";
import { expect, test } from "vitest";
import { connectClient } from "../support/servers/client.js";
import { temporaryDirectory } from "../support/databases/databases.js";
import { bestOfFew } from "../support/in-time.js";
import { until } from "../support/until.js";

/** Short enough for a test with real processes. */
const BRISK = {
  BATON_TICK_MS: "20",
  BATON_SESSION_RENEW_MS: "20",
  BATON_SESSION_GRACE_MS: "50",
  BATON_PROGRESS_EVERY_MS: "20",
};

test("a wait shows its progress and is ended by another process", async () => {
  const cwd = temporaryDirectory();
  const worker = await connectClient({ env: BRISK, cwd });
  await worker.call("create_project", { name: "p" });
  const planner = await connectClient({ env: BRISK, cwd, database: worker.server.database });
  const progress: number[] = [];
  const work = { project: "p", wait_seconds: 30 };
  const claimed = await new Promise<ResultOf<"claim_task">>((resolve, reject) => {
    const onprogress = (seen: { progress: number }) => {
      if (progress.push(seen.progress) !== 2) return;
      planner.call("create_task", { project: "p", title: "t", prompt: "Do it." }).catch(reject);
    };
    worker.call("claim_task", work, { onprogress }).then(resolve, reject);
  });
  expect(claimed).toMatchObject({ outcome: "claimed", task: { title: "t", prompt: "Do it." } });
  expect(progress.length).toBeGreaterThanOrEqual(2);
  const { task, lease } = claimed;
  if (!task || !lease) throw new Error("nothing was claimed");
  const ended = planner.call("wait_for", { task: task.id, timeout_seconds: 30 });
  await worker.call("complete_task", { task: task.id, token: lease.token });
  expect(await ended).toMatchObject({ timed_out: false, events: [{ type: "task.succeeded", task: task.id }] });
});

test("a cancelled wait ends, and the server answers on", async () => {
  const { call, server } = await connectClient({ env: BRISK });
  await call("create_project", { name: "p" });
  const abort = new AbortController();
  const waiting = call("claim_task", { project: "p", wait_seconds: 50 }, { signal: abort.signal });
  abort.abort("not needed any more");
  await expect(waiting).rejects.toThrow("not needed any more");
  await call("create_task", { project: "p", title: "t", prompt: "Do it." });
  // No call is waiting: the task is there for the next claim.
  expect(await call("claim_task", { project: "p" })).toMatchObject({ outcome: "claimed" });
  server.child.stdin?.end();
  expect((await server.ended).code).toBe(0);
});

test("a wait is answered when the input ends, within the second that the process has", () =>
  bestOfFew(async (inTime) => {
    const { call, server } = await connectClient({ env: BRISK });
    await call("create_project", { name: "p" });
    const waiting = call("claim_task", { project: "p", wait_seconds: 50 }).catch((error: unknown) => error);
    const from = performance.now();
    server.child.stdin?.end();
    expect((await server.ended).code).toBe(0);
    // An answer slower than that second is dropped.
    inTime(1_000, from);
    expect(await waiting).toMatchObject({ outcome: "none" });
  }));

test.each(["closed", "killed"] as const)("tasks of a %s process go to another one", async (how) => {
  const cwd = temporaryDirectory();
  const first = await connectClient({ env: BRISK, cwd });
  await first.call("create_project", { name: "p" });
  const task = (await first.call("create_task", { project: "p", title: "t", prompt: "Do it." })).task.id;
  const held = await first.call("claim_task", { project: "p" });
  const second = await connectClient({ env: BRISK, cwd, database: first.server.database });
  expect(await second.call("claim_task", { project: "p" })).toMatchObject({ outcome: "none" });
  if (how === "closed") await first.close();
  else first.server.child.kill("SIGKILL");
  const taken = await second.call("claim_task", { project: "p", wait_seconds: 50 });
  expect(taken).toMatchObject({ outcome: "claimed", task: { id: task, attempt: 2 } });
  const { token } = held.lease!;
  await expect(second.call("complete_task", { task, token })).rejects.toMatchObject({ code: "stale_token" });
});

test("a conversation that its client restarts is the same agent, has its task back, and works where the client says", async () => {
  const repository = temporaryDirectory();
  const conversation = (id: string) => ({ CLAUDE_CODE_SESSION_ID: id, CLAUDE_PROJECT_DIR: repository });
  const first = await connectClient({ env: conversation("one") });
  await first.call("create_project", { name: "p", root: repository });
  await first.call("create_task", { title: "t", prompt: "Do it." });
  const held = await first.call("claim_task", {});
  first.server.child.kill("SIGKILL");
  await first.server.ended;
  const { database } = first.server;
  const again = await connectClient({ env: conversation("one"), database });
  const back = await again.call("claim_task", {});
  expect(back).toMatchObject({ outcome: "claimed", task: { id: held.task!.id, attempt: 1 }, resumed: true });
  expect(back.lease!.token).toBe(held.lease!.token);
  expect(back.task!.agent).toBe(held.task!.agent);
  const other = await connectClient({ env: conversation("two"), database });
  expect(await other.call("claim_task", {})).toMatchObject({ outcome: "none" });
  await again.call("complete_task", { task: back.task!.id, token: back.lease!.token });
  // A directory that is not there, or is none of its own, is no place to work.
  const env = { CLAUDE_PROJECT_DIR: path.join(repository, "gone") };
  const lost = await connectClient({ env, cwd: repository, database });
  expect(await lost.call("list_tasks", {})).toMatchObject({ tasks: [{ title: "t", status: "succeeded" }] });
});

test("a conversation that Codex names in its calls is the same agent in its next process, and a later name changes nothing", async () => {
  const cwd = temporaryDirectory();
  const codex = async (id: string, database?: string) => {
    const { client, server, call } = await connectClient({
      clientName: "codex-mcp-client",
      cwd,
      ...(database && { database }),
    });
    const _meta = { "x-codex-turn-metadata": { session_id: id, turn_id: "1" } };
    const claim = async (meta: object = _meta) => {
      const { structuredContent } = await client.callTool({ name: "claim_task", arguments: {}, _meta: { ...meta } });
      return structuredContent as ResultOf<"claim_task">;
    };
    return { server, call, claim };
  };
  const first = await codex("one");
  expect(await first.claim()).toMatchObject({ outcome: "none" });
  await first.call("create_project", { name: "p", root: cwd });
  await first.call("create_task", { title: "t", prompt: "Do it." });
  const held = await first.claim({ "x-codex-turn-metadata": { session_id: "another" } });
  expect(held.task!.agent).toBe(handleOf("codex-mcp-client", "client:one"));
  first.server.child.kill("SIGKILL");
  await first.server.ended;
  const { database } = first.server;
  const again = await codex("one", database);
  expect(await again.claim()).toMatchObject({ resumed: true, task: { agent: held.task!.agent, attempt: 1 } });
});

test("the default database is the person's own, and no other user can read it", async () => {
  const home = temporaryDirectory();
  const env = { BATON_DB: "", HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home };
  const { call } = await connectClient({ env });
  await call("create_project", { name: "p" });
  const file = await until("the database file", () => {
    const stat = statSync(path.join(home, "baton/baton.db"), { throwIfNoEntry: false });
    return stat ?? false;
  });
  expect(file.mode & 0o777).toBe(0o600);
  expect(statSync(path.join(home, "baton")).mode & 0o777).toBe(0o700);
});
