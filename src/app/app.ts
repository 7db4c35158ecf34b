import os from "node:os";
import { type Config } from "../config.js";
import { databaseIsThere } from "../config/database.js";
import { Texts } from "../compaction/texts.js";
import { hasCode } from "../base/errors.js";
import type { Settings } from "../base/settings.js";
import type { Caller, CallerAccess } from "../engine/context.js";
import type { Engine } from "../engine/engine.js";
import { type Logger, silentLogger } from "../runtime/logger.js";
import type { PollTurns } from "../runtime/waiting.js";
import { type Runtime, systemRuntime } from "../runtime/runtime.js";
import { VERSION } from "../runtime/version.js";
import type { StoreHooks } from "../store/driver/faults.js";
import type { Store } from "../store/tx.js";
import type { ElicitationHost, RemoteElicitationHost } from "../mcp/elicitation/elicitation-host.js";
import type { NotifierLoop } from "../notifiers/loop.js";
import type { Executor } from "../executors/loop/executor.js";
import type { ServerCapabilities, ServerProcess } from "../dispatch/capabilities.js";
import type { Dispatch } from "../dispatch/dispatch.js";
import type { OperationIndex } from "../dispatch/operation.js";
import type { Tracer } from "../traces/tracer.js";
import { BackgroundLoop } from "./background.js";
import { capabilitiesOf } from "./capabilities.js";
import { Connection, contentFilesOf } from "./connection.js";
import { Identity, type IdentityOptions } from "./identity.js";
import { SessionKeeper } from "./session.js";
import { executes, startExecutor } from "./step-handlers.js";

/** From the end of all work, for spans that are not sent yet: a client waits for the end of its server. */
const FLUSH_MS_MAX = 500;

export interface AppOptions extends IdentityOptions {
  readonly runtime?: Runtime;
  readonly logger?: Logger;
  /** Bytes over stdin and stdout, where a client is there. */
  readonly transferred?: ServerProcess["transferred"];
  /** Other operations than the registry's, for a test of the path itself. */
  readonly operations?: OperationIndex;
  /** Faults that a test injects into the database. */
  readonly storeHooks?: StoreHooks;
  /** The environment, where it asks for traces. */
  readonly tracesTo?: Readonly<Record<string, string | undefined>> | undefined;
  /** Called once, when background work begins: from then on `runBackground` is to be called regularly. */
  onActive?(): void;
  /** Called when work is due before the next interval: after so many milliseconds, or at once. */
  onDue?(afterMs?: number): void;
}

/** Polls of waiting calls at a time, half of the connections: SQLite does one after the other anyway. */
const POSTGRES_POLLS = 4;

/**
 * The composition root: one per process. Makes nothing, opens nothing and loads nothing heavy until a call needs it.
 *
 * | state | there is | it is left by |
 * | --- | --- | --- |
 * | closed | no connection | the first call that needs the database → opening |
 * | opening | a connection that calls wait for | success → open; failure → closed, and the next call tries again |
 * | open | the store | the first write → session; a caller without a session stays here |
 * | session | the session row, and the executor where one is configured | at once → active |
 * | active | background passes; without a write, `standBy` leads here from closed, and no row is written | `close` → closing |
 * | closing | calls are refused; the pass, the executor and the session row end in this order | → closed, for good |
 *
 * `Connection` has the first three, `SessionKeeper` the fourth, `BackgroundLoop` the fifth. `Identity` says who calls.
 */
export class App {
  readonly #options: AppOptions;
  readonly #runtime: Runtime;
  readonly #logger: Logger;
  readonly #startedAt: number;
  readonly #identity: Identity;
  readonly #connection: Connection;
  readonly #session: SessionKeeper;
  readonly #background: BackgroundLoop;
  readonly #texts = new Texts();
  #capabilities: ServerCapabilities | undefined;
  #turns: PollTurns | undefined;
  #dispatch: Promise<Dispatch> | undefined;
  #tracer: Promise<Tracer | undefined> | undefined;
  #closing: Promise<void> | undefined;
  #servedRun: string | undefined;

