import os from "node:os";
import type { LocalHost } from "../engine/background/tick.js";
import type { Engine } from "../engine/engine.js";
import type { Executor } from "../executors/loop/executor.js";
import type { NotifierLoop } from "../notifiers/loop.js";
import type { Logger } from "../runtime/logger.js";
import type { ContentFiles } from "../runtime/files/content-files.js";
import { isAlive } from "../runtime/processes.js";
import type { SessionKeeper } from "./session.js";

export interface BackgroundParts {
  readonly session: SessionKeeper;
  readonly logger: Logger;
  /** Of this process, in ms since the epoch. */
  readonly startedAt: number;
  /** Whether the process is closing or closed. */
  isClosed(): boolean;
  /** Whether there may be due work: a client has called, and the database exists. */
  isNeeded(): boolean;
  engine(): Promise<Engine>;
  startExecutor(): Promise<Executor>;
  /** Undefined where no notifications are configured. */
  readonly startNotifiers?: (() => Promise<NotifierLoop>) | undefined;
  /** Contents of artifacts beside the database. */
  contentFiles(): Promise<ContentFiles | undefined>;
  onActive?(): void;
  onDue?(afterMs?: number): void;
}

/** The background work of this process: its own session, shared due work, and its executor. */
export class BackgroundLoop {
  readonly #parts: BackgroundParts;
  readonly #localHost: LocalHost;
  #isActive = false;
  #keepsUp = false;
  #running: Promise<void> | undefined;
  #catchingUp: Promise<void> | undefined;
  #executor: Promise<Executor> | undefined;
  #notifiers: Promise<NotifierLoop> | undefined;

  constructor(parts: BackgroundParts) {
    this.#parts = parts;
    this.#localHost = {
      host: os.hostname(),
      isAlive,
      startedAt: parts.startedAt,
      quarantine: new Map(),
      sampled: { interval: 0 },
      git: {
        edits: async (search) => (await import("../runtime/git/edited-files.js")).editedFiles(search),
        merges: async (search) => (await import("../runtime/git/failing-merges.js")).failingMerges(search),
      },
      contents: { files: () => parts.contentFiles() },
    };
  }

  /** True for the first to ask, unless due work was handled before: passes and their timers do so from then on. */
  mayBeBehind(): boolean {
    const isBehind = !this.#keepsUp;
    this.#keepsUp = true;
    return isBehind;
  }

  /** Asks for regular passes. Further calls change nothing. */
  activate(): void {
    if (this.#isActive) return;
    this.#isActive = true;
    this.#parts.onActive?.();
  }

  /** Starts taking command and tool steps. Further calls change nothing. */
  startExecutor(): void {
    if (this.#executor !== undefined) return;
    this.#executor = this.#parts.startExecutor();
    this.#executor.catch((error: unknown) => this.#parts.logger.error("steps cannot be carried out", { error }));
  }

  /** One pass. A call during a pass joins it. */
  run(): Promise<void> {
    this.#running ??= this.#run()
      .catch((error: unknown) => {
        // Closing interrupts a pass, which is no failure.
        if (!this.#parts.isClosed()) throw error;
      })
      .finally(() => (this.#running = undefined));
    return this.#running;
  }

  /**
   * Handles due work for a claim, rather than with the next tick, and for a caller without a session after each call: where only the
   * command line is used, no other process does it. It comes after a call has renewed its agent's leases, never before, because the
   * call may be the heartbeat that keeps its task. A failure is logged and fails no call. False where nothing is due.
   */
  async catchUp(): Promise<boolean> {
    this.#keepsUp = true;
    if (this.#parts.session.isSessionless ? !this.#parts.session.writesSessionless : !(await this.#isAnythingDue()))
      return false;
    this.#catchingUp ??= this.#catchUp()
      .catch((error: unknown) => this.#parts.logger.warn("background work failed", { error }))
      .finally(() => (this.#catchingUp = undefined));
    await this.#catchingUp;
    return true;
  }

  /** Runs a wait; for a caller without a session due work is handled meanwhile, as a server process would do. */
  async whileCatchingUp<T>(wait: () => Promise<T>): Promise<T> {
    const { session } = this.#parts;
    if (!session.isSessionless) return wait();
    const timer = setInterval(() => void this.catchUp(), session.settings.tick_ms);
    try {
      return await wait();
    } finally {
      clearInterval(timer);
    }
  }

  /** Ends the executor, after a pass that is under way. */
  async stop(): Promise<void> {
    await Promise.allSettled([this.#running, this.#parts.session.settled()]);
    const [executor] = await Promise.allSettled([this.#executor]);
    if (executor.status === "fulfilled") await executor.value?.stop();
    const [notifiers] = await Promise.allSettled([this.#notifiers]);
    if (notifiers.status === "fulfilled") await notifiers.value?.stop();
  }

  async #run(): Promise<void> {
    const { session } = this.#parts;
    if (this.#parts.isClosed() || !this.#parts.isNeeded()) return;
    await session.wake();
    // There is no session row before the first write. Shared background work may run in any process.
    if (session.isOpen) await session.keep();
    await session.refreshSettings();
    await this.#tick();
    const executor = await this.#executor;
    // A project root that reappears on disk makes no commit, so the executor polls here.
    executor?.poll();
    await executor?.tidy();
    await this.#notify();
  }

  async #notify(): Promise<void> {
    const { startNotifiers } = this.#parts;
    if (startNotifiers === undefined) return;
    this.#notifiers ??= startNotifiers();
    // A failure to load them is that of this pass; the next tries again.
    this.#notifiers.catch(() => (this.#notifiers = undefined));
    (await this.#notifiers).poll();
  }

  async #tick(): Promise<void> {
    const engine = await this.#parts.engine();
    const { nextDueIn, tick } = await import("../engine/background/tick.js");
    this.#keepsUp = true;
    const report = await tick(engine, this.#localHost);
    if (Object.values(report).some((count) => count > 0)) this.#parts.logger.debug("background work", { report });
    const dueInMs = await engine.read(nextDueIn);
    if (dueInMs > 0 && dueInMs < engine.settings().tick_ms) this.#parts.onDue?.(dueInMs);
  }

  async #isAnythingDue(): Promise<boolean> {
    const { isAnythingDue } = await import("../engine/background/tick.js");
    return (await this.#parts.engine()).read(isAnythingDue);
  }

  async #catchUp(): Promise<void> {
    await this.#parts.session.wake();
    const { catchUp } = await import("../engine/background/tick.js");
    await catchUp(await this.#parts.engine(), this.#localHost);
  }
}
