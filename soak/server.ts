import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import type { InputOf, OperationName, ResultOf } from "../src/tools/registry.js";
import { resultOf } from "../test/support/servers/result-of.js";

/** Where the servers of a soak meet. */
export interface Place {
  /** The repository, with the built server in dist/. */
  readonly home: string;
  /** A directory for what they work on; Baton's project. */
  readonly cwd: string;
  /** The SQLite file or the postgres:// URL. */
  readonly database: string;
}

/** Outcome of a call: an answer, a refusal, or no answer, after which it may have happened or not. */
export type Told<N extends OperationName> =
  | { readonly answer: ResultOf<N> }
  | { readonly refused: { readonly code: string; readonly message: string } }
  | { readonly silence: true };

// Everything that takes seconds or minutes at work takes a tenth of a second here.
const SHORT = {
  BATON_SESSION_RENEW_MS: "500",
  BATON_SESSION_TTL_MS: "3000",
  BATON_SESSION_GRACE_MS: "300",
  BATON_TICK_MS: "250",
  BATON_AGEING_MS: "2000",
  BATON_CANCEL_GRACE_MS: "500",
  BATON_RESERVATION_MS: "2000",
  BATON_LOCK_PLACE_MS: "1000",
  BATON_LOCK_OFFER_MS: "500",
};

/** More than the SDK gives: on a machine with ten times as much to do, an answer is late and not lost. */
const ANSWER_MS_MAX = 180_000;

const refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

interface ServerOptions {
  /** The client's name. */
  readonly name: string;
  readonly log: (line: string) => void;
}

/** A server process as an assistant has it: the SDK's client on its standard input and output. */
export class Server {
  readonly #client: Client;
  readonly #transport: StdioClientTransport;
  readonly #ended: Promise<void>;

  private constructor(client: Client, transport: StdioClientTransport) {
    this.#client = client;
    this.#transport = transport;
    this.#ended = new Promise((resolve) => {
      // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the client is no EventTarget
      client.onclose = resolve;
    });
  }

  /** Lines of the server's log go to `log` too. */
  static async start({ home, cwd, database }: Place, { name, log }: ServerOptions): Promise<Server> {
    const location = database.startsWith("postgres") ? { BATON_DATABASE_URL: database } : { BATON_DB: database };
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [path.join(home, "dist/main.js"), "--toolsets", "all"],
      cwd,
      // A home of its own keeps the person's configuration out.
      env: {
        ...SHORT,
        ...location,
        HOME: cwd,
        XDG_CONFIG_HOME: cwd,
        XDG_DATA_HOME: cwd,
        PATH: process.env["PATH"] ?? "",
      },
      stderr: "pipe",
    });
    if (transport.stderr) createInterface(transport.stderr as Readable).on("line", log);
    const client = new Client({ name, version: "1" });
    const server = new Server(client, transport);
    await client.connect(transport);
    return server;
  }

  async call<N extends OperationName>(name: N, input: InputOf<N>): Promise<Told<N>> {
    try {
      const answer = await this.#client.callTool({ name, arguments: input }, undefined, { timeout: ANSWER_MS_MAX });
      if (answer.isError === true) return { refused: refusal.parse(answer.structuredContent).error };
      return { answer: resultOf(name, answer.structuredContent) };
    } catch (error) {
      if (isGone(error)) return { silence: true };
      throw error;
    }
  }

  /** `kill -9`, and waits until the pipe has closed. */
  async kill(): Promise<void> {
    const { pid } = this.#transport;
    if (pid !== null) process.kill(pid, "SIGKILL");
    await this.#ended;
  }

  /** Closes the server's input, which ends it. */
  async close(): Promise<void> {
    await this.#client.close();
  }
}

/** The pipe closed before the answer came, or was closed already. */
function isGone(error: unknown): boolean {
  if (error instanceof McpError) return error.code === (ErrorCode.ConnectionClosed as number);
  return error instanceof Error && (error.message === "Not connected" || /EPIPE|write after end/.test(error.message));
}
