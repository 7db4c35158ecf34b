import { Pool, type PoolClient } from "pg";

/**
 * A ceiling for the engine on PostgreSQL: a queue written by hand with SKIP LOCKED, in the usual round trips: BEGIN,
 * the change, its event, COMMIT, each statement prepared.
 */
export class SkipLockedQueue {
  readonly #pool: Pool;

  private constructor(pool: Pool) {
    this.#pool = pool;
  }

  static async on(url: string, connections: number): Promise<SkipLockedQueue> {
    const pool = new Pool({ connectionString: url, max: connections });
    // When a benchmark fails, its server is stopped under the pool: what failed is told, not this.
    pool.on("error", () => undefined);
    await pool.query(SCHEMA);
    return new SkipLockedQueue(pool);
  }

  async fill(tasks: number): Promise<void> {
    await this.#pool.query(
      `INSERT INTO raw_tasks (id, status, priority, prompt)
       SELECT 'task_' || lpad(n::text, 16, '0'), 'ready', 50, 'Write the page.' FROM generate_series(1, $1) n`,
      [tasks],
    );
  }

  async claimAndComplete(agent: string): Promise<void> {
    const { id, token } = await this.#transact(async (client) => {
      const now = Date.now();
      const { rows } = await client.query<{ id: string; token: number }>({
        name: "take",
        text: TAKE,
        values: [agent, now, now + LEASE_MS],
      });
      const [task] = rows;
      if (task === undefined) throw new Error("the raw queue is empty");
      await record(client, "task.claimed", task);
      return task;
    });
    await this.#transact(async (client) => {
      const values = [Date.now(), '{"done":true}', id, token];
      const { rowCount } = await client.query({ name: "finish", text: FINISH, values });
      if (rowCount !== 1) throw new Error(`the token ${token} of ${id} is old`);
      await record(client, "task.succeeded", { id, token });
    });
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #transact<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    try {
      await client.query("BEGIN");
      const result = await work(client);
      await client.query("COMMIT");
      return result;
    } finally {
      client.release();
    }
  }
}

async function record(client: PoolClient, type: string, { id, token }: { id: string; token: number }): Promise<void> {
  const values = [Date.now(), type, id, "bench", JSON.stringify({ token })];
  await client.query({ name: "record", text: RECORD, values });
}

const LEASE_MS = 600_000;

const SCHEMA = `
  CREATE TABLE raw_tasks (id TEXT COLLATE "C" PRIMARY KEY, status TEXT NOT NULL, priority INTEGER NOT NULL,
    prompt TEXT NOT NULL, agent TEXT, token INTEGER NOT NULL DEFAULT 0, started_at BIGINT, lease_expires_at BIGINT,
    ended_at BIGINT, result TEXT);
  CREATE INDEX raw_tasks_ready ON raw_tasks (priority, id) WHERE status = 'ready';
  CREATE TABLE raw_events (seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at BIGINT NOT NULL, type TEXT NOT NULL,
    task TEXT NOT NULL, agent TEXT, data TEXT NOT NULL);`;
const TAKE = `UPDATE raw_tasks SET status = 'running', agent = $1, token = token + 1, started_at = $2, lease_expires_at = $3
  WHERE id = (SELECT id FROM raw_tasks WHERE status = 'ready' ORDER BY priority, id LIMIT 1 FOR UPDATE SKIP LOCKED)
  RETURNING id, token, prompt`;
const FINISH = `UPDATE raw_tasks SET status = 'succeeded', agent = NULL, lease_expires_at = NULL, ended_at = $1, result = $2
  WHERE id = $3 AND token = $4 AND status = 'running'`;
const RECORD = "INSERT INTO raw_events (at, type, task, agent, data) VALUES ($1, $2, $3, $4, $5)";
