import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { isObject } from "../../../src/base/json.js";
import type { InputOf, OperationName, ResultOf } from "../../../src/tools/registry.js";
import { SERVER } from "../places.js";
import { Connection, type HttpAnswer, type Prepared } from "./connection.js";
import { environment } from "./server.js";

/** A client of a server: one call at a time. */
export interface Caller {
  call<N extends OperationName>(name: N, input: InputOf<N>): Promise<ResultOf<N>>;
  close(): void;
}

/** A protocol by which a client calls over HTTP. */
export type Protocol = "REST" | "MCP 2026-07-28" | "MCP 2025-11-25";

export interface Access {
  readonly origin: string;
  readonly token?: string | undefined;
}

/** Opens a connection and calls over it, one call at a time, by the least that the protocol asks of a client. */
export async function httpCaller(protocol: Protocol, { origin, token }: Access): Promise<Caller> {
  const connection = await Connection.to(origin);
  const own = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const post = (request: Prepared, body: string): Promise<HttpAnswer> =>
    connection.post({ ...request, headers: { ...request.headers, ...own } }, body);
  return {
    call: async <N extends OperationName>(name: N, input: InputOf<N>) =>
      // Not held against its schema: that would take the client longer than the server.
      (await WAYS[protocol](post, name, input)) as ResultOf<N>,
    close: () => connection.close(),
  };
}

type Post = (request: Prepared, body: string) => Promise<HttpAnswer>;
type Way = (post: Post, name: string, input: object) => Promise<unknown>;

export const ACCEPT = { Accept: "application/json, text/event-stream" };
export const ENVELOPE = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

const WAYS: Readonly<Record<Protocol, Way>> = {
  REST: async (post, name, input) => {
    const { status, body } = await post({ path: `/api/v1/operations/${name}` }, JSON.stringify(input));
    if (status !== 200) throw new Error(`${name}: ${status} ${body}`);
    return JSON.parse(body);
  },
  "MCP 2026-07-28": async (post, name, input) => {
    const version = { "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": name };
    const params = { name, arguments: input, _meta: ENVELOPE };
    const { body } = await post({ path: "/mcp", headers: { ...ACCEPT, ...version } }, toolCall(1, params));
    return structured(name, JSON.parse(body));
  },
  "MCP 2025-11-25": async (post, name, input) => {
    const headers = { ...ACCEPT, "MCP-Protocol-Version": "2025-11-25" };
    const { body } = await post({ path: "/mcp", headers }, toolCall(1, { name, arguments: input }));
    // An answer is one event of a stream.
    return structured(name, JSON.parse(/^data: (.*)$/m.exec(body)?.[1] ?? body));
  },
};

function toolCall(id: number, params: object): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params });
}

function structured(name: string, answer: unknown): unknown {
  const result = isObject(answer) ? answer["result"] : undefined;
  if (isObject(result) && result["isError"] !== true) return result["structuredContent"];
  throw new Error(`${name}: ${JSON.stringify(answer)}`);
}

const INITIALIZE = {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "bench", version: "1" },
};

/** A server on stdio, to which any number of callers speak at once over the one pair of pipes. */
export class StdioServer {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Map<number, (answer: unknown) => void>();
  #calls = 0;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    createInterface({ input: child.stdout }).on("line", (line) => {
      const answer: unknown = JSON.parse(line);
      const id = isObject(answer) ? Number(answer["id"]) : Number.NaN;
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    });
  }

  static async start(directory: string, database: Readonly<Record<string, string>>): Promise<StdioServer> {
    const env = environment(directory, database);
    const child = spawn(process.execPath, [SERVER], { cwd: directory, env, stdio: ["pipe", "pipe", "inherit"] });
    const server = new StdioServer(child);
    await server.#ask("initialize", INITIALIZE);
    return server;
  }

  caller(): Caller {
    return {
      call: async <N extends OperationName>(name: N, input: InputOf<N>) =>
        // As above.
        structured(name, await this.#ask("tools/call", { name, arguments: input })) as ResultOf<N>,
      close: () => {},
    };
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.stdin.end();
    await ended;
  }

  #ask(method: string, params: object): Promise<unknown> {
    const id = ++this.#calls;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    });
  }
}
