import os from "node:os";
import { type Config, databaseIsThere, settingsWithOrigins } from "../config.js";
import { callerAt, personAt, suffixOf } from "./identity.js";
import type { Caller, EngineContext } from "../engine/context.js";
import type { Effect } from "../engine/effect.js";
import { BatonError } from "../base/errors.js";
import type { Settings } from "../base/settings.js";
import type { Executor, ExecutorHost } from "../executors/loop/executor.js";
import type { TickHost } from "../engine/background/tick.js";
import { type Logger, silentLogger } from "../runtime/logger.js";
import { type Runtime, systemRuntime } from "../runtime/runtime.js";
import { VERSION } from "../runtime/version.js";
import { leavesRoot } from "../runtime/confinement.js";
import { isAlive } from "../runtime/processes.js";
import { readWorkplace } from "../runtime/workplace.js";
import type { StoreHooks } from "../store/driver/faults.js";
import type { Store, Tx, TxContext } from "../store/tx.js";
import type { ElicitationHost } from "../mcp/elicitation/elicitation-host.js";
import type { Reader } from "../resources/resource.js";
import type { Dispatch } from "../dispatch/dispatch.js";
import type { OperationIndex } from "../dispatch/operation.js";
import { executes, executorPolicy, worksOf } from "./step-handlers.js";

export interface AppOptions {
  readonly config: Config;
  readonly runtime?: Runtime;
  readonly logger?: Logger;
  /** Where the caller works. */
  readonly cwd?: string;
  /** The handle that acts by default; made from the client's name without it. */
  readonly agent?: string;
  /** Without a process that outlives the call: leases then last by time, and nothing is renewed. */
  readonly sessionless?: boolean;
  /** `human` for a person at a terminal. */
  readonly channel?: Caller["channel"];
  /** Other operations than the registry's, for a test of the path itself. */
  readonly operations?: OperationIndex;
  /** Faults that a test lets the database have. */
  readonly storeHooks?: StoreHooks;
  /** Called once, when the process has something to look after, its own or what is due for all: from then on `beat` is due. */
  onActive?(): void;
  /** Called when something comes due before the interval would find it: in so many milliseconds, or at once. */
  onDue?(afterMs?: number): void;
}

/** The composition root: one per process. Makes nothing, opens nothing and loads nothing heavy until a call needs it. */
export class App {
  readonly config: Config;
  readonly #runtime: Runtime;
  readonly #logger: Logger;
  readonly #options: AppOptions;
  readonly #startedAt: number;
  readonly #sessionId: string;
  #store: Promise<Store> | undefined;
  /** Loaded with the database. */
  #effects: readonly Effect[] | undefined;
  #dispatch: Promise<Dispatch> | undefined;
  #caller: Caller | undefined;
  #session: Promise<void> | undefined;
  #refreshed: Promise<void> | undefined;
  #catchingUp: Promise<void> | undefined;
  #renewedAt = 0;
  #active = false;
  readonly #machine = { host: os.hostname(), isAlive, aside: new Map<string, number>() };
  #beating: Promise<void> | undefined;
  #executor: Promise<Executor> | undefined;
  #closed = false;
  #closing: Promise<void> | undefined;
  /** In force: what the process was started with, and what has been configured in the database since. */
  #settings: Settings;

  constructor(options: AppOptions) {
    this.config = options.config;
    this.#settings = options.config.settings;
    this.#options = options;
    this.#runtime = options.runtime ?? systemRuntime();
    this.#logger = options.logger ?? silentLogger;
    this.#startedAt = this.#runtime.clock.now();
    this.#sessionId = this.#runtime.ids.next("session", this.#startedAt);
  }

  /** As they are in force in this process. */
  get settings(): Settings {
    return this.#settings;
  }

  /** The way into the operations. The client's name is taken from the first who asks: a process serves one. */
  dispatch(client: string): Promise<Dispatch> {
    this.#dispatch ??= this.#makeDispatch(this.#callerOf(client));
    return this.#dispatch;
  }

