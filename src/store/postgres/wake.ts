import { Socket } from "node:net";
import { Client, type ClientConfig, type Pool } from "pg";

const CHANNEL = "baton";
/** So many NOTIFYs at most: one each 20 ms, however many commits. */
const COALESCE_MS = 20;
/** While older transactions hide what has been committed from readers of the history, it is looked at again after these. */
const POLL_AGAIN_MS = [5, 10, 20, 40, 80] as const;
/** Stands behind the notifications, which a broken connection loses. */
const POLL_MS = 1_000;
/** A connection that gives no answer for so long is given up: its other end may be gone without a word. */
const ANSWER_MS = 5_000;

/** The parts a driver lends: its pool, how to connect beside it, and a name. */
export interface PostgresWakeSource {
  readonly pool: Pool;
  readonly connection: ClientConfig;
  /** Tells this process's own notifications from others'. */
  readonly self: string;
}

/**
 * Tells listeners of commits: this process's own when the driver says so, others' by LISTEN on a connection of its own,
 * held only while there is a listener. Every process notifies after its commits: it cannot know who listens. Before it
 * tells, it asks for a snapshot, whose text (`xmin:xmax:running`) changes with any commit. Readers of the history see
 * only what is below xmin; while transactions are under way, the snapshot is polled, so that a listener that came too
 * early is woken once more.
 */
export class PostgresWake {
  readonly #source: PostgresWakeSource;
  readonly #listeners = new Set<() => void>();
  #closed = false;
  #notifyTimer: NodeJS.Timeout | undefined;
  #notifyAgain = false;
  #client: Client | undefined;
  #poll: NodeJS.Timeout | undefined;
  #lookTimer: NodeJS.Timeout | undefined;
  #looking = false;
  #news = false;
  #snapshot = "";

  constructor(source: PostgresWakeSource) {
    this.#source = source;
  }

  add(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#rest();
    };
  }

  /** Another commit of this process. */
  committed(): void {
    if (this.#closed) return;
    this.#hear();
    if (this.#notifyTimer === undefined) this.#notify();
    else this.#notifyAgain = true;
  }

  /** Ends with the last notification sent, so that a process that commits and leaves still wakes the others. */
  async stop(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    this.#rest();
    clearTimeout(this.#notifyTimer);
    if (this.#notifyAgain) await this.#send();
  }

  #notify(): void {
    this.#notifyAgain = false;
    void this.#send();
    this.#notifyTimer = setTimeout(() => {
      this.#notifyTimer = undefined;
      if (this.#notifyAgain) this.#notify();
    }, COALESCE_MS).unref();
  }

  async #send(): Promise<void> {
    const values = [CHANNEL, this.#source.self];
    // A hint that cannot be sent is left to the others' poll.
    await this.#source.pool.query("SELECT pg_notify($1, $2)", values).catch(() => undefined);
  }

  #start(): void {
    void this.#listen();
    this.#poll = setInterval(() => {
      void this.#listen();
      void this.#look(POLL_AGAIN_MS.length);
    }, POLL_MS).unref();
  }

  #rest(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#lookTimer);
    const client = this.#client;
    this.#poll = this.#lookTimer = this.#client = undefined;
    void client?.end().catch(() => undefined);
  }

  /** Connects, or connects again: called with every poll, and does nothing while the connection holds. */
  async #listen(): Promise<void> {
    if (this.#client !== undefined) return;
    const client = new Client({ ...this.#source.connection, query_timeout: ANSWER_MS, stream: idleSocket });
    this.#client = client;
    const drop = (): void => {
      if (this.#client === client) this.#client = undefined;
    };
    client.on("error", drop);
    client.on("end", drop);
    client.on("notification", ({ payload }) => {
      if (payload !== this.#source.self) this.#hear();
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      // Commits made while no connection listened.
      this.#hear();
    } catch {
      // The poll goes on without it, and connects again.
      drop();
      await client.end().catch(() => undefined);
    }
  }

  /** Something was committed. What comes while a look is under way is seen by one more look after it. */
  #hear(): void {
    this.#news = true;
    void this.#look(0);
  }

  async #look(step: number): Promise<void> {
    if (this.#looking || this.#listeners.size === 0) return;
    clearTimeout(this.#lookTimer);
    this.#looking = true;
    const news = this.#news;
    this.#news = false;
    const snapshot = await this.#askSnapshot();
    this.#looking = false;
    if (news || snapshot !== this.#snapshot) this.#tell();
    this.#snapshot = snapshot;
    const pause = POLL_AGAIN_MS[step];
    if (this.#news) void this.#look(0);
    else if (pause !== undefined && isBusy(snapshot)) {
      this.#lookTimer = setTimeout(() => void this.#look(step + 1), pause).unref();
    }
  }

  /** Empty while the database cannot be asked, so that its return is news. */
  async #askSnapshot(): Promise<string> {
    const text = "SELECT pg_current_snapshot()::text AS snapshot";
    const client = this.#client;
    try {
      // On the listening connection, because the pool's may all be taken.
      const { rows } = await (client ?? this.#source.pool).query<{ snapshot: string }>(text);
      return rows[0]?.snapshot ?? "";
    } catch {
      if (client !== undefined && this.#client === client) {
        this.#client = undefined;
        void client.end().catch(() => undefined);
      }
      return "";
    }
  }

  #tell(): void {
    // A copy: a listener may stop itself or add another.
    const listeners = [...this.#listeners];
    for (const listener of listeners) listener();
  }
}

/** Whether older transactions are under way: xmin is below xmax. */
function isBusy(snapshot: string): boolean {
  const [xmin, xmax] = snapshot.split(":");
  return xmin !== xmax;
}

/** Listening keeps no process alive. */
function idleSocket(): Socket {
  return new Socket().unref();
}
