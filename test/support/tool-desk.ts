import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import path from "node:path";
import { onTestFinished } from "vitest";
import { type Desk, type DeskOptions, isRunning, openDesk } from "./command-desk.js";
import { temporaryDirectory } from "./databases.js";
import { until } from "./until.js";

const require = createRequire(import.meta.url);
const EVERYTHING = require.resolve("@modelcontextprotocol/server-everything/dist/index.js");
const FILESYSTEM = require.resolve("@modelcontextprotocol/server-filesystem/dist/index.js");

/** Entries of `mcpServers`. */
export type Servers = Readonly<Record<string, object>>;

/** The real servers, over stdio. */
export const everything = { command: process.execPath, args: [EVERYTHING] };
export const filesystem = (root: string) => ({ command: process.execPath, args: [FILESYSTEM, root] });

/** A server that is wrong in a way; see odd-server.mjs. */
export function odd(way: string, env: Readonly<Record<string, string>> = {}): { server: object; log: () => string[] } {
  const file = path.join(temporaryDirectory(), "log");
  const script = path.join(import.meta.dirname, "odd-server.mjs");
  const log = () => (existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : []);
  // Whatever a failing test leaves behind.
  onTestFinished(() => {
    for (const line of log()) {
      const pid = Number(/^(?:start|child) (\d+)$/.exec(line)?.[1] ?? Number.NaN);
      if (Number.isInteger(pid) && isRunning(pid)) process.kill(pid, "SIGKILL");
    }
  });
  return { server: { command: process.execPath, args: [script, way], env: { LOG: file, ...env } }, log };
}

/** The pids that a server, or several after each other, has written down. */
export function pidsOf(log: readonly string[]): number[] {
  return log.flatMap((line) => (/^(?:start|child) /.test(line) ? [Number(line.split(" ")[1])] : []));
}

export interface HttpServer {
  readonly url: string;
  readonly pid: number;
  readonly stdout: () => string;
}

/** server-everything over Streamable HTTP, as a process. Killed when the test has finished. */
export async function startEverything(port?: number): Promise<HttpServer & { port: number }> {
  const chosen = port ?? (await freePort());
  const child = spawn(process.execPath, [EVERYTHING, "streamableHttp"], {
    env: { PATH: process.env["PATH"], PORT: String(chosen) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  await until("it listens", () => stderr.includes("listening"));
  return { url: `http://127.0.0.1:${chosen}/mcp`, port: chosen, pid: child.pid!, stdout: () => stdout };
}

/** How a server over HTTP is wrong: what it answers to everything. */
const WAYS = {
  page: { status: 200, type: "text/html", body: "<h1>Welcome</h1>" },
  "no json": { status: 200, type: "application/json", body: "{nope" },
  "no message": { status: 200, type: "application/json", body: '{"hello":"world"}' },
  "no events": { status: 200, type: "text/event-stream", body: "data: {nope\n\n" },
  closed: { status: 401, type: "text/plain", body: "who are you" },
  endless: { status: 200, type: "application/json", body: " ".repeat(11 << 20) },
} as const;

/** A server over HTTP that is wrong in a way, or says nothing, and notes what headers it is given. */
export async function oddHttp(way: keyof typeof WAYS | "silent"): Promise<{ url: string; headers: string[] }> {
  const headers: string[] = [];
  const server = createHttpServer((request, response) => {
    headers.push(request.headers.authorization ?? "");
    if (way === "silent") return;
    const { status, type, body } = WAYS[way];
    response.writeHead(status, { "content-type": type }).end(body);
  });
  const { port } = await listening(server);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${port}/mcp`, headers };
}

async function freePort(): Promise<number> {
  const server = createServer();
  const { port } = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listening(server: Server): Promise<AddressInfo> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens nowhere");
  return address;
}

/** A server in this process that may call the tools of these servers, and run no commands. */
export async function openToolDesk(servers: Servers, options: DeskOptions = {}): Promise<Desk> {
  const env = { ...options.env, BATON_MCP_SERVERS: JSON.stringify(servers) };
  return openDesk({ allow: false, ...options, env });
}

/** A step that calls a tool, written as `key: server/tool`. */
export function call(what: string, given: object = {}, more: object = {}) {
  const [, key = "", server = "", tool = ""] = /^(.+): (.+?)\/(.+)$/.exec(what) ?? [];
  return { key, kind: "tool", server, tool, arguments: given, ...more };
}
