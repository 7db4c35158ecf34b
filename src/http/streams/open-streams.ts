import { BatonError } from "../../base/errors.js";
import type { Logger } from "../../runtime/logger.js";
import { EventFeed, type HistoryReader } from "./feed.js";

export interface OpenStreamsParts {
  readonly logger: Logger;
  reader(): Promise<HistoryReader>;
}

/** The history as one stream reads it. */
export interface OpenHistory {
  readonly reader: HistoryReader;
  readonly feed: EventFeed;
  close(): void;
}

const STREAMS_MAX = 500;
const RETRY_MS = 5_000;

/** The streams of this server. They share a feed, which reads while there is any. */
export class OpenStreams {
  readonly #parts: OpenStreamsParts;
  #feed: Promise<EventFeed> | undefined;
  #count = 0;

  constructor(parts: OpenStreamsParts) {
    this.#parts = parts;
  }

  /** Errors: `limit_exceeded`; `unavailable`. */
  async open(): Promise<OpenHistory> {
    if (this.#count >= STREAMS_MAX) throw tooMany();
    this.#count += 1;
    let isOpen = true;
    const close = () => {
      if (isOpen) this.#closed();
      isOpen = false;
    };
    try {
      const reader = await this.#parts.reader();
      this.#feed ??= EventFeed.start(reader, this.#parts.logger);
      return { reader, feed: await this.#feed, close };
    } catch (error) {
      this.#feed = undefined;
      close();
      throw error;
    }
  }

  #closed(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    void this.#feed?.then((feed) => feed.stop());
    this.#feed = undefined;
  }
}

function tooMany(): BatonError {
  const message = `This server has ${STREAMS_MAX} streams open, which is the limit. Close one that is not read, or ask another server of the database.`;
  return new BatonError("limit_exceeded", message, {
    details: { streams_max: STREAMS_MAX },
    retry: { after_ms: RETRY_MS },
  });
}
