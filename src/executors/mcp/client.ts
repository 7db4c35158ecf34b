import { NAMES_SHOWN_MAX } from "../../base/limits.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import {
  type CallToolResult,
  CallToolResultSchema,
  ErrorCode,
  ListToolsResultSchema,
  McpError,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { hint } from "../../base/names.js";
import { aborted, TIMER_MS_MAX, underLimit } from "../processes/limit.js";
import type { McpServer } from "../../base/executor-policy.js";
import { endedBy, type Redactor, SAID_CHARS_MAX, ToolFailure } from "./server.js";
import { HttpServer, socketCodeOf } from "./http.js";
import { StdioServer } from "./stdio.js";

export interface ClientParts {
  readonly server: McpServer;
  readonly version: string;
  /** Tells the servers that this process starts from all others on this host. */
  readonly mark: string;
  readonly redactor: Redactor;
}

export interface ServerToolCall {
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** Longer than any call: how long one may take is said by its signal. */
const NEVER_MS = TIMER_MS_MAX;
/** Time a server has to answer a ping. */
const PING_MS = 2_000;
const PAGES_MAX = 100;
const METHOD_NOT_FOUND: number = ErrorCode.MethodNotFound;
const REQUEST_TIMEOUT: number = ErrorCode.RequestTimeout;
const INVALID_PARAMS: number = ErrorCode.InvalidParams;

/** State of a server whose list of tools cannot be read or has no end: the call itself shows whether there is such a tool. */
const UNLISTED = "unlisted";
type Names = ReadonlySet<string> | typeof UNLISTED;

/**
 * A connection to one MCP server, shared by all that call it. It offers the server nothing but calls: no sampling, no
 * questions, no roots. What the server answers is data.
 */
export class McpConnection {
  readonly #server: McpServer;
  readonly #client: Client;
  readonly #transport: StdioServer | HttpServer;
  readonly #redactor: Redactor;
  /** Of its tools; undefined where they must be asked for. */
  #names: Names | undefined;
  #isOpen = true;
  #probing = false;
  #broken: ToolFailure | undefined;
  /** Called once, when it cannot be used any more. */
  onEnd: () => void = () => {};

