import path from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { getDefaultEnvironment, StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import type { InputOf, OperationName, ResultOf } from "../../src/tools/registry.js";
import { resultOf } from "../../test/support/servers/result-of.js";

/** Where a process of the demo finds everything. */
export interface Place {
  /** This repository: where the built server lies. */
  readonly home: string;
  /** The copy that the agents work on; Baton's project. */
  readonly repository: string;
  /** The database that all servers share. */
  readonly database: string;
}

/** An answer of Baton that is an error: what happened, and what can be done about it. */
export class BatonRefusal extends Error {
  readonly code: string;

  constructor({ code, message }: { code: string; message: string }) {
    super(`${code}: ${message}`);
    this.name = "BatonRefusal";
    this.code = code;
  }
}

const failure = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** A connection to Baton as an assistant has it: the SDK's client on a stdio server of its own. */
export class Baton {
  readonly #client: Client;
  readonly #transport: StdioClientTransport;

  private constructor(client: Client, transport: StdioClientTransport) {
    this.#client = client;
    this.#transport = transport;
  }

  static async connect(place: Place, name: string, args: readonly string[] = []): Promise<Baton> {
    const own = path.join(path.dirname(place.database), "home");
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [path.join(place.home, "dist/main.js"), ...args],
      cwd: place.repository,
      // A home of its own keeps your configuration out of the demo, and the demo out of your data.
      env: { ...getDefaultEnvironment(), XDG_CONFIG_HOME: own, XDG_DATA_HOME: own, BATON_DB: place.database },
    });
    const client = new Client({ name, version: "1" });
    await client.connect(transport);
    return new Baton(client, transport);
  }

  /** The process id of the server. */
  get server(): number {
    const { pid } = this.#transport;
    if (pid === null) throw new Error("the server has ended");
    return pid;
  }

  /** Calls a tool. Throws `BatonRefusal` where the answer is an error. */
  async call<N extends OperationName>(tool: N, given: InputOf<N>): Promise<ResultOf<N>> {
    const answer = await this.#client.callTool({ name: tool, arguments: given });
    if (answer.isError === true) throw new BatonRefusal(failure.parse(answer.structuredContent).error);
    return resultOf(tool, answer.structuredContent);
  }

  /** Reads through one of the operations that are not listed as tools. */
  async query<N extends OperationName>(name: N, given: InputOf<N>): Promise<ResultOf<N>> {
    const { result } = await this.call("query_operation", { name, arguments: given });
    return resultOf(name, result);
  }

  /** Has `changed` called whenever the resource changes, by whatever process. */
  async subscribe(uri: string, changed: () => void): Promise<void> {
    this.#client.setNotificationHandler(ResourceUpdatedNotificationSchema, changed);
    await this.#client.subscribeResource({ uri });
  }

  /** Closes the server's input, which ends it. */
  async close(): Promise<void> {
    await this.#client.close();
  }
}
