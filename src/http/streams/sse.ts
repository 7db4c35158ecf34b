import type { FedEvent } from "./feed.js";

// Server-sent events, as the HTML standard has them.

/** A line that clients pass over. */
export const HEARTBEAT = ":\n\n";

/** A browser that has lost the stream asks again after so long. */
const RECONNECT_MS = 1_000;
export const RECONNECT = `retry: ${RECONNECT_MS}\n\n`;

/** An event of the history: without a name of its own, so that a page hears every type by one listener. */
export function historyFrame({ cursor, json }: FedEvent): string {
  return `id: ${cursor}\ndata: ${json}\n\n`;
}

/** Something else, under a name. With an id a client resumes behind it. */
export function namedFrame(name: string, data: unknown, id?: string): string {
  const place = id === undefined ? "" : `id: ${id}\n`;
  return `event: ${name}\n${place}data: ${JSON.stringify(data)}\n\n`;
}

export interface BodyParts {
  /** Ends the frames. */
  readonly abort: AbortController;
  /** A client that takes nothing for so long is cut off. */
  readonly stalledMs: number;
  readonly cutOff: () => void;
  /** Called once, however it ends. */
  readonly ended: () => void;
}

/** The body of a stream. The next frames are made when the client has taken those before: nothing is buffered for a slow one. */
export function streamBody(
  frames: AsyncGenerator<string, undefined>,
  { abort, stalledMs, cutOff, ended }: BodyParts,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let stalled: NodeJS.Timeout | undefined;
  const end = () => {
    clearTimeout(stalled);
    abort.abort();
    ended();
  };
  return new ReadableStream({
    async pull(controller) {
      clearTimeout(stalled);
      try {
        const { done, value } = await frames.next();
        if (done === true) {
          end();
          return controller.close();
        }
        controller.enqueue(encoder.encode(value));
        stalled = setTimeout(() => {
          end();
          cutOff();
        }, stalledMs).unref();
      } catch (error) {
        end();
        throw error;
      }
    },
    cancel: end,
  });
}
