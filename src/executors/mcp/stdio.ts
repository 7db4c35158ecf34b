import type { ChildProcess } from "node:child_process";
import { deserializeMessage, serializeMessage } from "@modelcontextprotocol/sdk/shared/stdio.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { minimalEnvironment } from "../processes/environment.js";
import type { FromSupervisor, SupervisorJob, ToSupervisor } from "./supervisor-protocol.js";
import type { McpServer } from "../../base/executor-policy.js";
import { type Redactor, ToolFailure } from "./server.js";
import { SUPERVISOR_MARGIN_MS, ProcessTree } from "../processes/process-tree.js";
import { compiledModule, spawnModule } from "../processes/spawn.js";

/** Of one line: a message beyond that is garbage. */
const LINE_BYTES_MAX = 10 * 1024 * 1024;
/** Bytes that a server may leave unread. */
const UNREAD_BYTES_MAX = 10 * 1024 * 1024;
/** Lines that are no message which a server may write before its first message. */
const GARBAGE_LINES_MAX = 200;
const GARBAGE_SHOWN_CHARS = 200;
const STDERR_SHOWN_CHARS = 1_000;
/** For what is still in the pipes when the supervisor has ended. */
const DRAIN_MS = 500;

export interface StdioParts {
  readonly server: Extract<McpServer, { type: "stdio" }>;
  /** Unlike that of any other process on this host. */
  readonly mark: string;
  readonly redactor: Redactor;
}

/**
 * A server over stdio, under a supervisor of its own, so that it goes when this process does. The SDK's own transport ends only
 * the process that it started, takes up to four seconds for it, and leaves the server to itself after a `kill -9`.
 */
