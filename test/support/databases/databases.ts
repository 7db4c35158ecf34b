import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client } from "pg";
import { inject } from "vitest";
import { ManualClock } from "../../../src/runtime/clock.js";
import { sortableIds } from "../../../src/runtime/ids.js";
import { seededRandom } from "../../../src/runtime/random.js";
import type { Runtime } from "../../../src/runtime/runtime.js";
import type { StoreHooks } from "../../../src/store/driver/faults.js";
import { openPostgres } from "../../../src/store/postgres/postgres.js";
import { openSqlite } from "../../../src/store/sqlite/sqlite.js";
import type { Store } from "../../../src/store/tx.js";
import { atEnd } from "../lifetime.js";
import { until } from "../until.js";

export const BACKENDS = ["sqlite", "postgres"] as const;
export type Backend = (typeof BACKENDS)[number];

export interface OpenOptions {
  readonly runtime?: Runtime;
  readonly hooks?: StoreHooks;
  readonly busyMs?: number;
}

/** A database of one test. Gone, with every store opened on it, when the test has finished. */
export interface TestDatabase {
  readonly backend: Backend;
  /** The file, or the URL with its password: for other processes. */
  readonly location: string;
  open(options?: OpenOptions): Promise<Store>;
}

/** A clock that stands still, and ids and chance that repeat themselves. */
export function testRuntime(seed = 1): Runtime & { clock: ManualClock } {
  const random = seededRandom(seed);
  return { clock: new ManualClock(), random, ids: sortableIds(random) };
}

let runtimes = 0;

/**
 * The same, whose ids no other test makes: what a command leaves is looked for on the whole machine, by its task's id, and tests of
 * commands run beside each other.
 */
export function ownRuntime(): Runtime & { clock: ManualClock } {
  runtimes += 1;
  return testRuntime(process.pid * 1_000 + runtimes);
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "baton-"));
  // A killed process may still write there for a moment.
  atEnd(() => rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
  return directory;
}

/** An empty database of the given kind, for the test that runs. */
export async function createDatabase(backend: Backend): Promise<TestDatabase> {
  return backend === "sqlite" ? sqliteAt(migratedFile()) : createPostgres();
}

/** The same without a schema: the first that opens it makes that. */
export async function createEmptyDatabase(backend: Backend): Promise<TestDatabase> {
  return backend === "sqlite"
    ? sqliteAt(path.join(temporaryDirectory(), "baton.db"))
    : postgresAt(await makePostgres());
}

/** Returns a SQLite file with the schema and no rows, for the test that runs. */
export function migratedFile(): string {
  const file = path.join(temporaryDirectory(), "baton.db");
  copyFileSync(inject("sqliteTemplate"), file);
  return file;
}

function sqliteAt(file: string): TestDatabase {
  return {
    backend: "sqlite",
    location: file,
    open: (options) => untilTestEnds(openSqlite({ file, synchronous: "NORMAL", runtime: testRuntime(), ...options })),
  };
}

function postgresAt(url: string): TestDatabase {
  return {
    backend: "postgres",
    location: url,
    open: (options) => untilTestEnds(openPostgres({ url, poolSize: 8, runtime: testRuntime(), ...options })),
  };
}

let databases = 0;

/** Databases of this process that no test uses, migrated and empty: making one takes the disk ten times as long. */
const free: string[] = [];

async function createPostgres(): Promise<TestDatabase> {
  const url = free.pop() ?? (await makePostgres());
  atEnd(async () => {
    await administer(url, empty);
    free.push(url);
  });
  return postgresAt(url);
}

const END_OTHERS = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`;
// The queues' only rows are what transactions lock, and come with the schema.
const EMPTY = `
  DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'
      AND tablename NOT IN ('baton_schema', 'resource_queue', 'run_queue')
    LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
  END $$;
  SELECT setval(pg_get_serial_sequence('events', 'seq'), 1, false);`;

/** A connection that is told to end may still commit what it has begun: only when all are gone nothing more comes. */
async function empty(client: Client): Promise<void> {
  await until("all others have left the database", async () => (await client.query(END_OTHERS)).rows.length === 0);
  await client.query(EMPTY);
}

/** The URL of a new database. It goes with the server, at the end of the run. */
export async function makePostgres(): Promise<string> {
  const server = await serverOfThisWorker();
  databases += 1;
  const name = `test_${process.pid}_${databases}`;
  await administer(server, (client) => client.query(`CREATE DATABASE ${name} STRATEGY file_copy`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

let server: Promise<string> | undefined;

function serverOfThisWorker(): Promise<string> {
  server ??= new Promise<string>((resolve, reject) => {
    let answer = "";
    const socket = connect(inject("postgresSocket"));
    socket.write(process.env["VITEST_POOL_ID"] ?? "1");
    socket
      .on("data", (data) => (answer += data.toString()))
      .on("error", reject)
      .on("end", () => (answer.startsWith("postgres:") ? resolve(answer) : reject(new Error(answer))));
  });
  return server;
}

/** Runs a statement on a PostgreSQL database, past the store. */
export async function onPostgres(url: string, statement: string): Promise<void> {
  await administer(url, (client) => client.query(statement));
}

async function administer(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

async function untilTestEnds(opening: Promise<Store>): Promise<Store> {
  const store = await opening;
  // Hooks of a finished test run in reverse: stores close before their database goes.
  atEnd(() => store.close());
  return store;
}
