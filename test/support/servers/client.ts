import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { RequestOptions } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { ElicitRequestSchema, type JSONRPCMessage, JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js";
import { temporaryDirectory } from "../databases/databases.js";
import { atEnd } from "../lifetime.js";
import { QUICK_TICK } from "./quick-tick.js";
import { sharedSchemas } from "./output-schemas.js";
import type { TypedCall, UncheckedCall } from "./typed-call.js";
import type { Person } from "./person.js";

const MAIN = path.resolve(import.meta.dirname, "../../../dist/main.js");

export interface ServerOptions {
  /** The SQLite file or the postgres:// URL. A new file by default; give another server's to meet it there. */
  readonly database?: string;
  readonly cwd?: string;
  readonly args?: readonly string[];
  /** A module that starts the server as its child, and is the server's parent then. */
  readonly through?: string;
  /** The program of another build. */
  readonly program?: string;
  /** `BATON_…` and others; a home of its own keeps the person's configuration out. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The built server as a process, spoken to in lines. Killed when the test has finished. */
export interface ServerProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly database: string;
  /** All that has come out so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Writes raw bytes; settles when they have been taken. */
  readonly write: (data: string | Buffer) => Promise<void>;
  /** The next line of stdout that `wanted` takes, from the first one on that no `next` has taken. */
  readonly next: (wanted?: (message: JSONRPCMessage) => boolean) => Promise<JSONRPCMessage>;
  readonly onMessage: (listener: (message: JSONRPCMessage) => void) => void;
  /** How the process ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export function startServer(options: ServerOptions = {}): ServerProcess {
  const database = options.database ?? path.join(temporaryDirectory(), "baton.db");
  const home = temporaryDirectory();
  const location = database.startsWith("postgres") ? { BATON_DATABASE_URL: database } : { BATON_DB: database };
  const launcher = options.through === undefined ? [] : [options.through];
  const child = spawn(process.execPath, [...launcher, options.program ?? MAIN, ...(options.args ?? [])], {
    cwd: options.cwd ?? temporaryDirectory(),
    env: {
      PATH: process.env["PATH"],
      HOME: home,
      XDG_CONFIG_HOME: home,
      XDG_DATA_HOME: home,
      ...QUICK_TICK,
      ...location,
      ...options.env,
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
  atEnd(() => void child.kill("SIGKILL"));
  const messages: JSONRPCMessage[] = [];
  const listeners = new Set<(message: JSONRPCMessage) => void>();
  let stdout = "";
  let stderr = "";
  let line = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    const lines = (line + text).split("\n");
    line = lines.pop() ?? "";
    for (const complete of lines) {
      const message = JSONRPCMessageSchema.parse(JSON.parse(complete));
      messages.push(message);
      for (const listener of listeners) listener(message);
    }
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  // A server that has ended takes nothing more: what a test makes of that it sees in `ended`.
  child.stdin.on("error", () => {});
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  return {
    child,
    pid: child.pid!,
    database,
    stdout: () => stdout,
    stderr: () => stderr,
    write: (data) => new Promise((resolve) => child.stdin.write(data, () => resolve())),
    onMessage: (listener) => void listeners.add(listener),
    ended,
    next: (wanted = () => true) =>
      new Promise((resolve, reject) => {
        const at = messages.findIndex(wanted);
        if (at >= 0) return resolve(messages.splice(at, 1)[0]!);
        const listener = (message: JSONRPCMessage) => {
          if (!wanted(message)) return;
          listeners.delete(listener);
          messages.splice(messages.indexOf(message), 1);
          resolve(message);
        };
        listeners.add(listener);
        void ended.then(() => reject(new Error(`the server ended; stderr: ${stderr}`)));
      }),
  };
}

export interface ConnectOptions extends ServerOptions {
  readonly clientName?: string;
  /** The person at the client, which then declares that it can show forms. */
  readonly person?: Person;
  /** Whether the client declares that it shows MCP Apps. */
  readonly showsApps?: boolean;
}

/** The capabilities of a client that shows MCP Apps. */
export const SHOWS_APPS = {
  extensions: { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } },
};

/** The SDK's own client on the built server. */
export interface TestClient {
  readonly client: Client;
  readonly server: ServerProcess;
  /** Calls a tool and returns its structured content; rejects with a `ToolError` where the answer is an error. */
  readonly call: TypedCall<RequestOptions>;
  /** Reads through `query_operation`, as a host does that has not listed the tool. */
  readonly query: TypedCall<RequestOptions>;
  /** Calls through `call_operation`, in the same way. */
  readonly perform: TypedCall<RequestOptions>;
  readonly callUnchecked: UncheckedCall<RequestOptions>;
  /** The answer as it came, errors too. */
  readonly answer: (name: string, args?: Record<string, unknown>, options?: RequestOptions) => Promise<ToolAnswer>;
  /** Closes stdin and waits for the process to end. */
  readonly close: () => Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export interface ToolAnswer {
  readonly isError: boolean;
  readonly text: string;
  readonly data: Record<string, unknown>;
}

/** A tool's answer that is an error: `code` and the rest as in structuredContent.error. */
export class ToolError extends Error {
  readonly code: string;
  readonly error: Record<string, unknown>;

  constructor(error: Record<string, unknown>) {
    super(`${String(error["code"])}: ${String(error["message"])}`);
    this.name = "ToolError";
    this.code = String(error["code"]);
    this.error = error;
  }
}

export async function connectClient(options: ConnectOptions = {}): Promise<TestClient> {
  const server = startServer(options);
  const { clientName = "test", person, showsApps = false } = options;
  const capabilities = { ...(person && { elicitation: {} }), ...(showsApps && SHOWS_APPS) };
  const client = new Client({ name: clientName, version: "1" }, { capabilities, jsonSchemaValidator: sharedSchemas });
  if (person) client.setRequestHandler(ElicitRequestSchema, ({ params }, { signal }) => person.see(params, signal));
  await client.connect(transportTo(server));
  // Makes the client hold every answer against the published output schema, as hosts do.
  await client.listTools();
  const answer = async (name: string, args: Record<string, unknown> = {}, requestOptions?: RequestOptions) => {
    const result = await client.callTool({ name, arguments: args }, undefined, requestOptions);
    const [first] = result.content as { type: string; text: string }[];
    return {
      isError: result.isError === true,
      text: first?.text ?? "",
      data: result.structuredContent as Record<string, unknown>,
    };
  };
  const callUnchecked: UncheckedCall<RequestOptions> = async (name, args, requestOptions) => {
    const { isError, data } = await answer(name, args, requestOptions);
    if (isError) throw new ToolError(data["error"] as Record<string, unknown>);
    return data;
  };
  const call: TypedCall<RequestOptions> = callUnchecked;
  return {
    client,
    server,
    answer,
    callUnchecked,
    call,
    query: async (name, ...[args = {}, requestOptions]) =>
      (await call("query_operation", { name, arguments: args }, requestOptions)).result,
    perform: async (name, ...[args = {}, requestOptions]) =>
      (await call("call_operation", { name, arguments: args }, requestOptions)).result,
    close: async () => {
      server.child.stdin?.end();
      return server.ended;
    },
  };
}

function transportTo(server: ServerProcess): Transport {
  const transport: Transport = {
    start: async () => {
      server.onMessage((message) => transport.onmessage?.(message));
      void server.ended.then(() => transport.onclose?.());
    },
    send: (message) => server.write(`${JSON.stringify(message)}\n`),
    close: async () => {
      server.child.stdin?.end();
      transport.onclose?.();
    },
  };
  return transport;
}
