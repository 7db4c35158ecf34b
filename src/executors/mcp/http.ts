import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { codeOf } from "../../base/errors.js";
import type { McpServer } from "../../base/executor-policy.js";
import { ToolFailure } from "./server.js";

/** Size of an answer, or of one event in a stream of them. */
const ANSWER_BYTES_MAX = 10 * 1024 * 1024;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/**
 * Message that Baton adds after a stream of events: the stream is over. It takes the way of all messages, so that it is
 * the last.
 */
const OVER = "baton/stream_over";
/** How often a broken stream is asked for again, in vain, before its request is lost. */
const RESUMES_MAX = 2;
const RECONNECTION = {
  initialReconnectionDelay: 1_000,
  maxReconnectionDelay: 30_000,
  reconnectionDelayGrowFactor: 1.5,
  maxRetries: RESUMES_MAX,
};
/** A code of JSON-RPC for what a server leaves open; its `data` says what it is. */
const UNANSWERED = -32_000;

type Message = Exclude<Parameters<StreamableHTTPClientTransport["send"]>[0], readonly unknown[]>;
type SendOptions = Parameters<StreamableHTTPClientTransport["send"]>[1];

/** A request without its answer. */
interface Request {
  readonly id: string | number;
  /** Its answer comes as a stream of events. */
  streamed: boolean;
  /** It can be asked for again after a broken stream: that has said from where. */
  resumable: boolean;
  /** The last event of it that has come. */
  lastEvent?: string;
  /** How often it was asked for again in vain, since its stream broke. */
  vain: number;
  /** Nothing answers it any more. */
  readonly lose: (failure: ToolFailure) => void;
  /** The failure of its stream. */
  failure?: ToolFailure;
  cut?: ToolFailure;
}

/** The requests under way, by their ids. */
type Requests = Map<string, Request>;

/**
 * A server over Streamable HTTP. It follows redirects within its origin only, so that its headers go nowhere else. Unlike
 * the SDK's own transport it says of a request that nothing answers any more that it is lost: as an error of that request
 * whose `data` is a `ToolFailure`, which no server can send.
 */
export class HttpServer extends StreamableHTTPClientTransport {
  readonly #requests: Requests;

  constructor({ url, headers }: Extract<McpServer, { type: "http" }>, requests: Requests = new Map()) {
    super(new URL(url), {
      requestInit: { headers: { ...headers } },
      reconnectionOptions: RECONNECTION,
      fetch: (input, init) => boundedFetch(input, init, requests),
    });
    this.#requests = requests;
  }

  override async start(): Promise<void> {
    // The connecting client has set this before.
    const deliver = this.onmessage;
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's transport is no event target
    this.onmessage = (message: Message) => {
      if ("method" in message && message.method === OVER) {
        this.#over(String(message.params?.["id"]));
        return;
      }
      if (!("method" in message)) this.#requests.delete(String(message.id));
      deliver?.(message);
    };
    await super.start();
  }

  override async send(message: Message, options?: SendOptions): Promise<void> {
    if (!("method" in message)) return super.send(message, options);
    // An answer to what was called off is not waited for.
    if (message.method === "notifications/cancelled") this.#requests.delete(String(message.params?.["requestId"]));
    if (!("id" in message)) return super.send(message, options);
    const key = String(message.id);
    const lose = (failure: ToolFailure): void => this.#lose(key, failure);
    const request: Request = { id: message.id, streamed: false, resumable: false, vain: 0, lose };
    this.#requests.set(key, request);
    const onresumptiontoken = (event: string): void => {
      request.resumable = true;
      request.lastEvent = event;
    };
    try {
      await super.send(message, { ...options, onresumptiontoken });
    } catch (error) {
      this.#requests.delete(key);
      throw error;
    }
    if (!request.streamed) this.#lose(key, new ToolFailure("invalid_answer", "it took the request and gave no answer"));
  }

  #over(key: string): void {
    const request = this.#requests.get(key);
    if (request === undefined || (request.resumable && request.failure === undefined)) return;
    const ended = new ToolFailure("server_unavailable", "it ended its stream without an answer");
    this.#lose(key, request.failure ?? request.cut ?? ended);
  }

  #lose(key: string, failure: ToolFailure): void {
    const request = this.#requests.get(key);
    if (request === undefined) return;
    const error = { code: UNANSWERED, message: failure.message, data: failure };
    this.onmessage?.({ jsonrpc: "2.0", id: request.id, error });
  }
}