  constructor(options: AppOptions) {
    const { config, runtime = systemRuntime(), logger = silentLogger, sessionless = false } = options;
    this.#options = options;
    this.#runtime = runtime;
    this.#logger = logger;
    this.#startedAt = runtime.clock.now();
    this.#identity = new Identity(runtime.ids.next("session", this.#startedAt), options);
    this.#connection = new Connection({
      database: config.database,
      readOnly: config.readOnly,
      runtime,
      hooks: options.storeHooks,
      settings: () => this.settings,
      prices: config.prices,
      onDue: () => options.onDue?.(),
      tracer: () => this.#tracing(),
    });
    const engine = () => this.#engine();
    const onOpened = () => {
      this.#background.activate();
      if (executes(config) && options.servesOneRun !== true) this.#background.startExecutor();
    };
    const host = os.hostname();
    const ownEngine = () => this.#connection.engine(this.#identity.client);
    this.#session = new SessionKeeper({
      config,
      host,
      clock: runtime.clock,
      sessionless,
      engine: ownEngine,
      identify: () => this.#identity.findClientProcess(),
      onOpened,
    });
    this.#background = new BackgroundLoop({
      session: this.#session,
      logger,
      startedAt: this.#startedAt,
      engine,
      isClosed: () => this.#connection.isClosed,
      // Without a database there is nothing to do, and a pass must not make one.
      isNeeded: () =>
        !config.readOnly && this.#identity.isKnown && (this.#connection.isUsed || databaseIsThere(config)),
      startExecutor: () => this.#startExecutor(),
      startNotifiers: config.notifications.length === 0 ? undefined : () => this.#startNotifiers(),
      contentFiles: () => contentFilesOf(config.database),
      onActive: () => options.onActive?.(),
      onDue: (afterMs) => options.onDue?.(afterMs),
    });
  }

  get config(): Config {
    return this.#options.config;
  }

  /** In force in this process. */
  get settings(): Settings {
    return this.#session.settings;
  }

  /** The dispatch of operations. The caller's name and conversation are those of the first call: a process serves one client. */
  dispatch(client: string, conversation: string | null = null): Promise<Dispatch> {
    this.#dispatch ??= this.#dispatchOf(this.#identity.clientIn(client, conversation));
    return this.#dispatch;
  }

  /** The dispatch of operations for a client that calls over the network. */
  remoteDispatch(client: string, access?: CallerAccess): Promise<Dispatch> {
    return this.#dispatchOf(this.#identity.remote(client, access));
  }

  /** The engine for reads that need no session row. */
  reader(client: string): Promise<Pick<Engine, "read" | "onWake">> {
    return this.#connection.engine(this.#identity.clientNamed(client));
  }

  /** The engine for reads and writes that keep no lease: no session row is written for them. */
  sessionlessEngine(client: string): Promise<Engine> {
    return this.#connection.engine(this.#identity.clientNamed(client));
  }

  /** Open questions for the person at this client, and the person's dispatch to decide them. */
  async elicitationHost(client: string): Promise<ElicitationHost> {
    const engine = await this.#writingEngine(this.#identity.clientNamed(client));
    const person = this.#identity.person();
    const [dispatch, { elicitationHost }] = await Promise.all([
      this.#dispatchOf(person),
      import("./elicitation-host.js"),
    ]);
    return elicitationHost(engine, { handle: person.agent, dispatch });
  }

  /** The same for the person at an attended client over the network. */
  async remoteElicitation(client: string, access: CallerAccess): Promise<RemoteElicitationHost> {
    const engine = await this.#writingEngine(this.#identity.remote(client, access));
    const person = this.#identity.remotePerson(client, access);
    const [dispatch, { remoteElicitationHost }] = await Promise.all([
      this.#dispatchOf(person),
      import("./elicitation-host.js"),
    ]);
    return remoteElicitationHost(engine, { handle: person.agent, dispatch });
  }

  /** The engine for hooks that come over the client's own connection. */
  hookEngine(client: string, conversation: string | null): Promise<Engine> {
    return this.#writingEngine(this.#identity.clientIn(client, conversation));
  }

  /** An id under which something is found again, such as a failure in the log. */
  newRequestId(): string {
    return this.#runtime.ids.next("request", this.#runtime.clock.now());
  }

  /**
   * Starts background work before the client has called. A process that may run commands or call tools opens its session and takes
   * such steps; any other writes nothing. The client's first write does the same.
   */
  async standBy(client: string): Promise<void> {
    if (this.#connection.isClosed) return;
    this.#identity.clientNamed(client);
    if (this.config.readOnly) return;
    if (executes(this.config)) await this.#session.beforeWrite();
    else this.#background.activate();
  }

  /** Starts taking steps of one run and its child runs, where this process may take steps at all. */
  async serveRun(client: string, run: string): Promise<void> {
    if (this.#connection.isClosed) return;
    this.#identity.clientNamed(client);
    const policy = this.#identity.servesOnly(run);
    if (policy === undefined) return this.#background.activate();
    await this.#session.beforeWrite();
    const { recordServedRun } = await import("../engine/presence/executor.js");
    await (await this.#engine()).transact((ctx) => recordServedRun(ctx, policy), { idempotent: true });
    this.#servedRun = run;
    this.#background.startExecutor();
  }

  /** Opens the database with the first call. After a failure the next call tries again. */
  store(): Promise<Store> {
    return this.#connection.store();
  }

  /** One background pass: called by the interval of launch.ts, or by a test that has advanced its clock. */
  runBackground(): Promise<void> {
    return this.#background.run();
  }

  /** The engine for maintenance that a person asks for, with fresh settings. */
  async background(client: string): Promise<Engine> {
    await this.dispatch(client);
    await this.#session.refreshSettings();
    return this.#engine();
  }

  /** Ends the session, so that the locks and tasks of this process are released after a short grace, and closes the database. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#connection.isUsed && this.#session.isSessionless) await this.#background.catchUp();
    const ended = this.#connection.close(async (bind) => {
      await this.#background.stop();
      if (this.#session.isOpen) await this.#endSession(bind(this.#identity.client));
    });
    await Promise.all([ended, this.#texts.close()]);
    await (await this.#tracer)?.close(FLUSH_MS_MAX);
  }

  /** Loaded with the first use of the database, and not at all where no traces are asked for. */
  #tracing(): Promise<Tracer | undefined> {
    const env = this.#options.tracesTo;
    if (env === undefined) return Promise.resolve(undefined);
    const parts = { env, version: VERSION, instance: this.#identity.sessionId, logger: this.#logger };
    this.#tracer ??= import("../traces/tracer.js").then(({ tracerFrom }) => tracerFrom(parts));
    return this.#tracer;
  }

  /** Without its database a session ends by its expiry, and the process still ends well. */
  async #endSession(engine: Engine): Promise<void> {
    try {
      await this.#session.end(engine);
    } catch (error) {
      if (!hasCode(error, "unavailable")) throw error;
      this.#logger.warn("the session ends by its expiry", { error });
    }
  }

  async #engine(): Promise<Engine> {
    return this.#session.whileAwake(await this.#connection.engine(this.#identity.client));
  }

  /** Ensures a session before each command. */
  async #writingEngine(caller: Caller): Promise<Engine> {
    return this.#session.whileAwake(await this.#connection.engine(caller, () => this.#session.beforeWrite()));
  }

  async #dispatchOf(caller: Caller): Promise<Dispatch> {
    const [{ Dispatch }, { catalogue }, { PollTurns: Turns, waitFor }, tracer] = await Promise.all([
      import("../dispatch/dispatch.js"),
      import("../tools/registry.js"),
      import("../runtime/waiting.js"),
      this.#tracing(),
    ]);
    const turns = (this.#turns ??= new Turns(this.config.database.kind === "sqlite" ? 1 : POSTGRES_POLLS));
    return new Dispatch({
      engine: () => this.#writingEngine(caller),
      operations: this.#options.operations ?? catalogue,
      caller,
      settings: () => this.settings,
      readOnly: this.config.readOnly,
      heard: (agent) => this.#session.heard(agent),
      logger: this.#logger,
      tracer,
      capabilities: this.#ownCapabilities(),
      waitFor: (poll, waiting) => this.#background.whileCatchingUp(() => waitFor(poll, { ...waiting, turns })),
      newRequestId: () => this.newRequestId(),
    });
  }

  /** The same for every caller, so that a call over the network does not pay for them again. */
  #ownCapabilities(): ServerCapabilities {
    this.#capabilities ??= capabilitiesOf({
      config: this.config,
      texts: this.#texts,
      cwd: this.#options.cwd,
      startedAt: this.#startedAt,
      transferred: this.#options.transferred,
      settings: () => this.settings,
      refreshSettings: () => this.#session.refreshSettings(),
      catchUp: () => this.#background.catchUp(),
      mayBeBehind: () => this.#background.mayBeBehind(),
    });
    return this.#capabilities;
  }

  async #startNotifiers(): Promise<NotifierLoop> {
    const { NotifierLoop: Loop } = await import("../notifiers/loop.js");
    const loop = new Loop({
      engine: await this.#engine(),
      targets: this.config.notifications,
      logger: this.#logger,
    });
    if (!this.#connection.isClosed) loop.start();
    return loop;
  }

  async #startExecutor(): Promise<Executor> {
    const caller = await this.#identity.executor();
    return startExecutor({
      engine: this.#session.whileAwake(await this.#connection.engine(caller)),
      agent: caller.agent,
      run: this.#servedRun,
      config: this.config,
      mark: this.#identity.sessionId,
      logger: this.#logger,
      isClosed: () => this.#connection.isClosed,
    });
  }
}
