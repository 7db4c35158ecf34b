import type { Readable, Writable } from "node:stream";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { isJSONRPCRequest, type JSONRPCMessage, JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js";
import { isObject } from "../../base/json.js";
import { LineReader, type OversizedLine } from "./lines.js";
import { textOf } from "./prepared.js";
import { INVALID_PARAMS } from "./refusals.js";
import { misshapen } from "./request-shapes.js";

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;
/** Requests under way at once, and their bytes: beyond either, further input is left in the pipe until some are answered. */
const UNANSWERED_MAX = 1_000;
const UNANSWERED_BYTES_MAX = 32_000_000;
const MESSAGE_DEPTH_MAX = 1_000;

export interface StdioOptions {
  readonly input?: Readable;
  readonly output?: Writable;
  readonly lineBytesMax: number;
  /** The answer to a tool call that is too long to be read. */
  refusal(): Promise<Record<string, unknown>>;
}

/** Bytes of this process over stdin and stdout since its start: pipes and sockets count what they carry, a file does not. */
export function stdioBytes(): { readonly in: number; readonly out: number } {
  const [input, output]: [Partial<NodeJS.ReadStream>, Partial<NodeJS.WriteStream>] = [process.stdin, process.stdout];
  return { in: input.bytesRead ?? 0, out: output.bytesWritten ?? 0 };
}

/**
 * MCP over stdin and stdout. The SDK's own transport closes for good at a line above its buffer, copies the buffer with
 * every chunk, and says nothing of the end of its input or of lines that are no JSON-RPC; this one answers each line
 * and goes on. Nothing else in the process may write to stdout.
 */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: NonNullable<Transport["onmessage"]>;
  /** Settles once nothing more can come in, or nothing more can go out. */
  readonly ended: Promise<void>;
  readonly #options: StdioOptions;
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #lines: LineReader;
  /** Requests without an answer, with the bytes of each. */
  readonly #unanswered = new Map<string | number, number>();
  #unansweredBytes = 0;
  /** Answers that the client has not read yet hold further requests up. */
  #outputIsFull = false;
  #closed = false;
  #end: () => void = () => {};
  #answered: () => void = () => {};

  constructor(options: StdioOptions) {
    this.#options = options;
    this.#input = options.input ?? process.stdin;
    this.#output = options.output ?? process.stdout;
    this.#lines = new LineReader(options.lineBytesMax);
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  async start(): Promise<void> {
    this.#input.on("data", this.#read);
    this.#input.on("end", this.#end);
    this.#input.on("close", this.#end);
    this.#input.on("error", this.#fail);
    this.#output.on("error", this.#fail);
  }

  send(message: JSONRPCMessage): Promise<void> {
    if ("id" in message && !("method" in message) && message.id !== undefined) {
      this.#forget(message.id);
      if (this.#unanswered.size === 0) this.#answered();
    }
    return new Promise((resolve) => {
      if (this.#output.write(`${textOf(message)}\n`)) return resolve();
      this.#outputIsFull = true;
      this.#balance();
      this.#output.once("drain", () => {
        this.#outputIsFull = false;
        this.#balance();
        resolve();
      });
    });
  }

  #forget(id: string | number): void {
    this.#unansweredBytes -= this.#unanswered.get(id) ?? 0;
    this.#unanswered.delete(id);
    this.#balance();
  }

  /** Leaves input in the pipe while there is too much to answer, so that a client that sends without reading waits, not the memory. */
  #balance(): void {
    const isFull =
      this.#outputIsFull || this.#unanswered.size >= UNANSWERED_MAX || this.#unansweredBytes >= UNANSWERED_BYTES_MAX;
    if (isFull) this.#input.pause();
    else if (!this.#closed && this.#input.isPaused()) this.#input.resume();
  }

  /** Settles when every request that came in has been answered or cancelled. */
  async drained(): Promise<void> {
    if (this.#unanswered.size > 0) await new Promise<void>((resolve) => (this.#answered = resolve));
  }

  async close(): Promise<void> {
    this.#input.off("data", this.#read);
    this.#input.off("end", this.#end);
    this.#input.off("close", this.#end);
    this.#closed = true;
    this.#input.pause();
    this.onclose?.();
  }

  readonly #fail = (error: Error): void => {
    this.onerror?.(error);
    this.#end();
  };

  readonly #read = (chunk: Buffer): void => {
    for (const line of this.#lines.push(chunk)) {
      if (line.kind === "oversized") this.#refuse(line);
      else if (line.text.trim() !== "") this.#accept(line.text);
    }
  };

  #accept(text: string): void {
    let data: unknown;
    try {
      data = withoutNulls(JSON.parse(text.replace(/^\uFEFF/, "")));
    } catch {
      this.#complain(PARSE_ERROR, "Parse error: the line is no JSON");
      return;
    }
    const message = JSONRPCMessageSchema.safeParse(data);
    if (!message.success) {
      this.#complain(INVALID_REQUEST, "Invalid request: the line is not a JSON-RPC 2.0 message", idOf(data));
      return;
    }
    const wrong = isJSONRPCRequest(message.data) ? misshapen(message.data) : undefined;
    if (wrong !== undefined) {
      this.#complain(INVALID_PARAMS, wrong, idOf(data));
      return;
    }
    // The SDK writes out a response that it does not expect, recursively: a deep one would end the process.
    if (!isJSONRPCRequest(message.data) && isDeeperThan(MESSAGE_DEPTH_MAX, message.data)) {
      this.#complain(INVALID_REQUEST, `Invalid request: the line is nested more than ${MESSAGE_DEPTH_MAX} levels deep`);
      return;
    }
    this.#note(message.data, text.length);
    this.onmessage?.(message.data);
  }

  /** Keeps account of what is still to be answered; what is cancelled will not be. */
  #note(message: JSONRPCMessage, bytes: number): void {
    if (!("method" in message)) return;
    if ("id" in message) {
      this.#unansweredBytes -= this.#unanswered.get(message.id) ?? 0;
      this.#unanswered.set(message.id, bytes);
      this.#unansweredBytes += bytes;
      this.#balance();
    }
    const cancelled = message.method === "notifications/cancelled" ? message.params?.["requestId"] : undefined;
    if (typeof cancelled === "string" || typeof cancelled === "number") this.#forget(cancelled);
  }

  #refuse({ id, method, bytes }: OversizedLine): void {
    if (id !== undefined && method === "tools/call") {
      this.#unanswered.set(id, 0);
      this.#options
        .refusal()
        .then((result) => this.send({ jsonrpc: "2.0", id, result }))
        .catch(this.#fail);
      return;
    }
    this.#complain(INVALID_REQUEST, `A message of ${bytes} bytes is larger than ${this.#options.lineBytesMax}`, id);
  }

  #complain(code: number, message: string, id?: string | number): void {
    this.onerror?.(new Error(message));
    // Without an id it says so by leaving it out, as MCP's schema has it; JSON-RPC's null is refused by its clients.
    void this.send({ jsonrpc: "2.0", ...(id !== undefined && { id }), error: { code, message } });
  }
}

/** A message without what some clients write for "absent": `params` that are null, or null in one of them. */
function withoutNulls(data: unknown): unknown {
  if (!isObject(data) || !("params" in data)) return data;
  const { params, ...message } = data;
  if (params === null) return message;
  if (!isObject(params)) return data;
  return { ...message, params: Object.fromEntries(Object.entries(params).filter(([, value]) => value !== null)) };
}

function isDeeperThan(levels: number, value: unknown): boolean {
  let layer: unknown[] = [value];
  for (let depth = 0; layer.length > 0; depth++) {
    if (depth > levels) return true;
    layer = layer.flatMap((one): unknown[] => (typeof one === "object" && one !== null ? Object.values(one) : []));
  }
  return false;
}

function idOf(data: unknown): string | number | undefined {
  if (typeof data !== "object" || data === null || !("id" in data)) return undefined;
  return typeof data.id === "string" || typeof data.id === "number" ? data.id : undefined;
}
