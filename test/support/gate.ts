import { Client } from "pg";
import type { StoreHooks, StorePoint } from "../../src/store/faults.js";
import { until } from "./until.js";

/** A transaction that is stopped, until `open` lets it go on. */
export interface Stopped {
  readonly reached: Promise<void>;
  open(): void;
}

/** Stops one transaction of a PostgreSQL store at a statement, so that a test can set another beside it. */
export class Gate {
  #armed: { matches: (statement: string) => boolean; arrive: () => void; opened: Promise<void> } | undefined;

  readonly hooks: StoreHooks = {
    hold: ({ statement }: StorePoint) => {
      const armed = this.#armed;
      if (!armed?.matches(statement === "COMMIT" ? statement : statement[0])) return undefined;
      this.#armed = undefined;
      armed.arrive();
      return armed.opened;
    },
  };

  /** The next transaction that comes to such a statement stops before it. */
  stopAt(pattern: RegExp): Stopped {
    let open = (): void => undefined;
    let arrive = (): void => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const reached = new Promise<void>((resolve) => (arrive = resolve));
    this.#armed = { matches: (statement) => pattern.test(statement), arrive, opened };
    return { reached, open };
  }
}

const WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

/** Waits until a transaction of the database waits for another's lock. */
export async function someoneWaits(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await until("a transaction waits for a lock", async () => (await client.query(WAITING)).rows.length > 0);
  } finally {
    await client.end();
  }
}
