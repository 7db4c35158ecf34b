import type { Config } from "../config.js";
import { settingsWithOrigins } from "../config.js";
import type { Settings } from "../base/settings.js";
import type { Engine } from "../engine/engine.js";
import type { Clock } from "../runtime/clock.js";

export interface SessionParts {
  readonly config: Config;
  readonly clock: Clock;
  /** The caller has no process that outlives the call: no row is written, and leases last by time. */
  readonly sessionless: boolean;
  engine(): Promise<Engine>;
  /** Called after the session row has been written. */
  onOpened(): void;
}

/** The session row of this process, and the settings in force in it. */
export class SessionKeeper {
  readonly #parts: SessionParts;
  #settings: Settings;
  #opening: Promise<void> | undefined;
  #refreshed: Promise<void> | undefined;
  #renewedAt = 0;

  constructor(parts: SessionParts) {
    this.#parts = parts;
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
    if (!this.#parts.sessionless) return this.keep();
    this.#refreshed ??= this.refreshSettings();
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
    this.#renewedAt = now;
    const { renewSession } = await import("../engine/presence/sessions.js");
    await (await this.#parts.engine()).transact((ctx) => renewSession(ctx));
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
    await this.refreshSettings();
    await (await this.#parts.engine()).transact((ctx) => openSession(ctx));
    this.#renewedAt = this.#parts.clock.now();
    this.#parts.onOpened();
  }
}
