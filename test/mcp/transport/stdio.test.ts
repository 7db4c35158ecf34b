import { statSync } from "node:fs";
import path from "node:path";
import { PassThrough } from "node:stream";
import { JSONRPCMessageSchema, type RequestId } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, test } from "vitest";
import { toolEntries } from "../../../src/dispatch/published.js";
import { INSTRUCTIONS } from "../../../src/mcp/instructions.js";
import { StdioTransport } from "../../../src/mcp/transport/stdio.js";
import { catalogue } from "../../../src/tools/registry.js";
import { connectClient, startServer } from "../../support/servers/client.js";
import { temporaryDirectory } from "../../support/databases/databases.js";
import { bestOfFew } from "../../support/in-time.js";
import { until } from "../../support/until.js";

const INITIALIZE = {
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "raw", version: "1" } },
};
const line = (message: unknown) => `${JSON.stringify(message)}\n`;
const call = (id: number | string, name: string, args: unknown) =>
  line({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args } });
const withId = (id: unknown) => (message: object) => "id" in message && message.id === id;

test.each(["answers that it does not read", "requests under way"])("input waits for a client's %s", async (which) => {
  const [input, output] = [new PassThrough(), new PassThrough({ highWaterMark: 1_000 })];
  const refusal = async () => ({});
  const transport = new StdioTransport({ input, output, lineBytesMax: 1_000_000, refusal });
  const asked: RequestId[] = [];
  let isRead = false;
  const answer = (id: RequestId) => void transport.send({ jsonrpc: "2.0", id, result: { text: "x".repeat(100) } });
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the protocol's interface has a property
  transport.onmessage = (message) => {
    if (!("id" in message) || message.id === undefined) return;
    if (!isRead) asked.push(message.id);
    if (isRead || which !== "requests under way") answer(message.id);
  };
  await transport.start();
  for (let id = 0; id < 2_000; id++) input.write(line({ jsonrpc: "2.0", id, method: "ping" }));
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.length).toBeLessThan(1_100);
  output.resume();
  isRead = true;
  if (which === "requests under way") for (const id of asked) answer(id);
  input.write(line({ jsonrpc: "2.0", id: "last", method: "ping" }));
  await until("all have been answered", () => input.readableLength === 0);
  await transport.drained();
  await transport.close();
});

describe("the server over stdio", () => {
  test("serves a real client: initialize, list, call, and a clean end", async () => {
    const { client, server, call: callTool, close } = await connectClient({ clientName: "Claude Code" });
    expect(client.getServerVersion()?.name).toBe("baton");
    expect(client.getInstructions()).toBe(INSTRUCTIONS);
    const { tools } = await client.listTools();
    for (const tool of tools) {
      expect(tool).toMatchObject({ outputSchema: { type: "object" }, annotations: { openWorldHint: false } });
    }
    const found = await callTool("find_operations", { query: "find_operations" });
    expect(found).toMatchObject({ operation: { name: "find_operations", effect: "read" } });

    expect(await close()).toEqual({ code: 0, signal: null });
    for (const text of server.stdout().trimEnd().split("\n")) {
      expect(JSONRPCMessageSchema.safeParse(JSON.parse(text)).success).toBe(true);
    }
    expect(server.stderr()).toBe("");
  });

  test.each(["SIGTERM", "SIGINT", "the end of its input"] as const)("ends cleanly and within a second at %s", (how) =>
    bestOfFew(async (inTime) => {
      const { server } = await connectClient();
      const from = performance.now();
      if (how === "the end of its input") server.child.stdin?.end();
      else server.child.kill(how);
      expect(await server.ended).toEqual({ code: 0, signal: null });
      inTime(1_000, from);
    }),
  );

  test("answers a line that begins with a byte order mark, and parameters that are null", async () => {
    const server = startServer();
    await server.write(`\uFEFF${line(INITIALIZE)}`);
    await server.write(line({ jsonrpc: "2.0", id: 1, method: "tools/list", params: null }));
    await server.write(line({ jsonrpc: "2.0", id: 2, method: "tools/list", params: { cursor: null, _meta: null } }));
    await server.write(call(3, "find_operations", null));
    expect(await server.next(withId(0))).toHaveProperty("result.serverInfo.name", "baton");
    expect(await server.next(withId(1))).toHaveProperty("result.tools");
    expect(await server.next(withId(2))).toHaveProperty("result.tools");
    expect(await server.next(withId(3))).toHaveProperty("result.structuredContent.operations");
    server.child.stdin?.end();
    await server.ended;
  });

  test("answers what stands before the end of its input", async () => {
    const server = startServer();
    // How long a server takes to load what the first call needs is the machine's matter.
    await server.write(line(INITIALIZE) + call(1, "find_operations", {}));
    await server.next(withId(1));
    server.child.stdin?.end(call(2, "find_operations", {}));
    expect((await server.ended).code).toBe(0);
    expect(await server.next(withId(2))).toHaveProperty("result.structuredContent.operations");
  });

  test("sends the tools as the sources make them, for each choice of what is listed", async () => {
    const entries = toolEntries(catalogue.all);
    const choices = [
      { args: [], expected: entries.filter(({ listed }) => listed) },
      { args: ["--toolsets", "all"], expected: entries },
      { args: ["--read-only"], expected: entries.filter(({ listed, reads }) => listed && reads) },
    ];
    for (const { args, expected } of choices) {
      const { client, close } = await connectClient({ args });
      const tools = expected.map(({ tool }) => tool);
      expect((await client.listTools()).tools).toEqual(tools);
      expect((await client.listTools()).tools).toEqual(tools);
      await close();
    }
  });

  test("starting and asking for tools leaves no trace in the file system", async () => {
    const database = path.join(temporaryDirectory(), "inner", "baton.db");
    const { client, close } = await connectClient({ database });
    await client.listTools();
    await close();
    expect(() => statSync(path.dirname(database))).toThrow("ENOENT");
  });

  test("tells a model the loop in at most 2 KB", () => {
    expect(Buffer.byteLength(INSTRUCTIONS)).toBeLessThanOrEqual(2_048);
  });
});

