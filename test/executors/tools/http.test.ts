import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { McpConnection } from "../../../src/executors/mcp/client.js";
import type { McpServer } from "../../../src/base/executor-policy.js";
import { Redactor } from "../../../src/executors/mcp/server.js";

interface Asked {
  readonly id: number;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

const EVENTS = { "content-type": "text/event-stream" };
const JSON_TYPE = { "content-type": "application/json" };
const ANSWERS: Record<string, object> = {
  initialize: { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: "odd", version: "1" } },
  "tools/list": { tools: [{ name: "do", inputSchema: { type: "object" } }] },
  ping: {},
};
const answer = (id: unknown, result: object = { content: [{ type: "text", text: "well" }] }) =>
  JSON.stringify({ jsonrpc: "2.0", id, result });

/** A connection to a server that answers all but the calls, which `onCall` does, and may resume streams by `onGet`. */
async function connected(
  onCall: (asked: Asked) => unknown,
  onGet?: (response: ServerResponse, request: IncomingMessage) => unknown,
) {
  let lastId: unknown;
  const server = createServer((request, response) => void serve(request, response));
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method !== "POST") {
      if (onGet && request.headers["last-event-id"] !== undefined) onGet(response, request);
      else response.writeHead(405).end();
      return;
    }
    const { id, method } = JSON.parse(await text(request)) as { id?: number; method: string };
    const result = ANSWERS[method];
    if (id === undefined) response.writeHead(202).end();
    else if (result !== undefined) response.writeHead(200, JSON_TYPE).end(answer(id, result));
    else {
      lastId = id;
      onCall({ id, request, response });
    }
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const web: McpServer = { name: "web", type: "http", url: `http://127.0.0.1:${port}/mcp`, headers: {} };
  const redactor = new Redactor(web, (same) => same);
  const connection = await McpConnection.open({ server: web, version: "1", mark: "test", redactor }, 90_000);
  onTestFinished(() => connection.close(0));
  const call = () => connection.call({ tool: "do", arguments: {} }, AbortSignal.timeout(90_000));
  return { connection, call, lastId: () => lastId };
}

/** Writes it when what was written before has gone its way, so that it comes in chunks of its own. */
const write = (response: ServerResponse, chunk: string) =>
  new Promise<void>((resolve) => response.write(chunk, () => resolve()));

test.each<[string, (asked: Asked) => unknown, object]>([
  [
    "whose stream ends without an answer is lost",
    ({ response }) => response.writeHead(200, EVENTS).end(": still here\n\n"),
    { type: "server_unavailable", message: expect.stringContaining("ended its stream without an answer") },
  ],
  [
    "whose stream ends with an answer to something else is lost",
    ({ response }) => response.writeHead(200, EVENTS).end(`data: ${answer(4711)}\n\n`),
    { type: "server_unavailable" },
  ],
  [
    "whose socket is cut is lost",
    ({ response, request }) => {
      response.writeHead(200, EVENTS).write(": still here\n\n", () => request.socket.destroy());
    },
    { type: "server_unavailable", message: expect.stringContaining("was cut off before an answer") },
  ],
  [
    "that is only taken has no answer",
    ({ response }) => response.writeHead(202).end(),
    { type: "invalid_answer", message: expect.stringContaining("gave no answer") },
  ],
  [
    "that is only taken, with the promise of events, has no answer",
    ({ response }) => response.writeHead(202, EVENTS).end(": later\n\n"),
    { type: "invalid_answer" },
  ],
  [
    "whose answer is that to another has none",
    ({ response }) => response.writeHead(200, JSON_TYPE).end(answer(4711)),
    { type: "invalid_answer" },
  ],
])("a call over HTTP %s", async (_, onCall, failure) => {
  const { call, connection } = await connected(onCall);
  await expect(call()).rejects.toMatchObject(failure);
  // The server is there, and so is the connection.
  expect(connection.isOpen).toBe(true);
});

test("a stream that can be resumed is not lost by its end", async () => {
  const fixture = await connected(
    ({ response }) => response.writeHead(200, EVENTS).end("id: 1\nretry: 1\ndata:\n\n"),
    (response) => response.writeHead(200, EVENTS).end(`data: ${answer(fixture.lastId())}\n\n`),
  );
  expect(await fixture.call()).toMatchObject({ content: [{ text: "well" }] });
});

const broken = ({ response }: Asked): unknown => response.writeHead(200, EVENTS).end("id: 1\nretry: 1\ndata:\n\n");

test("a stream is resumed as often as it says from where, and after a refusal", async () => {
  const from: unknown[] = [];
  const fixture = await connected(broken, (response, request) => {
    from.push(request.headers["last-event-id"]);
    if (from.length === 1) response.writeHead(503).end();
    else if (from.length < 5) response.writeHead(200, EVENTS).end(`id: ${from.length}\ndata:\n\n`);
    else response.writeHead(200, EVENTS).end(`data: ${answer(fixture.lastId())}\n\n`);
  });
  expect(await fixture.call()).toMatchObject({ content: [{ text: "well" }] });
  expect(from).toEqual(["1", "1", "2", "3", "4"]);
});

test.each<[string, (response: ServerResponse, request: IncomingMessage) => unknown, string]>([
  ["by a server that resumes none", (response) => response.writeHead(405).end(), "could not be resumed (HTTP 405)"],
  ["which the server has forgotten", (response) => response.writeHead(404).end(), "could not be resumed (HTTP 404)"],
  ["whose socket is cut", (_, request) => request.socket.destroy(), "could not be resumed (UND_ERR_SOCKET)"],
  [
    "and ends with nothing in it",
    (response) => response.writeHead(200, EVENTS).end(),
    "ended its stream without an answer",
  ],
])("a call whose stream cannot be resumed %s is lost at once", async (_, onGet, message) => {
  const { call, connection } = await connected(broken, onGet);
  await expect(call()).rejects.toMatchObject({
    type: "server_unavailable",
    message: expect.stringContaining(message) as string,
  });
  expect(connection.isOpen).toBe(true);
});

test("an answer at the very end of a stream is taken", async () => {
  const { call } = await connected(({ id, response }) =>
    response.writeHead(200, EVENTS).end(`data: ${answer(id)}\n\n`),
  );
  expect(await call()).toMatchObject({ content: [{ text: "well" }] });
});

const MEGABYTE = "x".repeat(1 << 20);

test.each(["\n", "\r\n"])("an event of many lines is bounded as a whole (%j)", async (end) => {
  const { call } = await connected(async ({ response }) => {
    response.writeHead(200, EVENTS);
    for (let at = 0; at < 12 && !response.destroyed; at++) await write(response, `data: ${MEGABYTE}${end}`);
  });
  await expect(call()).rejects.toMatchObject({ type: "invalid_answer", message: expect.stringContaining("10485760") });
});

test.each(["\n", "\r\n", "\r"])("many events are each bounded by themselves (%j)", async (end) => {
  const { call } = await connected(async ({ id, response }) => {
    response.writeHead(200, EVENTS);
    for (let at = 0; at < 12; at++) {
      await write(response, `: ${MEGABYTE}${end.slice(0, 1)}`);
      await write(response, `${end.slice(1)}${end}`);
    }
    response.end(`data: ${answer(id)}${end}${end}`);
  });
  expect(await call()).toMatchObject({ content: [{ text: "well" }] });
});
