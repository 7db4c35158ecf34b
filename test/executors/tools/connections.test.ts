import { expect, onTestFinished, test } from "vitest";
import { McpConnection } from "../../../src/executors/mcp/client.js";
import { McpPool } from "../../../src/executors/mcp/pool.js";
import type { McpServer } from "../../../src/base/executor-policy.js";
import { Redactor } from "../../../src/executors/mcp/server.js";
import { StdioServer } from "../../../src/executors/mcp/stdio.js";
import { isRunning } from "../../support/fixtures/command-fixture.js";
import { odd, pidsOf } from "../../support/fixtures/tool-fixture.js";
import { until } from "../../support/until.js";

type Stdio = Extract<McpServer, { type: "stdio" }>;

const same = (text: string): string => text;
const markOf = (name: string): string => `test-${name}-${process.pid}`;

function oddStdio(way: string): { server: Stdio; log: () => string[] } {
  const { server, log } = odd(way);
  return {
    server: { name: "odd", type: "stdio", cwd: process.cwd(), ...(server as Pick<Stdio, "command" | "args" | "env">) },
    log,
  };
}

test("a server that reads nothing is given up when too much waits for it", async () => {
  const args = ["-e", "setInterval(() => {}, 1_000)"];
  const server: Stdio = { name: "deaf", type: "stdio", command: process.execPath, args, env: {}, cwd: process.cwd() };
  const deaf = new StdioServer({ server, mark: markOf("deaf"), redactor: new Redactor(server, same) });
  onTestFinished(() => deaf.end(0));
  const errors: Error[] = [];
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- it is no event target
  deaf.onerror = (error) => errors.push(error);
  const closed = new Promise<void>((resolve) => {
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- it is no event target
    deaf.onclose = resolve;
  });
  await deaf.start();
  const failure = { type: "server_unavailable", message: expect.stringContaining("does not read") };
  const sends = Array.from({ length: 12 }, (_, id) =>
    deaf.send({ jsonrpc: "2.0", id, method: "x", params: { x: "x".repeat(1 << 20) } }),
  );
  expect((await Promise.allSettled(sends)).at(-1)).toMatchObject({ status: "rejected", reason: failure });
  expect(errors[0]).toMatchObject(failure);
  await closed;
});

test("a pool that is closed while a server starts does not wait for that start", async () => {
  const { server, log } = oddStdio("silent");
  const times = () => ({ startTimeoutMs: 600_000, idleMs: 600_000 });
  const pool = new McpPool({ servers: [server], version: "1", mark: markOf("pool"), redact: same, times });
  const failure = { type: "server_unavailable", message: "this server is stopping" };
  const called = pool.call("odd", { tool: "do", arguments: {} }, AbortSignal.timeout(600_000));
  const refused = called.catch((error: unknown) => error);
  await until("it has started", () => pidsOf(log()).length === 1);
  await pool.close(500);
  expect(await refused).toMatchObject(failure);
  expect(pidsOf(log()).some(isRunning)).toBe(false);
});

test("a server whose list of tools has no end is not asked for it at every call", async () => {
  const warnings: string[] = [];
  const warned = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
  process.on("warning", warned);
  onTestFinished(() => void process.off("warning", warned));
  const { server, log } = oddStdio("paged");
  const parts = { server, version: "1", mark: markOf("paged"), redactor: new Redactor(server, same) };
  const connection = await McpConnection.open(parts, 90_000);
  onTestFinished(() => connection.close(0));
  const lists = () => log().filter((line) => line === "list").length;
  expect(lists()).toBe(100);
  for (let at = 0; at < 2; at++) {
    await connection.call({ tool: "do", arguments: {} }, AbortSignal.timeout(90_000));
  }
  expect(lists()).toBe(100);
  // Each page is asked for under one time limit.
  expect(warnings.filter((warning) => warning.includes("abort listeners"))).toEqual([]);
});

test("an answered call is not cancelled when its time is over", async () => {
  const { server, log } = oddStdio("chatty");
  const parts = { server, version: "1", mark: markOf("chatty"), redactor: new Redactor(server, same) };
  const opening = new AbortController();
  const connection = await McpConnection.open(parts, 90_000, opening.signal);
  onTestFinished(() => connection.close(0));
  const limit = new AbortController();
  await connection.call({ tool: "do", arguments: {} }, limit.signal);
  for (const over of [opening, limit]) over.abort(new DOMException("the time is over", "TimeoutError"));
  await connection.call({ tool: "do", arguments: {} }, AbortSignal.timeout(90_000));
  expect(log().filter((line) => line.includes("cancelled"))).toEqual([]);
});
