import { BatonError } from "../../base/errors.js";
import { Poller } from "../../base/polling/poller.js";
import type { Logger } from "../../runtime/logger.js";
import { followedBy } from "../../resources/catalogue.js";
import { addressesChangedSince, cursorNow } from "../../resources/changes.js";
import type { Reader } from "../../resources/resource.js";
import { SubscribedAddresses } from "./subscribed-addresses.js";

/** Between two polls, at least. */
const COALESCE_MS = 20;
const RETRY_MS = 1_000;
/** Pages of the history read at one poll: a subscriber that is further behind is told that everything may have changed. */
const PAGES_MAX = 10;
const SUBSCRIPTIONS_MAX = 10_000;

export interface SubscriptionParts {
  /** Settles when the client has taken the notification. */
  notify(uri: string): Promise<void>;
  readonly logger: Logger;
}

/**
 * The resources one client is subscribed to. While there is any, this follows the history of the database, whichever
 * process writes it: each wake-up of the store leads to a poll of the events behind the cursor, and each subscribed
 * address that they may have changed is notified once per poll.
 */
export class Subscriptions {
  readonly #parts: SubscriptionParts;
  readonly #subscribed = new SubscribedAddresses();
  #watch: Watch | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(parts: SubscriptionParts) {
    this.#parts = parts;
  }

  /** Settles when no later change can be missed. Errors: `not_found`; `limit_exceeded`; `unavailable`. */
  subscribe(open: () => Promise<Reader>, uri: string): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#subscribed.size >= SUBSCRIPTIONS_MAX) throw tooMany();
      const reader = await open();
      const followed = await reader.read((ctx) => followedBy(ctx, uri));
      this.#watch ??= await Watch.start(reader, {
        told: (changed) => this.#tell(changed),
        logger: this.#parts.logger,
      });
      this.#subscribed.add(uri, followed);
    });
  }

  /** An address that is not subscribed is let pass. */
  unsubscribe(uri: string): Promise<void> {
    return this.#inOrder(async () => {
      this.#subscribed.remove(uri);
      if (this.#subscribed.size === 0) this.#stop();
    });
  }

  /** Ends every subscription. */
  close(): void {
    this.#subscribed.clear();
    this.#stop();
  }

  /** A client need not wait for one answer before it sends the next request: they take effect in the order they came. */
  #inOrder(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  #stop(): void {
    this.#watch?.stop();
    this.#watch = undefined;
  }

  /** One after the other, so that a client that takes nothing holds the next poll up instead of filling the memory. */
  async #tell(changed: ReadonlySet<string> | "everything"): Promise<void> {
    for (const uri of this.#subscribed.concernedBy(changed)) {
      if (this.#subscribed.has(uri)) await this.#parts.notify(uri);
    }
  }
}

interface Listener {
  /** Is given what changed; the next poll waits for it. */
  told(changed: ReadonlySet<string> | "everything"): Promise<void>;
  readonly logger: Logger;
}

/** Follows the history from a cursor until it is stopped. */
class Watch {
  readonly #reader: Reader;
  readonly #listener: Listener;
  readonly #poller: Poller;
  #cursor = "";
  #stopListening = (): void => {};

  private constructor(reader: Reader, listener: Listener) {
    this.#reader = reader;
    this.#listener = listener;
    this.#poller = new Poller({
      poll: () => this.#read(),
      pauseMs: COALESCE_MS,
      retryMs: RETRY_MS,
      failed: (error) => listener.logger.warn("changes could not be read; it is tried again", { error }),
    });
  }

  static async start(reader: Reader, listener: Listener): Promise<Watch> {
    const watch = new Watch(reader, listener);
    watch.#cursor = await reader.read(cursorNow);
    watch.#stopListening = reader.onWake(() => watch.#poller.wake());
    // A change may have been committed before this listened.
    watch.#poller.wake();
    return watch;
  }

  stop(): void {
    this.#poller.stop();
    this.#stopListening();
  }

  async #read(): Promise<void> {
    const changed = new Set<string>();
    for (let pages = 0; pages < PAGES_MAX; pages++) {
      const page = await this.#reader.read(() => addressesChangedSince(this.#cursor));
      if (this.#poller.isStopped) return;
      for (const address of page.addresses) changed.add(address);
      this.#cursor = page.cursor;
      if (!page.more) return this.#listener.told(changed);
    }
    this.#cursor = await this.#reader.read(cursorNow);
    return this.#listener.told("everything");
  }
}

function tooMany(): BatonError {
  return new BatonError("limit_exceeded", `At most ${SUBSCRIPTIONS_MAX} resources can be subscribed to at once.`, {
    details: { max: SUBSCRIPTIONS_MAX },
  });
}