export class StdioServer implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #job: SupervisorJob;
  readonly #redactor: Redactor;
  readonly #lines = new Lines();
  #supervisor: ChildProcess | undefined;
  #tree: ProcessTree | undefined;
  #stderr = Buffer.alloc(0);
  #garbage: { lines: number; first: string } | undefined;
  #understood = false;
  #ended: string | undefined;
  #closed: Promise<void> = Promise.resolve();

  constructor({ server, mark, redactor }: StdioParts) {
    this.#redactor = redactor;
    const { command, args, env, cwd } = server;
    this.#job = { mark, command, args, cwd, env: { ...minimalEnvironment(process.env), ...env } };
  }

  /** Returns the known reasons why it does not answer: how it ended, and its stderr. Redacted. */
  get remains(): string {
    const said = this.#redactor.end(this.#stderr.toString("utf8"), STDERR_SHOWN_CHARS);
    const garbage = this.#garbage;
    return [
      ...(this.#ended === undefined ? [] : [`it ended (${this.#ended})`]),
      ...(garbage ? [`it wrote ${garbage.lines} lines that are not messages, the first: ${garbage.first}`] : []),
      ...(said === "" ? [] : [`its stderr ends with:\n${said}`]),
    ].join("; ");
  }

  /** Whether it has written only what is no message. */
  get isGarbage(): boolean {
    return !this.#understood && this.#garbage !== undefined;
  }

  /** Settles when the server's process is there. Errors: `ToolFailure` `server_unavailable`. */
  async start(): Promise<void> {
    const supervisor = spawnModule(compiledModule("mcp-supervisor"), ["pipe", "pipe", "pipe", "ipc"]);
    this.#supervisor = supervisor;
    // A write fails when the reader has gone, and `exit` reports that.
    supervisor.stdin?.on("error", () => {});
    supervisor.stdout?.on("data", (chunk: Buffer) => this.#read(chunk));
    supervisor.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = Buffer.concat([this.#stderr, chunk]).subarray(-this.#redactor.needed(STDERR_SHOWN_CHARS));
    });
    const started = new Promise<void>((resolve, reject) => {
      const fail = (why: string): void =>
        reject(new ToolFailure("server_unavailable", `it could not be started: ${why}`));
      supervisor.once("error", (error) => fail(error.message));
      supervisor.once("exit", (code) => fail(this.#ended ?? `its supervisor ended with exit code ${code}`));
      supervisor.on("message", (message: FromSupervisor) => {
        if (message.kind === "not_started") fail(message.error);
        else if (message.kind === "ended") this.#ended = message.how;
        else {
          this.#tree = new ProcessTree(this.#job.mark, message.pid);
          resolve();
        }
      });
    });
    this.#closed = this.#whenOver(supervisor);
    this.#tell({ kind: "run", job: this.#job });
    await started;
  }

  async #whenOver(supervisor: ChildProcess): Promise<void> {
    await new Promise<void>((resolve) => {
      supervisor.once("close", () => resolve());
      supervisor.once("error", () => resolve());
      supervisor.once("exit", () => setTimeout(resolve, DRAIN_MS).unref());
    });
    // A supervisor that was killed itself has left the server behind.
    await this.#tree?.end(0);
    this.onclose?.();
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#supervisor?.stdin;
    if (!stdin?.writable) throw new ToolFailure("server_unavailable", "it is not there any more");
    // Before the message is added: a long one alone is no sign of that.
    if (stdin.writableLength > UNREAD_BYTES_MAX) {
      const deaf = new ToolFailure("server_unavailable", "it does not read what it is sent");
      this.#end(deaf);
      throw deaf;
    }
    // Not waited for until it is written: a server that does not read must not hold up its callers beyond their time.
    stdin.write(serializeMessage(message));
  }

  /** Ends the server, within two seconds. */
  close(): Promise<void> {
    return this.end(2_000);
  }

  /** Ends the server and all it has started: by the end of its input, then SIGTERM, then SIGKILL. */
  async end(graceMs: number): Promise<void> {
    this.#supervisor?.stdin?.end();
    this.#tell({ kind: "end", graceMs });
    const supervisor = this.#supervisor;
    // Kills a supervisor that is itself stuck, with the same result as a kill by another process.
    const watchdog = setTimeout(() => supervisor?.kill("SIGKILL"), graceMs + SUPERVISOR_MARGIN_MS).unref();
    await this.#closed;
    clearTimeout(watchdog);
  }

  #tell(message: ToSupervisor): void {
    // A supervisor that cannot be told has ended or never begun, and `exit` or `error` says so.
    if (this.#supervisor?.connected === true) this.#supervisor.send(message, () => {});
  }

  #read(chunk: Buffer): void {
    for (const line of this.#lines.append(chunk)) {
      let message: JSONRPCMessage;
      try {
        message = deserializeMessage(line);
      } catch {
        this.#takeGarbage(line);
        continue;
      }
      this.#understood = true;
      this.onmessage?.(message);
    }
    if (this.#lines.bytes > LINE_BYTES_MAX) this.#giveUp(`a line of more than ${LINE_BYTES_MAX} bytes`);
  }

  /** Many a server logs to stdout: what is no message is passed over. */
  #takeGarbage(line: string): void {
    if (line.trim() === "") return;
    this.#garbage ??= { lines: 0, first: this.#redactor.start(line, GARBAGE_SHOWN_CHARS) };
    this.#garbage.lines += 1;
    if (this.isGarbage && this.#garbage.lines >= GARBAGE_LINES_MAX) this.#giveUp("it talks, and not in messages");
  }

  #giveUp(why: string): void {
    this.#lines.clear();
    this.#garbage ??= { lines: 1, first: why };
    this.#understood = false;
    this.#end(new ToolFailure("invalid_answer", why));
  }

  #end(failure: ToolFailure): void {
    this.onerror?.(failure);
    this.#tell({ kind: "end", graceMs: 0 });
  }
}

/** Lines out of a stream of bytes; what has no end yet is kept. */
class Lines {
  #kept: Buffer[] = [];
  bytes = 0;

  append(chunk: Buffer): string[] {
    const last = chunk.lastIndexOf(0x0a);
    if (last < 0) {
      this.#keep(chunk);
      return [];
    }
    const whole = Buffer.concat([...this.#kept, chunk.subarray(0, last)]).toString("utf8");
    this.clear();
    this.#keep(chunk.subarray(last + 1));
    return whole.split("\n");
  }

  clear(): void {
    this.#kept = [];
    this.bytes = 0;
  }

  #keep(chunk: Buffer): void {
    this.#kept.push(chunk);
    this.bytes += chunk.length;
  }
}