  private constructor({ server, version, mark, redactor }: ClientParts) {
    this.#server = server;
    this.#redactor = redactor;
    this.#transport = server.type === "stdio" ? new StdioServer({ server, mark, redactor }) : new HttpServer(server);
    this.#client = new Client({ name: "baton", version }, { capabilities: {} });
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's client is no event target
    this.#client.onclose = () => this.#end();
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's client is no event target
    this.#client.onerror = (error) => this.#trouble(error);
    this.#client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
      this.#names = undefined;
    });
  }

  /** Starts or reaches the server and shakes hands, unless `stop` comes first. Errors: `ToolFailure`. */
  static async open(parts: ClientParts, timeoutMs: number, stop?: AbortSignal): Promise<McpConnection> {
    const connection = new McpConnection(parts);
    return underLimit({ ms: timeoutMs, signal: stop }, async (signal) => {
      try {
        await Promise.race([connection.#handshake(signal), aborted(signal)]);
        return connection;
      } catch (error) {
        const failure = connection.#failureOf(error, signal);
        await connection.close(0);
        if (signal.reason instanceof ToolFailure) throw signal.reason;
        throw failure.type === "timeout"
          ? connection.#failure(
              connection.#isGarbage ? "invalid_answer" : "server_unavailable",
              `was not ready within ${timeoutMs} ms`,
            )
          : failure;
      }
    });
  }

  async #handshake(signal: AbortSignal): Promise<void> {
    // The SDK types its own transport's session id as optional in another way than its interface.
    const transport = this.#transport as Parameters<Client["connect"]>[0];
    await underLimit({ signal }, (own) => this.#client.connect(transport, { signal: own, timeout: NEVER_MS }));
    this.#names = await this.#list(signal);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Calls a tool. Errors: `ToolFailure` with the type `server_unavailable`, `tool_not_found`, `tool_error`, `invalid_arguments`,
   * `invalid_answer`, or `timeout` and `cancelled` for a signal that came, as its reason says.
   */
  async call({ tool, arguments: given }: ServerToolCall, signal: AbortSignal): Promise<CallToolResult> {
    try {
      await this.#requireTool(tool, signal);
      const params = { name: tool, arguments: { ...given } };
      return await underLimit({ signal }, (own) => {
        const options = { signal: own, timeout: NEVER_MS };
        return this.#client.request({ method: "tools/call", params }, CallToolResultSchema, options);
      });
    } catch (error) {
      // It was told that the call is off. Whether it has heard, and will hear the next one, is seen by itself.
      if (signal.aborted || lostBy(error) !== undefined) void this.#probe();
      throw this.#failureOf(error, signal);
    }
  }

  /** Ends the connection, and the server if it was started for it. */
  async close(graceMs: number): Promise<void> {
    this.#end();
    const transport = this.#transport;
    if (transport instanceof StdioServer) {
      await transport.end(graceMs);
      return;
    }
    const left = new Promise((resolve) => setTimeout(resolve, graceMs).unref());
    // A server that does not let go of the session forgets it by itself.
    await Promise.race([transport.terminateSession().catch(() => {}), left]);
    await transport.close();
  }

  async #requireTool(tool: string, signal: AbortSignal): Promise<void> {
    // Asked once more before it is said that there is none: not every server tells that its tools have changed.
    if (this.#names === UNLISTED || this.#names?.has(tool) === true) return;
    const known = await this.#list(signal);
    this.#names = known;
    if (known === UNLISTED || known.has(tool)) return;
    const names = [...known];
    const more = names.length > NAMES_SHOWN_MAX ? `, and ${names.length - NAMES_SHOWN_MAX} more` : "";
    const said = `has no tool "${tool}"${hint(tool, names)}; it has ${names.slice(0, NAMES_SHOWN_MAX).join(", ") || "none"}${more}`;
    throw this.#failure("tool_not_found", said, { retryable: false });
  }

  async #list(signal: AbortSignal): Promise<Names> {
    const names = new Set<string>();
    let cursor: string | undefined;
    for (let page = 0; page < PAGES_MAX; page++) {
      const params = cursor === undefined ? {} : { cursor };
      try {
        const list = await underLimit({ signal }, (own) => {
          const options = { signal: own, timeout: NEVER_MS };
          return this.#client.request({ method: "tools/list", params }, ListToolsResultSchema, options);
        });
        for (const { name } of list.tools) names.add(name);
        cursor = list.nextCursor;
      } catch (error) {
        if (error instanceof McpError && error.code === METHOD_NOT_FOUND) return names;
        if (isMisshapen(error)) return UNLISTED;
        if (error instanceof McpError && error.code === INVALID_PARAMS) {
          const said = this.#redactor.start(error.message, SAID_CHARS_MAX);
          throw this.#failure("invalid_answer", `does not list its tools: ${said}`);
        }
        throw error;
      }
      if (cursor === undefined) return names;
    }
    return UNLISTED;
  }

  /** Records trouble outside of an answer: over HTTP it is the only sign that a server is gone. */
  #trouble(error: Error): void {
    if (error instanceof ToolFailure) this.#broken = error;
    if (this.#transport instanceof StdioServer) return;
    void this.#probe();
  }

  /** Ends a connection whose server does not answer any more, so that the next call gets a new one. */
  async #probe(): Promise<void> {
    if (this.#probing || !this.#isOpen) return;
    this.#probing = true;
    try {
      await this.#client.ping({ timeout: PING_MS });
    } catch (error) {
      // A server that refuses the ping as unknown is alive.
      const answered = this.#isOpen && error instanceof McpError && error.code !== REQUEST_TIMEOUT && !lostBy(error);
      if (!answered) await this.close(0);
    } finally {
      this.#probing = false;
    }
  }

  #end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.onEnd();
  }

  get #isGarbage(): boolean {
    return this.#transport instanceof StdioServer && this.#transport.isGarbage;
  }

  #failureOf(error: unknown, signal: AbortSignal): ToolFailure {
    if (error instanceof ToolFailure) return this.#worded(error);
    if (signal.aborted) {
      return endedBy(signal, `the call of "${this.#server.name}" was ended`);
    }
    const lost = lostBy(error);
    if (lost !== undefined) return this.#worded(lost);
    if (this.#broken !== undefined) return this.#worded(this.#broken);
    if (isMisshapen(error)) return this.#failure("invalid_answer", "returned an invalid answer to a call");
    const said = error instanceof Error ? this.#redactor.start(error.message, SAID_CHARS_MAX) : "";
    if (this.#isOpen && error instanceof McpError) {
      return error.code === INVALID_PARAMS
        ? this.#failure("invalid_arguments", `refused the arguments: ${said}`, { retryable: false })
        : this.#failure("tool_error", `answered with an error: ${said}`);
    }
    if (this.#isGarbage) return this.#failure("invalid_answer", "does not speak MCP");
    const notMcp = error instanceof Error && "code" in error && error.code === -1;
    if (notMcp) return this.#failure("invalid_answer", `does not speak MCP: ${said}`);
    return this.#failure("server_unavailable", `cannot be reached${reasonOf(error, said)}`);
  }

  #worded({ type, message, retryable }: ToolFailure): ToolFailure {
    return message.startsWith(PREFIX)
      ? new ToolFailure(type, message, { retryable })
      : this.#failure(type, `failed: ${message}`, { retryable });
  }

  #failure(type: string, said: string, options?: { retryable: boolean }): ToolFailure {
    const remains = this.#transport instanceof StdioServer && !this.#isOpen ? this.#transport.remains : "";
    return new ToolFailure(
      type,
      `${PREFIX}"${this.#server.name}" ${said}${remains === "" ? "" : `; ${remains}`}`,
      options,
    );
  }
}

const PREFIX = "the MCP server ";

/** Why nothing answers a request any more; see `HttpServer`. */
function lostBy(error: unknown): ToolFailure | undefined {
  return error instanceof McpError && error.data instanceof ToolFailure ? error.data : undefined;
}

/** Recognises the errors that the SDK throws for a misshapen message: zod's, or the parser's. */
function isMisshapen(error: unknown): boolean {
  return error instanceof SyntaxError || (error instanceof Error && error.name.endsWith("ZodError"));
}

/** Why it could not be reached, without its address. */
function reasonOf(error: unknown, said: string): string {
  if (error instanceof McpError) return "";
  const code = socketCodeOf(error);
  return `${said === "" ? "" : `: ${said}`}${code === "" ? "" : ` (${code})`}`;
}