async function boundedFetch(input: string | URL, init: RequestInit | undefined, requests: Requests): Promise<Response> {
  const resumed = resumedBy(init, requests);
  const response = await (resumed === undefined ? fetch(input, init) : fetchAgain(input, init, resumed));
  if (response.body === null) return response;
  const { status, statusText, headers } = response;
  const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "text/event-stream") {
    return new Response(response.body.pipeThrough(bounded(new Whole())), { status, statusText, headers });
  }
  const events = response.body.pipeThrough(bounded(new Events()));
  const request = resumed ?? requests.get(idOf(init));
  if (request === undefined || !response.ok || status === ACCEPTED) {
    return new Response(events, { status, statusText, headers });
  }
  request.streamed = true;
  return new Response(withEnd(events, request), { status, statusText, headers });
}

const ACCEPTED = 202;
const NO_STREAMS = 405;

/** The request whose broken stream is asked for again. */
function resumedBy(init: RequestInit | undefined, requests: Requests): Request | undefined {
  const event = init?.method === "GET" ? new Headers(init.headers).get("last-event-id") : null;
  return event === null ? undefined : [...requests.values()].find(({ lastEvent }) => lastEvent === event);
}

/** The SDK does not say which request it has given up, so failed attempts are counted as it counts them. */
async function fetchAgain(input: string | URL, init: RequestInit | undefined, request: Request): Promise<Response> {
  try {
    const response = await fetch(input, init);
    if (response.ok) {
      // It is to say anew from where it can be resumed: the SDK remembers that of one stream only.
      request.vain = 0;
      request.resumable = false;
    } else if (response.status >= 400) inVain(request, `HTTP ${response.status}`, response.status === NO_STREAMS);
    return response;
  } catch (error) {
    inVain(request, socketCodeOf(error) || "no answer", false);
    throw error;
  }
}

function inVain(request: Request, why: string, isLast: boolean): void {
  request.vain += 1;
  if (!isLast && request.vain < RESUMES_MAX) return;
  const said = `its stream broke off before an answer and could not be resumed (${why})`;
  request.lose(new ToolFailure("server_unavailable", said));
}

/** Returns the id of a request that is sent; empty for anything else. */
function idOf(init: RequestInit | undefined): string {
  if (init?.method !== "POST" || typeof init.body !== "string") return "";
  const { id, method } = JSON.parse(init.body) as { id?: string | number; method?: string };
  return id === undefined || method === undefined ? "" : String(id);
}

/** A request's stream with a last message that says that it is over, however it has ended. */
function withEnd(events: ReadableStream<Uint8Array>, request: Request): ReadableStream<Uint8Array> {
  const reader = events.getReader();
  const over = JSON.stringify({ jsonrpc: "2.0", method: OVER, params: { id: request.id } });
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) {
          controller.enqueue(value);
          return;
        }
      } catch (error) {
        // A stream that was cut off may continue in another one.
        if (error instanceof ToolFailure) request.failure = error;
        else request.cut = cutOff(error);
      }
      controller.enqueue(new TextEncoder().encode(`\n\ndata: ${over}\n\n`));
      controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function cutOff(error: unknown): ToolFailure {
  const code = socketCodeOf(error);
  const said = `its stream was cut off before an answer${code === "" ? "" : ` (${code})`}`;
  return new ToolFailure("server_unavailable", said);
}

/** Returns the code of a socket error, as `ECONNRESET`; empty without one. */
export function socketCodeOf(error: unknown): string {
  return (error instanceof Error && codeOf(error.cause)) || "";
}

/** How many bytes an answer has, as far as it has come. */
interface Count {
  add(chunk: Uint8Array): number;
}

class Whole implements Count {
  #bytes = 0;

  add(chunk: Uint8Array): number {
    this.#bytes += chunk.length;
    return this.#bytes;
  }
}

/** Each event by itself: it ends at an empty line, and is kept until then. */
class Events implements Count {
  #bytes = 0;
  #lineIsEmpty = true;
  #last = 0;

  add(chunk: Uint8Array): number {
    for (const byte of chunk) {
      this.#bytes += 1;
      const endsLine = byte === CARRIAGE_RETURN || (byte === NEWLINE && this.#last !== CARRIAGE_RETURN);
      if (endsLine && this.#lineIsEmpty) this.#bytes = 0;
      if (endsLine) this.#lineIsEmpty = true;
      else if (byte !== NEWLINE) this.#lineIsEmpty = false;
      this.#last = byte;
    }
    return this.#bytes;
  }
}

/** Breaks off what is too much. */
function bounded(count: Count): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      if (count.add(chunk) <= ANSWER_BYTES_MAX) controller.enqueue(chunk);
      else controller.error(new ToolFailure("invalid_answer", `an answer of more than ${ANSWER_BYTES_MAX} bytes`));
    },
  });
}
