import { request } from "node:http";

/** A stream of server-sent events that is open. */
export interface OpenStream {
  /** Settles with the instant at which a text comes. */
  heard(text: string): Promise<number>;
  close(): void;
}

/** Opens a stream of the history; settles when the server has begun it. */
export function openStream(origin: string): Promise<OpenStream> {
  return new Promise((resolve, reject) => {
    let told: ((chunk: string) => void) | undefined;
    const asked = request(`${origin}/api/v1/events`, { agent: false, headers: { Accept: "text/event-stream" } });
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
    asked.end();
  });
}
