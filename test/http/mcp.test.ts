import { Client as EarlierClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as EarlierTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Client } from "@modelcontextprotocol/client";
import { expect, onTestFinished, test } from "vitest";
import { connectedClient, startHttpServer } from "../support/http/http-server.js";

const structured = async (client: Client, name: string, args: Record<string, unknown>) => {
  const { structuredContent, isError, content } = await client.callTool({ name, arguments: args });
  expect([isError ?? false, content]).toEqual([false, expect.anything()]);
  return structuredContent as Record<string, Record<string, unknown>>;
};

test("clients of both protocols carry out one plan at one address", async () => {
  const { origin } = await startHttpServer();
  const modern = await connectedClient(origin, "modern", { name: "new-client" });
  const legacy = await connectedClient(origin, "legacy", { name: "old-client" });
  expect([modern.getNegotiatedProtocolVersion(), legacy.getNegotiatedProtocolVersion()]).toEqual([
    "2026-07-28",
    "2025-11-25",
  ]);
  await structured(modern, "create_task", { title: "first", prompt: "do it" });
  const { task, lease } = await structured(legacy, "claim_task", { agent: "ann" });
  expect(task).toMatchObject({ title: "first" });
  const args = { task: task!["id"], token: lease!["token"], result: { done: true }, agent: "ann" };
  await structured(legacy, "complete_task", args);
  const shown = await structured(modern, "get_task", { task: task!["id"] });
  expect(shown["task"]).toMatchObject({ status: "succeeded", agent: "ann" });
});

test("a client of the earlier SDK works there too", async () => {
  const { origin } = await startHttpServer();
  const client = new EarlierClient({ name: "earlier", version: "1" });
  await client.connect(new EarlierTransport(new URL(`${origin}/mcp`)));
  onTestFinished(() => client.close());
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain("claim_task");
  expect((await client.listResources()).resources.map(({ uri }) => uri)).toContain("baton://runs");
});

test("a client that calls itself as the person is called is an agent, and one of the earlier protocol is told to name itself", async () => {
  const { origin } = await startHttpServer();
  const human = await connectedClient(origin, "modern", { name: "human" });
  expect((await structured(human, "create_task", { title: "one", prompt: "x" }))["task"]).toMatchObject({
    from: "http-human",
  });
  const legacy = await connectedClient(origin, "legacy", { name: "old-client" });
  expect(legacy.getInstructions()).toContain('pass "agent"');
  expect(human.getInstructions()).not.toContain('pass "agent": "YOUR-NAME" in every call, or');
});

test("lists may be kept by a client of the new protocol, and a wait reports its progress", async () => {
  const { origin } = await startHttpServer({ env: { BATON_PROGRESS_EVERY_MS: "50" } });
  const client = await connectedClient(origin, "modern", { name: "watcher" });
  expect(await client.listTools()).toMatchObject({ ttlMs: 3_600_000, cacheScope: "public" });
  await structured(client, "create_project", { name: "p" });
  const told: number[] = [];
  const wait = { name: "claim_task", arguments: { project: "p", wait_seconds: 1 } };
  await client.callTool(wait, { onprogress: ({ progress }) => told.push(progress) });
  expect(told.length).toBeGreaterThan(2);
});

test("an agent that calls over HTTP has a lease that lasts by time, and the same handle after a restart", async () => {
  const first = await startHttpServer();
  const before = await connectedClient(first.origin, "modern", { name: "Some Client" });
  await structured(before, "create_task", { title: "one", prompt: "do it" });
  const { task, lease } = await structured(before, "claim_task", {});
  expect(lease).toMatchObject({ expires_at: expect.any(String) });
  first.child.kill("SIGKILL");
  const second = await startHttpServer({ database: first.database });
  const after = await connectedClient(second.origin, "modern", { name: "Some Client" });
  const again = await structured(after, "claim_task", {});
  expect(again).toMatchObject({ task: { id: task!["id"] }, lease: { token: lease!["token"] } });
});

test("a server that is asked to stop answers the wait that is under way, and ends", async () => {
  const server = await startHttpServer({ env: { BATON_PROGRESS_EVERY_MS: "50" } });
  const client = await connectedClient(server.origin, "modern", { name: "waiter" });
  await structured(client, "create_project", { name: "p" });
  const called = server.call("claim_task", { project: "p", agent: "ann", wait_seconds: 40 });
  const wait = { name: "claim_task", arguments: { project: "p", wait_seconds: 40 } };
  // Once: a second signal ends a server at once.
  const answer = await client.callTool(wait, { onprogress: () => server.child.killed || server.child.kill("SIGTERM") });
  const { body, headers } = await called;
  expect([body["outcome"], headers.get("connection")]).toEqual(["none", "close"]);
  expect(answer.structuredContent).toMatchObject({ outcome: "none" });
  expect(await server.ended).toEqual({ code: 0, signal: null });
});
