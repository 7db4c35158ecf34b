import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { until } from "../until.js";
import { postgresPackage } from "./postgres-package.js";

declare module "vitest" {
  interface ProvidedContext {
    /** A socket that, told which worker asks, answers with the URL of that worker's PostgreSQL, which starts when first asked for. */
    postgresSocket: string;
  }
}

export interface PostgresServer {
  /** URL of the database `postgres`, as its superuser. */
  readonly url: string;
  /** Ends every connection and comes back on the same port with the same data. */
  restart(): Promise<void>;
  /** Ends it as an operator does (`pg_ctl stop -m fast`), or kills its first process, as the kernel does that is out of memory. */
  halt(how: "fast" | "killed"): Promise<void>;
  /** Comes back on the same port with the same data; settles when it takes connections. */
  resume(): Promise<void>;
  stop(): Promise<void>;
}

const STARTS_MAX = 3;

/** A real PostgreSQL on a free port, its data in a temporary directory that goes with it. About a second. */
export async function startPostgres(flags: readonly string[] = []): Promise<PostgresServer> {
  for (let starts = 1; ; starts++) {
    try {
      return await startOnce(flags);
    } catch (error) {
      // Another process may have taken the port meanwhile.
      if (starts === STARTS_MAX) throw error;
    }
  }
}

async function startOnce(flags: readonly string[]): Promise<PostgresServer> {
  // The server runs as another user when we are root: its directory stands directly below the one all may enter.
  const databaseDir = mkdtempSync(path.join(tmpdir(), "baton-postgres-"));
  const port = await freePort();
  const output: string[] = [];
  const { default: EmbeddedPostgres } = await postgresPackage();
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "baton",
    password: "secret-of-tests",
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C", "--no-sync"],
    // Durability is not what these tests test; the disk of the machine is shared.
    postgresFlags: ["-c", "fsync=off", "-c", "max_connections=200", "-c", "unix_socket_directories=", ...flags],
    onLog: (message) => void output.push(message),
    onError: (message) => void output.push(String(message)),
  });
  const stop = async (): Promise<void> => {
    await server.stop();
    rmSync(databaseDir, { recursive: true, force: true });
  };
  const halt = async (how: "fast" | "killed"): Promise<void> => {
    if (how === "killed") process.kill(pidIn(databaseDir), "SIGKILL");
    await server.stop();
  };
  // Processes of one that was killed hold its memory for a moment longer.
  const resume = async (): Promise<void> => {
    await until("PostgreSQL is back", () =>
      server.start().then(
        () => true,
        () => false,
      ),
    );
  };
  const restart = async (): Promise<void> => {
    await halt("fast");
    await resume();
  };
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    rmSync(databaseDir, { recursive: true, force: true });
    throw new Error(`PostgreSQL did not start:\n${output.slice(-20).join("")}`, { cause: error });
  }
  return { url: `postgres://baton:secret-of-tests@127.0.0.1:${port}/postgres`, restart, halt, resume, stop };
}

/** Its transactions would hide from readers of the history what a test has just written, for as long as they last. */
const NO_AUTOVACUUM = ["-c", "autovacuum=off"];

/**
 * One server for each worker, started by its first file that needs it (vitest's global set-up). Not one for all: a transaction under way
 * in any database of a server holds back what readers of the history see in all of them.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = mkdtempSync(path.join(tmpdir(), "baton-run-"));
  const socket = path.join(directory, "postgres.sock");
  const started = new Map<string, Promise<PostgresServer>>();
  const fixture = createServer((connection) => {
    connection.on("error", () => connection.destroy());
    connection.once("data", (asked) => {
      const worker = asked.toString();
      const server = started.get(worker) ?? startPostgres(NO_AUTOVACUUM);
      started.set(worker, server);
      server.then(
        ({ url }) => connection.end(url),
        (error: unknown) => connection.end(String(error)),
      );
    });
  });
  await listening(fixture, socket);
  project.provide("postgresSocket", socket);
  return async () => {
    fixture.close();
    await Promise.allSettled([...started.values()].map(async (server) => (await server).stop()));
    rmSync(directory, { recursive: true, force: true });
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await listening(server, 0);
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port to be had");
  return address.port;
}

function listening(server: Server, where: string | number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    if (typeof where === "string") server.listen(where, resolve);
    else server.listen(where, "127.0.0.1", resolve);
  });
}

/** The first process of the server on a directory. */
function pidIn(databaseDir: string): number {
  return Number.parseInt(readFileSync(path.join(databaseDir, "postmaster.pid"), "utf8"), 10);
}