describe("bad lines", () => {
  test("malformed JSON and messages of no kind are answered, and the server lives on", async () => {
    const server = startServer();
    await server.write(line(INITIALIZE));
    await server.next(withId(0));
    await server.write('{"jsonrpc": "2.0", "id": 5, \n\n[]\n{"id": 6}\n\u0000\ufffe\n');
    expect(await server.next()).toMatchObject({ error: { code: -32700 } });
    expect(await server.next()).toMatchObject({ error: { code: -32600 } });
    expect(await server.next()).toMatchObject({ id: 6, error: { code: -32600 } });
    expect(await server.next()).toMatchObject({ error: { code: -32700 } });
    await server.write(line({ jsonrpc: "2.0", id: 7, method: "no/such/method" }));
    expect(await server.next(withId(7))).toMatchObject({ error: { code: -32601 } });
    await server.write(call(8, "find_operations", {}));
    expect(await server.next(withId(8))).toHaveProperty("result.structuredContent.operations");
  });

  test("responses and notifications nested 100,000 levels deep are refused, and the server lives on", async () => {
    const server = startServer();
    await server.write(line(INITIALIZE));
    await server.next(withId(0));
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    for (const body of [`"id":"d","result":{"x":${deep}}`, `"method":"notifications/x","params":{"x":${deep}}`]) {
      await server.write(`{"jsonrpc":"2.0",${body}}\n`);
      expect(await server.next()).toMatchObject({ error: { code: -32600 } });
    }
    await server.write(call(8, "find_operations", {}));
    expect(await server.next(withId(8))).toHaveProperty("result.structuredContent.operations");
  });

  test("parameters of the wrong shape are the caller's mistake, told in a sentence", async () => {
    const server = startServer();
    await server.write(line(INITIALIZE));
    await server.next(withId(0));
    const wrong = [{ name: 5 }, undefined, { name: "get_run", arguments: [1] }];
    const messages: string[] = [];
    for (const [index, params] of wrong.entries()) {
      await server.write(line({ jsonrpc: "2.0", id: 50 + index, method: "tools/call", params }));
      const answer = await server.next(withId(50 + index));
      expect(answer).toMatchObject({ error: { code: -32602 } });
      messages.push((answer as { error: { message: string } }).error.message);
    }
    expect(messages[0]).toBe(
      "Invalid params of tools/call: params.name: Invalid input: expected string, received number",
    );
    expect(messages[1]).toContain("params: ");
    expect(messages[2]).toContain("params.arguments: ");
  });

  test("an argument of 50 MB is refused by name, cheaply, and the server lives on", async () => {
    const server = startServer();
    await server.write(line(INITIALIZE));
    await server.next(withId(0));
    await server.write(call(41, "find_operations", { query: `${"x\\n".repeat(25_000_000)}\\"` }));
    expect(await server.next(withId(41))).toMatchObject({
      result: { isError: true, structuredContent: { error: { code: "limit_exceeded" } } },
    });
    // Written with the id first, and no tool call.
    await server.write(
      `{"id":"big","jsonrpc":"2.0","method":"ping","params":{"_meta":{"id":"${"y".repeat(20_000_000)}"}}}\n`,
    );
    expect(await server.next(withId("big"))).toMatchObject({ error: { code: -32600 } });
    await server.write(call(42, "find_operations", {}));
    expect(await server.next(withId(42))).toHaveProperty("result.structuredContent.operations");
  });
});
