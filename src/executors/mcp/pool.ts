import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { McpConnection, ServerToolCall } from "./client.js";
import type { McpServer } from "../../base/executor-policy.js";
import { endedBy, Redactor, ToolFailure } from "./server.js";
import { aborted } from "../processes/limit.js";
import { SUPERVISOR_MARGIN_MS, KILL_WAIT_MS } from "../processes/process-tree.js";

export interface PoolParts {
  readonly servers: readonly McpServer[];
  readonly version: string;
  /** Of this process; see `ClientParts`. */
  readonly mark: string;
  /** Takes secrets of well-known forms out of a text. */
  readonly redact: (text: string) => string;
  readonly times: () => { readonly startTimeoutMs: number; readonly idleMs: number };
}

/** A server's connection, and who uses it. */
interface Entry {
  readonly connection: Promise<McpConnection>;
  /** Breaks off its start. */
  readonly stop: AbortController;
  calls: number;
  idle?: NodeJS.Timeout;
}

/** Of this process, ever: with its pid no two marks on a host are the same, whatever the pools are called. */
let connections = 0;

/** An idle server has nothing to lose by its end. */
const IDLE_GRACE_MS = 2_000;

/**
 * The connections of this process to other MCP servers: one for each, made by the first call that needs it, shared by those
 * that come while it stands, closed when it has had nothing to do for a while. One that breaks takes its calls with it; the
 * next call makes a new one.
 */
export class McpPool {
  readonly #parts: PoolParts;
  readonly #servers: ReadonlyMap<string, McpServer>;
  readonly #entries = new Map<string, Entry>();
  /** Connections that are closing. */
  readonly #closing = new Set<Promise<void>>();
  #closed = false;

  constructor(parts: PoolParts) {
    this.#parts = parts;
    this.#servers = new Map(parts.servers.map((server) => [server.name, server]));
  }

  /** Calls a tool of a server. Errors: `ToolFailure`, as `McpConnection.call`. */
  async call(server: string, call: ServerToolCall, signal: AbortSignal): Promise<CallToolResult> {
    const configured = this.#configured(server);
    if (this.#closed) throw new ToolFailure("server_unavailable", "this server is stopping");
    const entry = this.#entries.get(server) ?? this.#open(configured);
    entry.calls += 1;
    clearTimeout(entry.idle);
    try {
      const ended = aborted(signal).catch(() => {
        throw endedBy(signal, `the MCP server "${server}" was still being started`);
      });
      const connection = await Promise.race([entry.connection, ended]);
      return await connection.call(call, signal);
    } finally {
      entry.calls -= 1;
      if (entry.calls === 0 && this.#entries.get(server) === entry) this.#leaveIdle(server, entry);
    }
  }

  /** For what a server has said. Errors: `ToolFailure` for one that is not configured. */
  redactor(name: string): Redactor {
    return new Redactor(this.#configured(name), this.#parts.redact);
  }

  /** Ends all of them, within `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    for (const [name, entry] of this.#entries) this.#remove(name, entry, graceMs);
    // Its supervisor's time, and that of what ends a supervisor that is stuck.
    const boundMs = graceMs + SUPERVISOR_MARGIN_MS + KILL_WAIT_MS;
    let timer: NodeJS.Timeout | undefined;
    const left = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, boundMs);
    });
    await Promise.race([Promise.all(this.#closing), left]);
    clearTimeout(timer);
  }

  /** Calls made while it starts wait for the same start. A caller that leaves does not end it: others may need it. */
  #open(server: McpServer): Entry {
    const stop = new AbortController();
    const entry: Entry = { connection: this.#connect(server, stop.signal), stop, calls: 0 };
    const forget = () => {
      clearTimeout(entry.idle);
      if (this.#entries.get(server.name) === entry) this.#entries.delete(server.name);
    };
    const watch = (connection: McpConnection): void => {
      connection.onEnd = forget;
      // It may have ended before the listener was added.
      if (!connection.isOpen) forget();
    };
    entry.connection.then(watch, forget);
    this.#entries.set(server.name, entry);
    return entry;
  }

  #configured(name: string): McpServer {
    const server = this.#servers.get(name);
    if (server === undefined) throw new ToolFailure("server_not_configured", `"${name}" is not configured here`);
    return server;
  }

  async #connect(server: McpServer, signal: AbortSignal): Promise<McpConnection> {
    // Loaded with the first call: a process that calls no tool pays nothing for it.
    const { McpConnection } = await import("./client.js");
    const { version, mark, times } = this.#parts;
    connections += 1;
    const parts = {
      server,
      version,
      mark: `${mark}-${process.pid}-${connections}`,
      redactor: this.redactor(server.name),
    };
    return McpConnection.open(parts, times().startTimeoutMs, signal);
  }

  #leaveIdle(name: string, entry: Entry): void {
    entry.idle = setTimeout(() => this.#remove(name, entry, IDLE_GRACE_MS), this.#parts.times().idleMs).unref();
  }

  #remove(name: string, entry: Entry, graceMs: number): void {
    clearTimeout(entry.idle);
    if (this.#entries.get(name) === entry) this.#entries.delete(name);
    // Does nothing to one that stands.
    entry.stop.abort(new ToolFailure("server_unavailable", "this server is stopping"));
    // A connection that failed to open has closed itself.
    const closing = entry.connection
      .then((connection) => connection.close(graceMs))
      .catch(() => {})
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
