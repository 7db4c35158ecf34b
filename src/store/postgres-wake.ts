import { Socket } from "node:net";
import { Client, type ClientConfig, type Pool } from "pg";

const CHANNEL = "baton";
/** So many NOTIFYs at most: one each 20 ms, however many commits. */
const COALESCE_MS = 20;
/** Stands behind the notifications, which a broken connection loses. */
const POLL_MS = 1_000;

/** What the driver lends: its pool for short questions, and how to connect beside it. */
export interface PostgresWakeSource {
  readonly pool: Pool;
  readonly connection: ClientConfig;
  /** Tells this process's own notifications from others'. */
  readonly self: string;
}

/**
 * Tells listeners of commits: those of this process when the driver says so, those of others by LISTEN on a connection
 * of its own, held only while somebody listens. Every process notifies after its commits: it cannot know who listens.
 */
export class PostgresWake {
  readonly #source: PostgresWakeSource;
  readonly #listeners = new Set<() => void>();
  #told = false;
  #closed = false;
  #notifyTimer: NodeJS.Timeout | undefined;
  #notifyAgain = false;
  #poll: NodeJS.Timeout | undefined;
  #client: Client | undefined;
  #snapshot: string | undefined;

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

  /** Another commit of this process: wakes it at the end of this turn, and the others within the next 20 ms. */
  committed(): void {
    this.#tell();
    if (this.#closed) return;
    if (this.#notifyTimer !== undefined) {
      this.#notifyAgain = true;
      return;
    }
    this.#notify();
  }

  /** Ends with the last notification sent, so that a process that commits and leaves still wakes the others. */
  async stop(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    clearTimeout(this.#notifyTimer);
    if (this.#notifyAgain) await this.#send();
    this.#rest();
  }

  #notify(): void {
    this.#notifyAgain = false;
    void this.#send();
    this.#notifyTimer = setTimeout(() => {
      this.#notifyTimer = undefined;
      if (this.#notifyAgain) this.#notify();
    }, COALESCE_MS).unref();
  }

  /** A hint that cannot be sent is left to the others' poll. */
  async #send(): Promise<void> {
    await this.#source.pool
      .query({ name: "baton_notify", text: "SELECT pg_notify($1, $2)", values: [CHANNEL, this.#source.self] })
      .catch(() => undefined);
  }

  #tell(): void {
    if (this.#told || this.#listeners.size === 0) return;
    this.#told = true;
    setImmediate(() => {
      this.#told = false;
      const listeners = [...this.#listeners];
      for (const listener of listeners) listener();
    });
  }

  #start(): void {
    void this.#listen();
    void this.#look();
    this.#poll = setInterval(() => {
      void this.#listen();
      void this.#look();
    }, POLL_MS).unref();
  }

  #rest(): void {
    clearInterval(this.#poll);
    this.#poll = this.#snapshot = undefined;
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) void client.end().catch(() => undefined);
  }

  /** Connects, or connects again: called with every poll, and does nothing while the connection holds. */
  async #listen(): Promise<void> {
    if (this.#client !== undefined) return;
    const client = new Client({ ...this.#source.connection, stream: idleSocket });
    this.#client = client;
    const drop = (): void => {
      if (this.#client === client) this.#client = undefined;
    };
    client.on("error", drop);
    client.on("end", drop);
    client.on("notification", ({ payload }) => {
      if (payload !== this.#source.self) this.#tell();
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      // What was committed while no one listened.
      this.#tell();
    } catch {
      // The poll goes on without it, and connects again.
      drop();
      await client.end().catch(() => undefined);
    }
  }

  /**
   * A snapshot names every transaction that is under way and the last that is not: its text is another one after any
   * commit. (Those of other databases of the server too; a hint may come too often.)
   */
  async #look(): Promise<void> {
    try {
      const { rows } = await this.#source.pool.query<{ snapshot: string }>(
        "SELECT pg_current_snapshot()::text AS snapshot",
      );
      const snapshot = rows[0]?.snapshot;
      if (this.#snapshot !== undefined && snapshot !== this.#snapshot) this.#tell();
      this.#snapshot = snapshot;
    } catch {
      // The database is away: wake up once when it is back, whatever has happened.
      this.#snapshot = "";
    }
  }
}

/** Listening keeps no process alive. */
function idleSocket(): Socket {
  return new Socket().unref();
}
