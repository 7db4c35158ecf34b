import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { postgresPackage } from "../../test/support/databases/postgres-package.js";

export interface Postgres {
  readonly url: string;
  /** Creates a database of this name and returns its address. */
  database(name: string): Promise<string>;
  stop(): Promise<void>;
}

const PASSWORD = "bench";

/** A real PostgreSQL as it comes, durable: unlike that of the tests it waits for the disk at every commit. */
export async function startDurablePostgres(): Promise<Postgres> {
  // The server runs as another user when we are root: its directory stands directly below the one all may enter.
  const databaseDir = mkdtempSync(path.join(tmpdir(), "baton-bench-postgres-"));
  const port = await freePort();
  const output: string[] = [];
  const { default: EmbeddedPostgres } = await postgresPackage();
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "baton",
    password: PASSWORD,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C"],
    postgresFlags: ["-c", "max_connections=100", "-c", "unix_socket_directories="],
    onLog: (message) => void output.push(message),
    onError: (message) => void output.push(String(message)),
  });
  const removed = (): void => rmSync(databaseDir, { recursive: true, force: true });
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    removed();
    throw new Error(`PostgreSQL did not start:\n${output.slice(-20).join("")}`, { cause: error });
  }
  const urlOf = (name: string): string => `postgres://baton:${PASSWORD}@127.0.0.1:${port}/${name}`;
  return {
    url: urlOf("postgres"),
    database: async (name) => {
      await server.createDatabase(name);
      return urlOf(name);
    },
    stop: async () => {
      await server.stop();
      removed();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port to be had");
  return address.port;
}
