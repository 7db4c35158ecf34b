import {
  type AuthInfo,
  createMcpHandler,
  type CreateMcpHandlerOptions,
  isSpecType,
  type McpServerFactory,
  type ServerEvent,
  type ServerEventBus,
  type SubscriptionFilter,
} from "@modelcontextprotocol/server";
import { isObject } from "../../base/json.js";
import type { Logger } from "../../runtime/logger.js";

export interface TransportParts {
  /** Makes the server of one request. */
  readonly make: McpServerFactory;
  /** Largest body, in bytes. */
  readonly bodyBytesMax: number;
  readonly logger: Logger;
}

/** The events of a subscription. */
export interface Subscription {
  /** The part of the client's filter that it is told of; the capabilities of the server have all of it. */
  readonly honored: SubscriptionFilter;
  /** Ends the stream with its own end; nothing at all is a sign of life. */
  readonly events: AsyncGenerator<readonly ServerEvent[], undefined>;
}

/** A request, with the JSON of its body where that was read already: the SDK copies a request before it reads it. */
export interface McpRequest {
  readonly request: Request;
  readonly body?: unknown;
}

/** MCP over HTTP, where nothing is kept between two requests: both protocols at one address. */
export interface StatelessTransport {
  fetch(read: McpRequest, authInfo?: AuthInfo): Promise<Response>;
  /** Answers `subscriptions/listen` by the frames of its stream; each is made when the one before is taken. Or by what refuses it. */
  listen(
    read: McpRequest,
    subscribe: (filter: SubscriptionFilter) => Promise<Subscription>,
    authInfo?: AuthInfo,
  ): Promise<AsyncGenerator<string, undefined> | Response>;
  close(): Promise<void>;
}

const KEEP_ALIVE = ":\n\n";

export function statelessTransport({ make, bodyBytesMax, logger }: TransportParts): StatelessTransport {
  const options: CreateMcpHandlerOptions = {
    onerror: (error) => logger.debug("protocol", { error }),
    maxRequestBodySize: bodyBytesMax,
  };
  const handler = createMcpHandler(make, options);
  const fetch: StatelessTransport["fetch"] = ({ request, body }, authInfo) =>
    handler.fetch(request, { parsedBody: body, ...(authInfo && { authInfo }) });
  return {
    fetch,
    listen: async (read, subscribe, authInfo) => {
      const { request, body } = read;
      const filter = filterIn(body);
      // A body that is no subscription is answered as it would be without the header, to the same caller.
      if (filter === undefined) return fetch(read, authInfo);
      const { honored, events } = await subscribe(filter);
      const bus = new OneStreamBus(honored);
      const parsedBody = withFilter(body, honored);
      // The SDK writes to its stream whether it is read or not: with a handler of its own each stream is written to as fast as it is read.
      const listening = createMcpHandler(make, { ...options, bus, keepAliveMs: 0 });
      const response = await listening.fetch(request, { parsedBody, ...(authInfo && { authInfo }) });
      const isStream = /^text\/event-stream\b/.test(response.headers.get("content-type") ?? "");
      if (isStream && response.body !== null)
        return frames(response.body, { events, bus, end: () => listening.close() });
      await events.return(undefined);
      return response;
    },
    close: () => handler.close(),
  };
}

interface Feeding {
  readonly events: AsyncGenerator<readonly ServerEvent[], undefined>;
  readonly bus: OneStreamBus;
  readonly end: () => Promise<void>;
}

/** The events of one stream. */
class OneStreamBus implements ServerEventBus {
  readonly #honored: SubscriptionFilter;
  readonly #listeners = new Set<(event: ServerEvent) => void>();

  constructor(honored: SubscriptionFilter) {
    this.#honored = honored;
  }

  /** Whether the stream is open. */
  get isOpen(): boolean {
    return this.#listeners.size > 0;
  }

  /** Whether the stream has this event: the SDK writes no other. */
  takes(event: ServerEvent): boolean {
    const { toolsListChanged, promptsListChanged, resourcesListChanged, resourceSubscriptions = [] } = this.#honored;
    if (event.kind === "resource_updated") return resourceSubscriptions.includes(event.uri);
    const lists = {
      tools_list_changed: toolsListChanged,
      prompts_list_changed: promptsListChanged,
      resources_list_changed: resourcesListChanged,
    };
    return lists[event.kind] === true;
  }

  publish(event: ServerEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  subscribe(listener: (event: ServerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

async function* frames(
  body: ReadableStream<Uint8Array>,
  { events, bus, end }: Feeding,
): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  const written = async () => decoder.decode((await reader.read()).value);
  try {
    // The acknowledgement; where nothing is honored the end follows it at once.
    yield await written();
    if (bus.isOpen) {
      for await (const some of events) {
        if (some.length === 0) yield KEEP_ALIVE;
        for (const event of some.filter((one) => bus.takes(one))) {
          bus.publish(event);
          yield await written();
        }
      }
      await end();
    }
    yield await written();
    return undefined;
  } finally {
    await events.return(undefined);
    await end();
    await reader.cancel();
  }
}

/** The filter of a subscription; undefined where the body is none. */
function filterIn(body: unknown): SubscriptionFilter | undefined {
  const params = isObject(body) && body["method"] === "subscriptions/listen" ? body["params"] : undefined;
  const asked = isObject(params) ? params["notifications"] : undefined;
  return isSpecType.SubscriptionFilter(asked) ? asked : undefined;
}

/** The body with another filter. */
function withFilter(body: unknown, notifications: SubscriptionFilter): unknown {
  if (!isObject(body) || !isObject(body["params"])) return body;
  return { ...body, params: { ...body["params"], notifications } };
}
