import type { Client } from "@modelcontextprotocol/client";
import { describe, expect, test } from "vitest";
import { BACKENDS, createDatabase } from "../support/databases/databases.js";
import { connectedClient, type HttpServer, JSON_BODY, startHttpServer } from "../support/http/http-server.js";
import { until } from "../support/until.js";

/** The addresses that a client is told of, as they come. */
function toldTo(client: Client): string[] {
  const told: string[] = [];
  client.setNotificationHandler("notifications/resources/updated", ({ params }) => void told.push(params.uri));
  return told;
}

async function newTask(server: HttpServer, title: string): Promise<{ id: string; run: string }> {
  const { body } = await server.call("create_task", { title, prompt: "do it", project: "p" });
  return body["task"] as { id: string; run: string };
}

const LATENCY_MS_MAX = 300;

describe.each(BACKENDS)("a subscription over HTTP, on %s", (backend) => {
  const twoServers = async () => {
    const { location: database } = await createDatabase(backend);
    const [one, other] = [await startHttpServer({ database }), await startHttpServer({ database })];
    await one.call("create_project", { name: "p" });
    return { one, other };
  };

  test("tells of what another process changes within 300 ms, and of nothing else", async () => {
    const { one, other } = await twoServers();
    const [task, quiet] = [await newTask(other, "busy"), await newTask(other, "quiet")];
    const client = await connectedClient(one.origin, "modern", { name: "watcher" });
    const told = toldTo(client);
    const uri = `baton://tasks/${task.id}`;
    const missing = "baton://tasks/task_none";
    const subscription = await client.listen({
      resourceSubscriptions: [uri, `baton://tasks/${quiet.id}`, missing],
      toolsListChanged: true,
    });
    expect(subscription.honoredFilter).toEqual({ resourceSubscriptions: [uri, `baton://tasks/${quiet.id}`] });
    const { body } = await other.call("claim_task", { project: "p", agent: "ann" });
    const { token } = body["lease"] as { token: number };
    await until("the claim is told", () => told.length > 0);
    const latencies: number[] = [];
    for (let percent = 10; percent < 60; percent += 10) {
      const before = told.length;
      await other.call("report_progress", { task: task.id, token, percent, agent: "ann" });
      const from = performance.now();
      await until("the progress is told", () => told.length > before);
      latencies.push(performance.now() - from);
    }
    expect(Math.min(...latencies)).toBeLessThan(LATENCY_MS_MAX);
    expect(new Set(told)).toEqual(new Set([uri]));
    await subscription.close();
  });

  test("ends with its server in the protocol's own way, and is opened again at another", async () => {
    const { one, other } = await twoServers();
    const task = await newTask(other, "one");
    const uri = `baton://tasks/${task.id}`;
    const first = await connectedClient(one.origin, "modern", { name: "watcher" });
    const subscription = await first.listen({ resourceSubscriptions: [uri] });
    one.child.kill("SIGTERM");
    expect(await subscription.closed).toBe("graceful");
    expect(await one.ended).toEqual({ code: 0, signal: null });
    const second = await connectedClient(other.origin, "modern", { name: "watcher" });
    const told = toldTo(second);
    await second.listen({ resourceSubscriptions: [uri] });
    await other.call("cancel_task", { task: task.id });
    await until("the change is told", () => told.includes(uri));
  });
});

test("discovery says what there is to subscribe to, which clients of the earlier protocol are not offered", async () => {
  const { origin } = await startHttpServer();
  const modern = await connectedClient(origin, "modern", { name: "new" });
  const legacy = await connectedClient(origin, "legacy", { name: "old" });
  expect(modern.getServerCapabilities()).toMatchObject({ resources: { subscribe: true } });
  expect(legacy.getServerCapabilities()?.resources).toEqual({});
  expect(legacy.getInstructions()).toContain("no subscriptions");
  expect(modern.getInstructions()).not.toContain("no subscriptions");
});

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "raw", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};
const LISTEN = "subscriptions/listen";

function listenBody(notifications: unknown, method = LISTEN): string {
  return JSON.stringify({ jsonrpc: "2.0", id: 7, method, params: { _meta: META, notifications } });
}

async function post(origin: string, body: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  const standard = { "MCP-Protocol-Version": "2026-07-28", Accept: "application/json, text/event-stream" };
  return fetch(`${origin}/mcp`, { method: "POST", body, headers: { ...JSON_BODY, ...standard, ...headers } });
}

test("a subscription to nothing ends at once, and one that is not as it should be is refused", async () => {
  const { origin } = await startHttpServer();
  const none = await post(origin, listenBody({ toolsListChanged: true }), { "Mcp-Method": LISTEN });
  expect(none.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const frames = (await none.text()).split("\n\n").filter((frame) => frame !== "");
  expect(frames).toEqual([
    expect.stringContaining("notifications/subscriptions/acknowledged"),
    expect.stringContaining('"resultType":"complete"'),
  ]);
  const wrong = [
    await post(origin, listenBody(undefined), { "Mcp-Method": LISTEN }),
    await post(origin, listenBody({ resourceSubscriptions: "baton://runs" }), { "Mcp-Method": LISTEN }),
    // Without its header it would be served by what serves calls, and nothing would feed it.
    await post(origin, listenBody({ resourceSubscriptions: ["baton://runs"] }), {}),
    await post(origin, listenBody({ resourceSubscriptions: ["baton://runs"] }), { "Mcp-Method": "tools/list" }),
    await post(origin, listenBody({}, "tools/list"), { "Mcp-Method": LISTEN }),
    await post(origin, "no JSON", { "Mcp-Method": LISTEN }),
  ];
  for (const answer of wrong) {
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    expect(await answer.json()).toMatchObject({ error: { code: expect.any(Number) } });
  }
});

test("a subscription gives a sign of life while the history tells of other things alone: proxies end a silent stream", async () => {
  const server = await startHttpServer();
  await server.call("create_project", { name: "p" });
  const { id } = await newTask(server, "quiet");
  const filter = { resourceSubscriptions: [`baton://tasks/${id}`] };
  const { body } = await post(server.origin, listenBody(filter), { "Mcp-Method": LISTEN });
  const written: string[] = [];
  const reading = (async () => {
    for await (const chunk of body!.pipeThrough(new TextDecoderStream())) written.push(chunk);
  })();
  await until("a sign of life", async () => {
    await newTask(server, "busy");
    return written.join("").includes(":\n\n");
  });
  expect(written.join("")).not.toContain("notifications/resources/updated");
  server.child.kill("SIGTERM");
  await reading;
});
