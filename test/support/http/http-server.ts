import type { ChildProcess } from "node:child_process";
import { Client, type ClientCapabilities, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
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

export function portOf({ origin }: Pick<HttpServer, "origin">): number {
  return Number(new URL(origin).port);
}

export const JSON_BODY = { "Content-Type": "application/json" } as const;

export function bearing(token: string): { readonly Authorization: string } {
  return { Authorization: `Bearer ${token}` };
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export interface HttpServerOptions extends ServerOptions {
  /** Where it listens; at any free port of this machine by default. */
  readonly address?: string;
  /** Sent with each `call`. */
  readonly bearer?: string;
}

export async function startHttpServer({ address, bearer, ...options }: HttpServerOptions = {}): Promise<HttpServer> {
  const args = ["serve", "--http", address ?? "127.0.0.1:0", ...(options.args ?? [])];
  const server = startServer({ ...options, args });
  const port = await until("the server listens", () => /serving MCP at \S+:(\d+)\//.exec(server.stderr())?.[1]);
  const origin = `http://127.0.0.1:${port}`;
  const own = bearer === undefined ? {} : bearing(bearer);
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
        headers: { ...JSON_BODY, ...own, ...headers },
      });
      return { status: response.status, headers: response.headers, body: await bodyOf(response) };
    },
  };
}

export async function bodyOf(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>;
}

export type Era = "modern" | "legacy";

export interface ClientFacts {
  readonly name: string;
  readonly bearer?: string;
  readonly capabilities?: ClientCapabilities;
}

/** A client of the new protocol (`modern`), or of the old one by the same SDK. Closed when the test has finished. */
export async function connectedClient(
  origin: string,
  era: Era,
  { name, bearer, capabilities = {} }: ClientFacts,
): Promise<Client> {
  const negotiation = era === "modern" ? { versionNegotiation: { mode: { pin: "2026-07-28" } } } : {};
  const options = { ...negotiation, capabilities };
  const client = new Client({ name, version: "1" }, options);
  await client.connect(
    new StreamableHTTPClientTransport(
      new URL(`${origin}/mcp`),
      bearer === undefined ? {} : { requestInit: { headers: bearing(bearer) } },
    ),
  );
  atEnd(() => client.close());
  return client;
}
