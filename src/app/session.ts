import type { Config } from "../config.js";
import { settingsWithOrigins } from "../config.js";
import type { Settings } from "../base/settings.js";
import type { Engine } from "../engine/engine.js";
import type { Clock } from "../runtime/clock.js";
import { type Sleep, SleepWatch } from "../runtime/sleep-watch.js";
import { Signs } from "./signs.js";

export interface SessionParts {
  readonly config: Config;
  /** The name of this machine. */
  readonly host: string;
  readonly clock: Clock;
  /** The caller has no process that outlives the call: no row is written, and leases last by time. */
  readonly sessionless: boolean;
  /** Bound to no `SessionKeeper`: the session's own commands go through it. */
  engine(): Promise<Engine>;
  /** Finds what the row says and is not known at once. */
  identify(): Promise<void>;
  /** Called after the session row has been written. */
  onOpened(): void;
}

/** The machine has slept between the wake of this process and a command. */
class SleptMeanwhile extends Error {}

/** The session row of this process, and the settings in force in it. */
export class SessionKeeper {
  readonly #parts: SessionParts;
  #settings: Settings;
  #opening: Promise<void> | undefined;
  #refreshed: Promise<void> | undefined;
  #renewedAt = 0;
  /** Settles when no renewal for calls is under way. */
  #renewal = Promise.resolve();
  #nextRenewal: Promise<void> | undefined;
  readonly #signs: Signs;
  readonly #sleepWatch: SleepWatch;
  #waking: Promise<void> | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#signs = new Signs(parts.clock);
    this.#sleepWatch = new SleepWatch(parts.clock);
    this.#settings = parts.config.settings;
  }

  /** The settings of the process's start, overridden by those stored in the database. */
  get settings(): Settings {
    return this.#settings;
  }

  /** Whether the row has been written or is being written. */
  get isOpen(): boolean {
    return this.#opening !== undefined;
  }

  get isSessionless(): boolean {
    return this.#parts.sessionless;
  }

  /** Whether a caller without a session has written. */
  get writesSessionless(): boolean {
    return this.#refreshed !== undefined;
  }

  /** Ensures the session row exists and is fresh. Callers without a session refresh settings here, others in the background pass. */
  async beforeWrite(): Promise<void> {
    await this.wake();
    if (!this.#parts.sessionless) return this.keep();
    this.#refreshed ??= this.#beginSessionless();
    await this.#refreshed;
  }

  /** Writes the session row before the first command, and renews it when it is due. */
  async keep(): Promise<void> {
    if (this.#opening === undefined) {
      this.#opening = this.#open();
      // The failure reaches the callers that wait for it; the next write tries again.
      this.#opening.catch(() => (this.#opening = undefined));
    }
    await this.#opening;
    const now = this.#parts.clock.now();
    // After the clock was set back, the time since the last renewal is unknown.
    if (now >= this.#renewedAt && now - this.#renewedAt < this.#settings.session_renew_ms) return;
    await this.#renew(now);
  }

  /**
   * Notes a call of an agent; returns the function that ends it. Signs are recorded with the session's renewal, so that a read writes
   * nothing itself; the first call, and one after a long pause, is recorded at once, before what the agent holds goes to another.
   */
  async heard(agent: string): Promise<() => void> {
    const { end, quietMs } = this.#signs.begin(agent);
    const mayBeSilent = quietMs === undefined || quietMs >= this.#settings.silence_ms / 2;
    // After a failure the next renewal records it.
    if (mayBeSilent && this.isOpen) await this.#renewForAll().catch(() => (this.#renewedAt = 0));
    return end;
  }

  /**
   * The engine, whose commands never take a time after a sleep for one in which their holders were awake: a machine may sleep between
   * `wake` and a command, which then begins again.
   */
  whileAwake(engine: Engine): Engine {
    const transact: Engine["transact"] = async (command, options) => {
      for (;;) {
        try {
          return await engine.transact((ctx) => {
            if (this.#slept()) throw new SleptMeanwhile();
            return command(ctx);
          }, options);
        } catch (error) {
          if (!(error instanceof SleptMeanwhile)) throw error;
          await this.wake();
        }
      }
    };
    return { ...engine, transact };
  }

  #slept(): boolean {
    return this.#sleepWatch.look(this.#settings.sleep_gap_ms) !== undefined;
  }

  /** Accounts for the time that this machine has slept since the last look, before anything is taken for over. */
  async wake(): Promise<void> {
    const sleep = this.#sleepWatch.look(this.#settings.sleep_gap_ms);
    if (sleep === undefined) return;
    this.#waking ??= this.#account(sleep).finally(() => (this.#waking = undefined));
    await this.#waking;
  }

  async #account(sleep: Sleep): Promise<void> {
    const { accountForSleep } = await import("../engine/presence/sleep.js");
    const engine = await this.#parts.engine();
    await engine.transact((ctx) => accountForSleep(ctx, { ...sleep, host: this.#parts.host }));
    this.#sleepWatch.accounted(sleep);
  }

  /**
   * Renews once for all calls that come before it begins. A renewal records the signs of all agents: one for each call would write as
   * many rows as the square of the agents that begin together, each under the lock of the session's row.
   */
  #renewForAll(): Promise<void> {
    this.#nextRenewal ??= this.#renewal.then(() => {
      this.#nextRenewal = undefined;
      const renewing = this.#renew(this.#parts.clock.now());
      this.#renewal = renewing.catch(() => undefined);
      return renewing;
    });
    return this.#nextRenewal;
  }

  async #renew(now: number): Promise<void> {
    this.#renewedAt = now;
    const { renewSession } = await import("../engine/presence/sessions.js");
    const signs = this.#signs.unrecorded();
    await (await this.#parts.engine()).transact((ctx) => renewSession(ctx, signs));
    this.#signs.recorded(signs);
  }

  async #beginSessionless(): Promise<void> {
    const { isSettled, settleProject } = await import("../engine/projects/moves.js");
    await this.refreshSettings();
    const engine = await this.#parts.engine();
    if (!(await engine.read(isSettled))) await engine.transact(settleProject);
  }

  /** Reads the settings stored in the database. */
  async refreshSettings(): Promise<void> {
    const { settingsInForce, storedSettings } = await import("../engine/system/configuration.js");
    const stored = await (await this.#parts.engine()).read(storedSettings);
    this.#settings = settingsInForce(settingsWithOrigins(this.#parts.config), stored);
  }

  /** Settles when no opening is under way. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#opening]);
  }

  /** Ends the session: locks and tasks of this process are released after a short grace. */
  async end(engine: Engine): Promise<void> {
    if (this.#opening === undefined) return;
    const { endSession } = await import("../engine/presence/sessions.js");
    await engine.transact((ctx) => endSession(ctx));
  }

  async #open(): Promise<void> {
    const { openSession } = await import("../engine/presence/sessions.js");
    const { settleProject } = await import("../engine/projects/moves.js");
    await this.refreshSettings();
    await this.#parts.identify();
    const signs = this.#signs.unrecorded();
    await (
      await this.#parts.engine()
    ).transact(function* (ctx) {
      yield* settleProject(ctx);
      yield* openSession(ctx, signs);
    });
    this.#signs.recorded(signs);
    this.#renewedAt = this.#parts.clock.now();
    this.#parts.onOpened();
  }
}
