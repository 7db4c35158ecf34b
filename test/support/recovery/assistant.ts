import path from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { InputOf, OperationName, ResultOf } from "../../../src/tools/registry.js";
import { resultOf } from "../servers/result-of.js";
import { stopBetweenWrites } from "../servers/stopped.js";

/** Where assistants meet. */
export interface Place {
  /** The repository, with the built server in dist/. */
  readonly home: string;
  /** A directory for what they work on; Baton's project. */
  readonly cwd: string;
  /** The SQLite file or the postgres:// URL. */
  readonly database: string;
}

interface Start {
  readonly place: Place;
  readonly name: string;
  /** Variables of its environment beside those of every assistant. */
  readonly env: Readonly<Record<string, string>>;
}

/** Longer than any wait of a call. */
const ANSWER_MS_MAX = 180_000;

/** Two processes, as assistants are: one that stands for the client's, and the server that it has started. */
export class Assistant {
  readonly #client: Client;
  readonly #process: number;
  readonly #server: number;

  private constructor(client: Client, pids: { process: number; server: number }) {
    this.#client = client;
    this.#process = pids.process;
    this.#server = pids.server;
  }

  static async start({ place: { home, cwd, database }, name, env }: Start): Promise<Assistant> {
    const location = database.startsWith("postgres") ? { BATON_DATABASE_URL: database } : { BATON_DB: database };
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [path.join(home, "test/support/servers/parent.mjs"), path.join(home, "dist/main.js"), "--toolsets", "all"],
      cwd,
      // A home of its own keeps the person's configuration out.
      env: {
        ...location,
        ...env,
        HOME: cwd,
        XDG_CONFIG_HOME: cwd,
        XDG_DATA_HOME: cwd,
        PATH: process.env["PATH"] ?? "",
      },
      stderr: "pipe",
    });
    let told = "";
    transport.stderr?.on("data", (text: Buffer) => (told += text.toString()));
    const client = new Client({ name, version: "1" });
    await client.connect(transport);
    const server = Number(/^server (\d+)$/m.exec(told)?.[1]);
    if (transport.pid === null || !Number.isInteger(server)) throw new Error(`${name} has no processes: ${told}`);
    return new Assistant(client, { process: transport.pid, server });
  }

  async call<N extends OperationName>(name: N, input: InputOf<N>): Promise<ResultOf<N>> {
    const answer = await this.#client.callTool({ name, arguments: input }, undefined, { timeout: ANSWER_MS_MAX });
    if (answer.isError === true) throw new Error(`${name}: ${JSON.stringify(answer.structuredContent)}`);
    return resultOf(name, answer.structuredContent);
  }

  /** Kills both processes with -9, also stopped ones. */
  kill(): void {
    for (const pid of [this.#server, this.#process]) signal(pid, "SIGKILL");
  }

  /** Stops both. A server stopped within a write would hold up all others. Linux only. */
  async stop(): Promise<void> {
    await stopBetweenWrites(this.#server);
    this.stopClient();
  }

  /** Stops the client's process; its server goes on. */
  stopClient(): void {
    signal(this.#process, "SIGSTOP");
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
