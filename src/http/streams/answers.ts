import type { Context } from "hono";
import type { OpenCalls } from "../../runtime/waiting.js";
import type { Env } from "../env.js";
import { type OpenHistory, OpenStreams, type OpenStreamsParts } from "./open-streams.js";
import { streamBody } from "./sse.js";

export interface StreamAnswerParts extends OpenStreamsParts {
  readonly calls: Pick<OpenCalls, "during">;
  /** A stream without news gives a sign of life so often. */
  heartbeatMs(): number;
}

/** Makes the frames of a stream, which end with the signal, or the answer that refuses it. */
type FramesOf = (history: OpenHistory, signal: AbortSignal) => Promise<AsyncGenerator<string, undefined> | Response>;

/** A client that takes nothing for so many heartbeats is cut off. */
const STALLED_HEARTBEATS = 3;
const HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store",
  // nginx passes it on at once.
  "X-Accel-Buffering": "no",
} as const;

/** Answers that are streams. Each ends with its client, with the server, or when it is not read. */
export class StreamAnswers {
  readonly #parts: StreamAnswerParts;
  readonly #streams: OpenStreams;

  constructor(parts: StreamAnswerParts) {
    this.#parts = parts;
    this.#streams = new OpenStreams(parts);
  }

  async answer(context: Context<Env>, framesOf: FramesOf): Promise<Response> {
    // A client that asks for headers alone reads no frames.
    if (context.req.method === "HEAD") return context.body(null, 200, HEADERS);
    const history = await this.#streams.open();
    const abort = new AbortController();
    try {
      const frames = await framesOf(history, abort.signal);
      if (frames instanceof Response) {
        history.close();
        return frames;
      }
      const free = this.#untilEnd(context.req.raw.signal, abort);
      const body = streamBody(frames, {
        abort,
        stalledMs: STALLED_HEARTBEATS * this.#parts.heartbeatMs(),
        cutOff: () => this.#cutOff(context),
        ended: () => {
          history.close();
          free();
        },
      });
      return context.body(body, 200, HEADERS);
    } catch (error) {
      history.close();
      throw error;
    }
  }

  /** Ends the stream when its client is gone or the server stops; returns what the stream calls at its end. */
  #untilEnd(client: AbortSignal, abort: AbortController): () => void {
    let ended = (): void => {};
    const open = new Promise<void>((resolve) => (ended = resolve));
    void this.#parts.calls.during(client, (signal) => {
      if (signal.aborted) abort.abort();
      signal.addEventListener("abort", () => abort.abort());
      return open;
    });
    return ended;
  }

  #cutOff(context: Context<Env>): void {
    this.#parts.logger.warn("a stream was cut off: its client takes nothing", { request: context.get("request") });
    context.env.outgoing.destroy();
  }
}
