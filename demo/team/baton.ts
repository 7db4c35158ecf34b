import os from "node:os";
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
  /** The copy that the clients work on; Baton's project. */
  readonly repository: string;
  /** The database that all servers share. */
  readonly database: string;
}

/** A client as its server sees it: a name, and the id of the conversation, which a restart keeps. */
export interface Identity {
  readonly name: string;
  readonly conversation: string;
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

/** Environment of servers, hooks and git: your configuration, identity and signing keys have no part in the demo, nor it in your data. */
export function environmentOf({ database }: Place, { name, conversation }: Identity): Record<string, string> {
  const own = path.join(path.dirname(database), "home");
  const known: Record<string, string> = name === "claude-code" ? { CLAUDE_CODE_SESSION_ID: conversation } : {};
  return {
    ...getDefaultEnvironment(),
    XDG_CONFIG_HOME: own,
    XDG_DATA_HOME: own,
    BATON_DB: database,
    GIT_CONFIG_GLOBAL: os.devNull,
    GIT_CONFIG_NOSYSTEM: "1",
    ...known,
  };
}

/** Codex names its conversation in every call; Claude Code in the environment; Cursor tells a server of none. */
function metaOf({ name, conversation }: Identity): { _meta?: Record<string, unknown> } {
  return name === "codex" ? { _meta: { "x-codex-turn-metadata": { session_id: conversation } } } : {};
}

/** A connection to Baton as an assistant has it: the SDK's client on a stdio server of its own. */
export class Baton {
  readonly #client: Client;
  readonly #transport: StdioClientTransport;
  readonly #meta: { _meta?: Record<string, unknown> };

  private constructor(client: Client, transport: StdioClientTransport, identity: Identity) {
    this.#client = client;
    this.#transport = transport;
    this.#meta = metaOf(identity);
  }

  static async connect(place: Place, identity: Identity, args: readonly string[] = []): Promise<Baton> {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [path.join(place.home, "dist/main.js"), ...args],
      cwd: place.repository,
      env: environmentOf(place, identity),
    });
    const client = new Client({ name: identity.name, version: "1" });
    await client.connect(transport);
    return new Baton(client, transport, identity);
  }

  /** The process id of the server. */
  get server(): number {
    const { pid } = this.#transport;
    if (pid === null) throw new Error("the server has ended");
    return pid;
  }

  /** Calls a tool. Throws `BatonRefusal` where the answer is an error. */
  async call<N extends OperationName>(tool: N, given: InputOf<N>): Promise<ResultOf<N>> {
    const answer = await this.#client.callTool({ name: tool, arguments: given, ...this.#meta });
    if (answer.isError === true) throw new BatonRefusal(failure.parse(answer.structuredContent).error);
    return resultOf(tool, answer.structuredContent);
  }

  /** Reads through one of the operations that are not listed as tools. */
  async query<N extends OperationName>(name: N, given: InputOf<N>): Promise<ResultOf<N>> {
    const { result } = await this.call("query_operation", { name, arguments: given });
    return resultOf(name, result);
  }

  /** Writes through one of the operations that are not listed as tools. */
  async operate<N extends OperationName>(name: N, given: InputOf<N>): Promise<ResultOf<N>> {
    const { result } = await this.call("call_operation", { name, arguments: given });
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
