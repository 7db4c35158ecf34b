import { createHash } from "node:crypto";
import os from "node:os";
import type { Config } from "./config.js";
import type { Caller, SessionIdentity } from "./engine/context.js";
import { type Logger, silentLogger } from "./runtime/logger.js";
import { type Runtime, systemRuntime } from "./runtime/runtime.js";
import type { Store } from "./store/tx.js";
import type { Dispatch } from "./tools/dispatch.js";
import { VERSION } from "./runtime/version.js";
import { readWorkplace } from "./runtime/workplace.js";

export interface AppOptions {
  readonly config: Config;
  readonly runtime?: Runtime;
  readonly logger?: Logger;
  /** Where the caller works. */
  readonly cwd?: string;
  /** `human` for a person at a terminal. */
  readonly channel?: Caller["channel"];
  /** Called once, when the process starts to hold something in the database: from then on `beat` is due. */
  onActive?(): void;
}

/**
 * The composition root: one per process. Makes nothing, opens nothing and loads nothing heavy until a call needs it.
 */
export class App {
  readonly config: Config;
  readonly #runtime: Runtime;
  readonly #logger: Logger;
  readonly #options: AppOptions;
  readonly #startedAt: number;
  readonly #sessionId: string;
  #store: Promise<Store> | undefined;
  readonly #dispatches = new Map<string, Promise<Dispatch>>();

  constructor(options: AppOptions) {
    this.config = options.config;
    this.#options = options;
    this.#runtime = options.runtime ?? systemRuntime();
    this.#logger = options.logger ?? silentLogger;
    this.#startedAt = this.#runtime.clock.now();
    this.#sessionId = this.#runtime.ids.next("session", this.#startedAt);
  }

  /** The way into the operations for a client of this name. */
  dispatch(client: string): Promise<Dispatch> {
    let dispatch = this.#dispatches.get(client);
    if (dispatch === undefined) {
      dispatch = this.#makeDispatch(client);
      this.#dispatches.set(client, dispatch);
    }
    return dispatch;
  }

  /** Opens the database with the first call. After a failure the next call tries again. */
  store(): Promise<Store> {
    this.#store ??= openStore(this.config, this.#runtime).catch((error: unknown) => {
      this.#store = undefined;
      throw error;
    });
    return this.#store;
  }

  async close(): Promise<void> {
    const store = this.#store;
    this.#store = undefined;
    await (await store)?.close();
  }

  async #makeDispatch(client: string): Promise<Dispatch> {
    const [{ Dispatch }, { catalogue }, { waitFor }] = await Promise.all([
      import("./tools/dispatch.js"),
      import("./tools/registry.js"),
      import("./runtime/waiting.js"),
    ]);
    return new Dispatch({
      store: () => this.store(),
      operations: catalogue,
      caller: this.#caller(client),
      settings: this.config.settings,
      logger: this.#logger,
      facts: {
        version: VERSION,
        startedAt: this.#startedAt,
        configuration: configurationOf(this.config),
        readWorkplace,
      },
      waitFor,
      newRequestId: () => this.#runtime.ids.next("request", this.#runtime.clock.now()),
      beforeWrite: async () => {},
    });
  }

  #caller(client: string): Caller {
    const session: SessionIdentity = {
      id: this.#sessionId,
      host: os.hostname(),
      pid: process.pid,
      processStartedAt: Math.round(performance.timeOrigin),
      client,
      executor: this.config.commands.kind !== "off",
    };
    return {
      agent: handleOf(client, this.#sessionId),
      session,
      workplace: readWorkplace(this.#options.cwd ?? process.cwd()),
      channel: this.#options.channel ?? "agent",
    };
  }
}

async function openStore({ database }: Config, runtime: Runtime): Promise<Store> {
  if (database.kind === "postgres") {
    const { openPostgres } = await import("./store/postgres.js");
    return openPostgres({ url: database.url, poolSize: database.connections, runtime });
  }
  const { openSqlite } = await import("./store/sqlite.js");
  return openSqlite({ file: database.file, synchronous: database.synchronous, runtime });
}

const SLUG_LENGTH_MAX = 40;

/** `claude-code-3f2a`: the client's name, and enough of the session to tell its windows apart. */
function handleOf(client: string, sessionId: string): string {
  const slug = client
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, SLUG_LENGTH_MAX);
  return `${slug === "" ? "agent" : slug}-${createHash("sha256").update(sessionId).digest("hex").slice(0, 4)}`;
}

function configurationOf({ settings, origins }: Config) {
  return Object.entries(settings)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value, origin: origins[name] ?? "default" }));
}
