import { request } from "node:http";
import { ACCEPT, ENVELOPE } from "./callers.js";

/** A stream of server-sent events that is open. */
export interface OpenStream {
  /** Settles with the instant at which a text comes. */
  heard(text: string): Promise<number>;
  close(): void;
}

/** Opens a stream of the history; settles when the server has begun it. */
export function openStream(origin: string): Promise<OpenStream> {
  return streamOf(`${origin}/api/v1/events`, { headers: { Accept: "text/event-stream" } });
}

/** Subscribes to a resource by MCP; settles when the server has acknowledged it. */
export function openSubscription(origin: string, uri: string): Promise<OpenStream> {
  const params = { notifications: { resourceSubscriptions: [uri] }, _meta: ENVELOPE };
  return streamOf(`${origin}/mcp`, {
    method: "POST",
    headers: {
      ...ACCEPT,
      "Content-Type": "application/json",
      "MCP-Protocol-Version": "2026-07-28",
      "Mcp-Method": "subscriptions/listen",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "subscriptions/listen", params }),
  });
}

interface StreamRequest {
  readonly method?: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
}

function streamOf(url: string, { body, ...options }: StreamRequest): Promise<OpenStream> {
  return new Promise((resolve, reject) => {
    let told: ((chunk: string) => void) | undefined;
    const asked = request(url, { agent: false, ...options });
    asked.once("error", reject);
    asked.once("response", (response) => {
      response.setEncoding("utf8").on("data", (chunk: string) => told?.(chunk));
      response.once("data", () => resolve(stream));
      response.once("error", () => {});
    });
    const stream: OpenStream = {
      heard: (text) =>
        new Promise((settle) => {
          let received = "";
          told = (chunk) => {
            received += chunk;
            if (!received.includes(text)) return;
            told = undefined;
            settle(performance.now());
          };
        }),
      close: () => {
        asked.off("error", reject).on("error", () => {});
        asked.destroy();
      },
    };
    asked.end(body);
  });
}
