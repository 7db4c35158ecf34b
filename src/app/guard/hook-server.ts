import { chmodSync, lstatSync, mkdirSync, readdirSync, unlinkSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { hasCode, messageOf } from "../../base/errors.js";
import type { DatabaseConfig } from "../../config/database.js";
import { isAlive, ownMark } from "../../runtime/processes.js";
import { type HookResponse, REQUEST_BYTES_MAX } from "./hook-asks.js";
import type { OpenDatabase } from "./hook-answers.js";
import { databaseIdentity, GREETING, isOwnAlone, socketDirectory, socketPath } from "./hook-sockets.js";

/** Hooks that are answered at once. Those beyond ask the database themselves. */
const CONNECTIONS_MAX = 8;
/** A connection that is silent for longer is closed. */
const SILENCE_MS = 3_000;
const DEAD_LOOKED_AT_MAX = 100;

/**
 * Answers hooks of this user over a socket of this process, which keeps no process alive and goes with it. Without a place for a socket that is
 * this user's alone, or a database, hooks ask the database themselves.
 */
export async function serveHooks(
  database: DatabaseConfig,
  open: Pick<OpenDatabase, "store" | "settings">,
): Promise<void> {
  const directory = socketDirectory();
  const identity = databaseIdentity(database);
  if (directory === undefined || identity === undefined || !makeOwn(directory)) return;
  const { pid, processStartedAt } = ownMark();
  const file = socketPath(directory, identity, `${pid}-${processStartedAt.toString(36)}`);
  if (file === undefined) return;
  await removeDead(directory);
  const server = net.createServer((connection) => {
    serveConnection(connection, async (line) => {
      const { answerHook } = await import("./hook-answers.js");
      return answerHook(line, { identity, ...open });
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  await listening(server, file);
  chmodSync(file, 0o600);
  process.once("exit", () => server.close());
}

function makeOwn(directory: string): boolean {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
  return isOwnAlone(directory);
}

function listening(server: net.Server, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(file, () => {
      server.off("error", reject);
      // A process that has no file left to open takes none for a while.
      server.on("error", () => {});
      resolve();
    });
    server.unref();
  });
}

/** Removes the sockets of processes that were killed: their number is in the name, and no process listens. */
async function removeDead(directory: string): Promise<void> {
  const dead = readdirSync(directory).filter((name) => {
    const [, pid, start = ""] = name.split("-");
    return !isAlive({ pid: Number(pid), processStartedAt: Number.parseInt(start, 36) });
  });
  for (const name of dead.slice(0, DEAD_LOOKED_AT_MAX)) {
    const file = path.join(directory, name);
    if (lstatSync(file, { throwIfNoEntry: false })?.isSocket() === true && !(await isListening(file))) unlink(file);
  }
}

/** A process in another container may share the directory, and have a number that is none here. */
function isListening(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(file);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error) => resolve(!hasCode(error, "ECONNREFUSED")));
  });
}

function unlink(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}

/** Greets, then answers lines in turn. A line that is too long, or comes before the last is answered and fills the bound, ends it. */
function serveConnection(connection: net.Socket, answer: (line: string) => Promise<HookResponse>): void {
  let text = "";
  let isAnswering = false;
  const answerLines = async (): Promise<void> => {
    if (isAnswering) return;
    isAnswering = true;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      const response = await answer(line).catch((error: unknown): HookResponse => ({ error: messageOf(error) }));
      if (connection.writable) connection.write(`${JSON.stringify(response)}\n`);
    }
    isAnswering = false;
  };
  connection.setEncoding("utf8").setTimeout(SILENCE_MS, () => connection.destroy());
  connection.on("error", () => connection.destroy());
  connection.on("data", (chunk: string) => {
    text += chunk;
    if (text.length > REQUEST_BYTES_MAX) connection.destroy();
    else void answerLines();
  });
  connection.write(GREETING);
}
