import { Poller } from "../../base/polling/poller.js";
import type { Engine } from "../../engine/engine.js";
import { type FollowedEvent, nextEvents, startFollowing } from "../../engine/events/following.js";
import type { Logger } from "../../runtime/logger.js";

/** The engine as streams use it. */
export type HistoryReader = Pick<Engine, "read" | "onWake">;

/** An event as all streams send it: put into words once. */
export interface FedEvent extends FollowedEvent {
  readonly json: string;
}

/** The first commit after a rest is read at once, a busy history so often. */
const COALESCE_MS = 20;
const RETRY_MS = 1_000;
/** The newest events, kept for the streams that have yet to send them. */
const KEPT_MAX = 1_000;
const KEPT_CHARS_MAX = 4_000_000;

/**
 * The end of the history, read once for all streams while there is any. A stream that is behind what is kept here reads for itself until it
 * has come up.
 */
export class EventFeed {
  readonly #reader: HistoryReader;
  readonly #poller: Poller;
  readonly #listeners = new Set<() => void>();
  #kept: FedEvent[] = [];
  #keptChars = 0;
  /** Place before the first event that is kept. */
  #base = "";
  #cursor = "";
  #stopListening = (): void => {};

  private constructor(reader: HistoryReader, logger: Logger) {
    this.#reader = reader;
    this.#poller = new Poller({
      poll: () => this.#read(),
      pauseMs: COALESCE_MS,
      retryMs: RETRY_MS,
      failed: (error) => logger.warn("the history could not be read for its streams; it is tried again", { error }),
    });
  }

  static async start(reader: HistoryReader, logger: Logger): Promise<EventFeed> {
    const feed = new EventFeed(reader, logger);
    const { cursor } = await reader.read((ctx) => startFollowing(ctx, {}));
    feed.#base = feed.#cursor = cursor;
    feed.#stopListening = reader.onWake(() => feed.#poller.wake());
    // An event may have been committed before this listened.
    feed.#poller.wake();
    return feed;
  }

  stop(): void {
    this.#poller.stop();
    this.#stopListening();
  }

  /** The events behind a place, all there are; undefined where the place is not among those kept. */
  behind(cursor: string): readonly FedEvent[] | undefined {
    if (cursor === this.#cursor) return [];
    if (cursor === this.#base) return this.#kept;
    const at = this.#kept.findLastIndex((event) => event.cursor === cursor);
    return at < 0 ? undefined : this.#kept.slice(at + 1);
  }

  /** Calls the listener after events have been read; returns what stops it. */
  onNews(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #read(): Promise<void> {
    for (;;) {
      const page = await this.#reader.read(() => nextEvents({ cursor: this.#cursor, filters: {} }));
      if (this.#poller.isStopped) return;
      this.#keep(page.events.map(fed));
      this.#cursor = page.cursor;
      if (page.events.length > 0) for (const listener of this.#listeners) listener();
      if (!page.more) return;
    }
  }

  #keep(events: readonly FedEvent[]): void {
    for (const event of events) {
      this.#kept.push(event);
      this.#keptChars += event.json.length;
    }
    let dropped = 0;
    while (this.#kept.length - dropped > KEPT_MAX || this.#keptChars > KEPT_CHARS_MAX) {
      const oldest = this.#kept[dropped++];
      if (oldest === undefined) break;
      this.#base = oldest.cursor;
      this.#keptChars -= oldest.json.length;
    }
    if (dropped > 0) this.#kept = this.#kept.slice(dropped);
  }
}

export function fed(event: FollowedEvent): FedEvent {
  return { ...event, json: JSON.stringify(event.view) };
}
