import { unlinkSync } from "node:fs";
import net from "node:net";
import { hasCode } from "../../base/errors.js";
import { isObject } from "../../base/json.js";
import type { DatabaseConfig } from "../../config/database.js";
import type { GuardedFiles, HeldFile, Holdings } from "../../engine/guard/guarded-files.js";
import type { HookOrigin } from "../../engine/guard/hook-origin.js";
import { VERSION } from "../../runtime/version.js";
import { type HookAsks, type HookRequest, REQUEST_BYTES_MAX, REQUEST_FILES_MAX } from "./hook-asks.js";
import { databaseIdentity, GREETING, socketDirectory, socketsOf, thisHost } from "./hook-sockets.js";

/** A server that is stopped, or busy for longer, does not greet. */
const GREETING_MS = 100;
const SERVERS_MAX = 3;
/** Then the hook asks the database itself, for which it has as much time again. */
const ANSWER_MS = 1_000;
const ANSWER_BYTES_MAX = 256 * 1024;

/** A server that may answer a hook. */
export interface RunningServer {
  /** Rejects where it does not answer. */
  readonly asks: HookAsks;
  close(): void;
}

/** The ways to servers of this user that have the database open, or had it. */
export function* runningServers(
  database: DatabaseConfig,
  origin: () => Promise<HookOrigin>,
): Generator<RunningServer, void> {
  const directory = socketDirectory();
  const identity = directory === undefined ? undefined : databaseIdentity(database);
  if (directory === undefined || identity === undefined) return;
  for (const file of socketsOf(directory, identity).slice(0, SERVERS_MAX)) yield serverAt(file, { identity, origin });
}

/** Removes the socket of a server that was killed. */
function removeDead(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // Another hook has removed it.
  }
}

interface About {
  readonly identity: string;
  readonly origin: () => Promise<HookOrigin>;
}

function serverAt(file: string, { identity, origin }: About): RunningServer {
  const line = new Line(file);
  let isGreeted = false;
  const ask = async (name: keyof HookAsks, places: readonly GuardedFiles[]): Promise<unknown> => {
    if (places.reduce((sum, { files }) => sum + files.length, 0) > REQUEST_FILES_MAX) throw new Error("too many files");
    const about = { version: VERSION, host: thisHost(), database: identity, origin: await origin() };
    const request: HookRequest = { ...about, ask: name, places };
    const text = JSON.stringify(request);
    if (Buffer.byteLength(text) >= REQUEST_BYTES_MAX) throw new Error("too long");
    line.write(`${text}\n`);
    isGreeted ||= `${await line.next(GREETING_MS)}\n` === GREETING;
    const answer: unknown = isGreeted && JSON.parse(await line.next(ANSWER_MS));
    if (!isObject(answer) || answer["error"] !== undefined) throw new Error("it does not answer");
    return answer["value"];
  };
  return {
    asks: {
      holdings: async (places) => (await ask("holdings", places)) as Holdings,
      take: async (places) => (await ask("take", places)) as readonly HeldFile[],
      free: async (places) => void (await ask("free", places)),
      noteAtStart: async (workplace) => (await ask("noteAtStart", [{ workplace, files: [] }])) as string | undefined,
      workLeft: async (workplace) => (await ask("workLeft", [{ workplace, files: [] }])) as string | undefined,
    },
    close: () => line.close(),
  };
}

/** A connection over which lines are sent and answered in turn. */
class Line {
  readonly #socket: net.Socket;
  #received = Buffer.alloc(0);
  #failure: Error | undefined;
  #changed: () => void = () => {};

  constructor(file: string) {
    this.#socket = net.connect(file);
    // Lines are cut by their bytes: a decoder would have to be loaded.
    this.#socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      if (this.#received.length > ANSWER_BYTES_MAX) this.#socket.destroy(new Error("too long an answer"));
      this.#changed();
    });
    this.#socket.on("error", (error) => {
      this.#failure = error;
      if (hasCode(error, "ECONNREFUSED")) removeDead(file);
    });
    this.#socket.on("close", () => {
      this.#failure ??= new Error("the server has closed the connection");
      this.#changed();
    });
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  /** The next line; rejects where there is none within the time. */
  next(ms: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#socket.destroy(new Error(`no answer within ${ms} ms`)), ms);
      this.#changed = () => {
        const failure = this.#failure;
        const end = this.#received.indexOf("\n");
        if (end < 0 && failure === undefined) return;
        clearTimeout(timer);
        this.#changed = () => {};
        if (end < 0) return reject(failure ?? new Error("there is no line"));
        resolve(this.#received.toString("utf8", 0, end));
        this.#received = this.#received.subarray(end + 1);
      };
      this.#changed();
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