  /** The way to look at the database and to watch it, without a session. The client's name is taken as by `dispatch`. */
  async reader(client: string): Promise<Reader> {
    this.#callerOf(client);
    const store = await this.store();
    const server = { version: VERSION, database: store.info };
    return {
      read: (query) => store.read((ctx) => query({ ...this.#context(ctx), server })),
      onWake: (listener) => store.onWake(listener),
    };
  }

  /** Open questions for the person at this client, and that person's way to decide. The client's name is taken as by `dispatch`. */
  async elicitationHost(client: string): Promise<ElicitationHost> {
    const person = await this.#makeDispatch(personAt(this.#callerOf(client)));
    const store = await this.store();
    const { elicitationHost } = await import("./elicitation-host.js");
    return elicitationHost({
      read: (query) => store.read((ctx) => query(this.#context(ctx))),
      transact: async (command) => {
        await this.#beforeWrite();
        return this.#transact(store, command);
      },
      onWake: (listener) => store.onWake(listener),
      settings: () => this.#settings,
      person,
    });
  }

  /** An id for something that is to be found again, such as a failure in the log. */
  newRequestId(): string {
    return this.#runtime.ids.next("request", this.#runtime.clock.now());
  }

  /**
   * Begins to look after what is due, before its client has called. A process that may run commands or call tools makes itself known
   * and takes those of others; any other leaves no trace. Its client's first write does the same.
   */
  async standBy(client: string): Promise<void> {
    if (this.#closed) return;
    this.#callerOf(client);
    if (executes(this.config)) await this.#beforeWrite();
    else this.#becomeActive();
  }

  /** Opens the database with the first call. After a failure the next call tries again. */
  store(): Promise<Store> {
    if (this.#closed) return Promise.reject(new BatonError("unavailable", "The server is shutting down."));
    this.#store ??= this.#openStore().catch((error: unknown) => {
      this.#store = undefined;
      throw error;
    });
    return this.#store;
  }

  /**
   * Background work that is due: this process's own session first, then what any process may do. Called by the one
   * interval of main.ts, or by a test that has advanced its clock. A beat that meets a running one joins it.
   */
  beat(): Promise<void> {
    this.#beating ??= this.#beat()
      .catch((error: unknown) => {
        // A beat that the end of the server cuts off has nothing to tell.
        if (!this.#closed) throw error;
      })
      .finally(() => (this.#beating = undefined));
    return this.#beating;
  }

  /** The database as background work sees it, for upkeep that a person asks for. */
  async background(client: string): Promise<TickHost> {
    await this.dispatch(client);
    const store = await this.store();
    await this.#refreshSettings();
    return this.#tickHost(store);
  }

  /** Ends the session, so that what this process holds goes back after a short grace, and closes the database. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const opening = this.#store;
    if (opening !== undefined) await this.#catchUp();
    this.#closed = true;
    if (opening === undefined) return;
    const store = await opening;
    try {
      await Promise.allSettled([this.#beating, this.#session]);
      const [executor] = await Promise.allSettled([this.#executor]);
      if (executor.status === "fulfilled") await executor.value?.stop();
      if (this.#session !== undefined) {
        const { endSession } = await import("../engine/presence/sessions.js");
        await this.#transact(store, (ctx) => endSession(ctx));
      }
    } finally {
      await store.close();
    }
  }

  async #beat(): Promise<void> {
    if (this.#closed || this.#caller === undefined) return;
    // Where nobody has made a database there is nothing to look after.
    if (this.#store === undefined && !databaseIsThere(this.config)) return;
    // Without a write there is nothing to keep alive. What is due for all is anybody's.
    if (this.#session !== undefined) await this.#keepSession();
    await this.#refreshSettings();
    await this.#tick();
    const executor = await this.#executor;
    // A missing directory that has come back makes no commit.
    executor?.look();
    await executor?.tidy();
  }

  async #tick(): Promise<void> {
    const store = await this.store();
    const { nextDueIn, tick } = await import("../engine/background/tick.js");
    const host = this.#tickHost(store);
    const report = await tick(host, this.#machine);
    if (Object.values(report).some((count) => count > 0)) this.#logger.debug("background work", { report });
    const dueInMs = await host.read(nextDueIn);
    if (dueInMs > 0 && dueInMs < this.#settings.tick_ms) this.#options.onDue?.(dueInMs);
  }

  async #openStore(): Promise<Store> {
    this.#effects ??= (await import("../engine/effects.js")).effects;
    const { database } = this.config;
    const { storeHooks: hooks } = this.#options;
    const shared = { runtime: this.#runtime, ...(hooks && { hooks }) };
    if (database.kind === "postgres") {
      const { openPostgres } = await import("../store/postgres/postgres.js");
      return openPostgres({ ...shared, url: database.url, poolSize: database.connections });
    }
    const { openSqlite } = await import("../store/sqlite/sqlite.js");
    return openSqlite({ ...shared, file: database.file, synchronous: database.synchronous });
  }

  #tickHost(store: Store): TickHost {
    return {
      transact: (command) => this.#transact(store, command),
      read: (query) => store.read((ctx) => query(this.#context(ctx))),
      snapshot: (query) => store.snapshot((ctx) => query(this.#context(ctx))),
    };
  }

  /** What holds before a write. A caller without a session takes over what is configured; the others do so by the beat. */
  async #beforeWrite(): Promise<void> {
    if (this.#options.sessionless !== true) return this.#keepSession();
    this.#refreshed ??= this.#refreshSettings();
    await this.#refreshed;
  }

  /**
   * Does what has come due, for a caller without a session: where only commands of a shell are used, nobody else does. Never before a
   * call, which may be the sign of life that keeps its task. It is others' work, so its failure fails no call.
   */
  async #catchUp(): Promise<boolean> {
    if (this.#options.sessionless !== true || this.#refreshed === undefined) return false;
    this.#catchingUp ??= this.#doWhatIsDue()
      .catch((error: unknown) => this.#logger.warn("background work failed", { error }))
      .finally(() => (this.#catchingUp = undefined));
    await this.#catchingUp;
    return true;
  }

  async #doWhatIsDue(): Promise<void> {
    const { catchUp } = await import("../engine/background/tick.js");
    await catchUp(this.#tickHost(await this.store()), this.#machine);
  }

  /** Opens the session row before the first write and renews it where that is due; called before every write. */
  async #keepSession(): Promise<void> {
    if (this.#session === undefined) {
      this.#session = this.#openSession();
      // Whoever waits for it hears of the failure; the next write tries again.
      this.#session.catch(() => (this.#session = undefined));
    }
    await this.#session;
    const now = this.#runtime.clock.now();
    // A clock that was set back says nothing of how long ago it was.
    if (now >= this.#renewedAt && now - this.#renewedAt < this.#settings.session_renew_ms) return;
    this.#renewedAt = now;
    const { renewSession } = await import("../engine/presence/sessions.js");
    await this.#transact(await this.store(), (ctx) => renewSession(ctx));
  }

  #becomeActive(): void {
    if (this.#active) return;
    this.#active = true;
    this.#options.onActive?.();
  }

  async #openSession(): Promise<void> {
    const { openSession } = await import("../engine/presence/sessions.js");
    await this.#refreshSettings();
    await this.#transact(await this.store(), (ctx) => openSession(ctx));
    this.#renewedAt = this.#runtime.clock.now();
    this.#becomeActive();
    if (executes(this.config)) {
      this.#executor ??= this.#startExecutor(await this.store());
      this.#executor.catch((error: unknown) => this.#logger.error("steps cannot be carried out", { error }));
    }
  }

  /** Loaded only where commands may be run or tools called, once the session stands. */
  async #startExecutor(store: Store): Promise<Executor> {
    const [{ Executor }, { executorHandle }] = await Promise.all([
      import("../executors/loop/executor.js"),
      import("../engine/presence/executor.js"),
    ]);
    const agent = executorHandle(os.hostname(), suffixOf(this.#sessionId));
    const context = (ctx: TxContext): EngineContext => {
      const own = this.#context(ctx);
      return { ...own, caller: { ...own.caller, agent, channel: "executor" } };
    };
    const host: ExecutorHost = {
      transact: (command) => store.transact((ctx) => command(context(ctx)), { idempotent: true }),
      read: (query) => store.read((ctx) => query(context(ctx))),
      onWake: (listener) => store.onWake(listener),
      settings: () => this.#settings,
      now: () => this.#runtime.clock.now(),
    };
    const executor = new Executor({
      host,
      agent,
      works: await worksOf(this.config, { host, mark: this.#sessionId }),
      logger: this.#logger,
    });
    if (!this.#closed) executor.start();
    return executor;
  }

  async #refreshSettings(): Promise<void> {
    const { settingsInForce, storedSettings } = await import("../engine/system/configuration.js");
    const store = await this.store();
    this.#settings = settingsInForce(settingsWithOrigins(this.config), await store.read(storedSettings));
  }

  #transact<T>(store: Store, command: (ctx: EngineContext) => Tx<T>): Promise<T> {
    return store.transact((ctx) => command(this.#context(ctx)));
  }

  #context(ctx: TxContext): EngineContext {
    const [caller, effects] = [this.#caller, this.#effects];
    if (caller === undefined || effects === undefined) throw new Error("nobody has called yet");
    return { ...ctx, caller, settings: this.#settings, effects, noteDue: () => this.#options.onDue?.() };
  }

  async #makeDispatch(caller: Caller): Promise<Dispatch> {
    const [{ Dispatch }, { catalogue }, { waitFor }] = await Promise.all([
      import("../dispatch/dispatch.js"),
      import("../tools/registry.js"),
      import("../runtime/waiting.js"),
    ]);
    const settings = (): Settings => this.#settings;
    return new Dispatch({
      store: () => this.store(),
      operations: this.#options.operations ?? catalogue,
      caller,
      get settings() {
        return settings();
      },
      logger: this.#logger,
      facts: {
        version: VERSION,
        startedAt: this.#startedAt,
        configuration: settingsWithOrigins(this.config),
        readWorkplace: (directory) => readWorkplace(directory, this.#options.cwd),
        leavesRoot,
        templates: async (contentsOf) => {
          const { readTemplateFolders } = await import("../runtime/template-folders.js");
          const directory = this.config.templatesDirectory;
          return { folders: await readTemplateFolders(directory, contentsOf), directory };
        },
        survey: async (root, files) => (await import("../runtime/scaffolding.js")).surveyFiles(root, files),
        write: async (root, writing) => (await import("../runtime/scaffolding.js")).writeFiles(root, writing),
        process: () => ({ pid: process.pid, node: process.version, memoryBytes: process.memoryUsage.rss() }),
        refreshSettings: () => this.#refreshSettings(),
        catchUp: () => this.#catchUp(),
      },
      waitFor: (look, waiting) => this.#whileCatchingUp(() => waitFor(look, waiting)),
      newRequestId: () => this.newRequestId(),
      noteDue: () => this.#options.onDue?.(),
      beforeWrite: () => this.#beforeWrite(),
    });
  }

  /** Waits as a process does that looks after what is due itself. */
  async #whileCatchingUp<T>(wait: () => Promise<T>): Promise<T> {
    if (this.#options.sessionless !== true) return wait();
    const timer = setInterval(() => void this.#catchUp(), this.#settings.tick_ms);
    try {
      return await wait();
    } finally {
      clearInterval(timer);
    }
  }

  #callerOf(client: string): Caller {
    const { agent, sessionless = false, channel = "agent", cwd = process.cwd() } = this.#options;
    const own = { sessionId: this.#sessionId, agent, sessionless, channel, cwd, executor: executorPolicy(this.config) };
    return (this.#caller ??= callerAt(client, own));
  }
}
