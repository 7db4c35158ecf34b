import type { ChildProcess } from "node:child_process";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { atEnd } from "../lifetime.js";
import { startServer, type ServerOptions } from "../servers/client.js";
import { until } from "../until.js";

/** `baton serve --http` as a process, at a free port. Killed when the test has finished. */
export interface HttpServer {
  readonly child: ChildProcess;
  readonly origin: string;
  /** All that it has logged so far. */
  readonly stderr: () => string;
  readonly database: string;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Calls an operation by its address. */
  readonly call: (name: string, input?: object, headers?: Readonly<Record<string, string>>) => Promise<HttpAnswer>;
}

export const JSON_BODY = { "Content-Type": "application/json" } as const;

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export async function startHttpServer(options: ServerOptions = {}): Promise<HttpServer> {
  const server = startServer({ ...options, args: ["serve", "--http", "127.0.0.1:0", ...(options.args ?? [])] });
  const origin = await until("the server listens", () => /http:\/\/127\.0\.0\.1:\d+/.exec(server.stderr())?.[0]);
  return {
    child: server.child,
    origin,
    stderr: server.stderr,
    database: server.database,
    ended: server.ended,
    call: async (name, input = {}, headers = {}) => {
      const url = `${origin}/api/v1/operations/${name}`;
      const response = await fetch(url, {
        method: "POST",
        body: JSON.stringify(input),
        headers: { ...JSON_BODY, ...headers },
      });
      return { status: response.status, headers: response.headers, body: await bodyOf(response) };
    },
  };
}

export async function bodyOf(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>;
}

/** A client of the new protocol (`modern`), or of the old one by the same SDK. Closed when the test has finished. */
export async function connectedClient(origin: string, era: "modern" | "legacy", name: string): Promise<Client> {
  const options = era === "modern" ? { versionNegotiation: { mode: { pin: "2026-07-28" } } } : {};
  const client = new Client({ name, version: "1" }, options);
  await client.connect(new StreamableHTTPClientTransport(new URL(`${origin}/mcp`)));
  atEnd(() => client.close());
  return client;
}
