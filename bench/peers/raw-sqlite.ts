import Database from "better-sqlite3";
import type { Synchronous } from "../harness/engine-handle.js";

/**
 * A ceiling for the engine on SQLite: the same number of durable commits by hand, and nothing that a task graph needs. A claim
 * is an UPDATE of the first ready task by an index and its event, a completion an UPDATE by the token and its event, each pair in
 * one BEGIN IMMEDIATE. The file has the engine's own settings.
 */
export class RawQueue {
  readonly #database: Database.Database;
  readonly claim: (agent: string) => { id: string; token: number };
  readonly complete: (id: string, token: number) => void;

  constructor(file: string, synchronous: Synchronous) {
    const database = new Database(file);
    this.#database = database;
    database.pragma("journal_mode = WAL");
    database.pragma(`synchronous = ${synchronous}`);
    database.pragma("wal_autocheckpoint = 4000");
    database.exec(SCHEMA);
    const take = database.prepare<[string, number, number], { id: string; token: number; prompt: string }>(TAKE);
    const finish = database.prepare<[number, string, string, number]>(FINISH);
    const record = database.prepare<[number, string, string, string, string]>(RECORD);
    const claim = database.transaction((agent: string) => {
      const now = Date.now();
      const task = take.get(agent, now, now + LEASE_MS);
      if (task === undefined) throw new Error("the raw queue is empty");
      record.run(now, "task.claimed", task.id, agent, JSON.stringify({ token: task.token }));
      return task;
    });
    const complete = database.transaction((id: string, token: number) => {
      const now = Date.now();
      const { changes } = finish.run(now, '{"done":true}', id, token);
      if (changes !== 1) throw new Error(`the token ${token} of ${id} is old`);
      record.run(now, "task.succeeded", id, "bench", JSON.stringify({ token }));
    });
    this.claim = (agent) => claim.immediate(agent);
    this.complete = (id, token) => complete.immediate(id, token);
  }

  fill(tasks: number): void {
    const insert = this.#database.prepare<[string, string]>(INSERT);
    this.#database.transaction(() => {
      for (let n = 0; n < tasks; n++) insert.run(`task_${String(n).padStart(16, "0")}`, "Write the page.");
    })();
  }

  claimAndComplete(agent: string): void {
    const { id, token } = this.claim(agent);
    this.complete(id, token);
  }

  close(): void {
    this.#database.close();
  }
}

const LEASE_MS = 600_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS tasks (id TEXT PRIMARY KEY, status TEXT NOT NULL, priority INTEGER NOT NULL, prompt TEXT NOT NULL, agent TEXT,
    token INTEGER NOT NULL DEFAULT 0, started_at INTEGER, lease_expires_at INTEGER, ended_at INTEGER, result TEXT);
  CREATE INDEX IF NOT EXISTS tasks_ready ON tasks (priority, id) WHERE status = 'ready';
  CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, type TEXT NOT NULL, task TEXT NOT NULL, agent TEXT,
    data TEXT NOT NULL);`;
const INSERT = "INSERT INTO tasks (id, status, priority, prompt) VALUES (?, 'ready', 50, ?)";
const TAKE = `UPDATE tasks SET status = 'running', agent = ?, token = token + 1, started_at = ?, lease_expires_at = ?
  WHERE id = (SELECT id FROM tasks WHERE status = 'ready' ORDER BY priority, id LIMIT 1) RETURNING id, token, prompt`;
const FINISH = `UPDATE tasks SET status = 'succeeded', agent = NULL, lease_expires_at = NULL, ended_at = ?, result = ?
  WHERE id = ? AND token = ? AND status = 'running'`;
const RECORD = "INSERT INTO events (at, type, task, agent, data) VALUES (?, ?, ?, ?, ?)";
