import type { App } from "../app/app.js";
import type { Config, DatabaseConfig, Flags } from "../config.js";
import type { Logger } from "../runtime/logger.js";
import type { Dispatch } from "../dispatch/dispatch.js";
import type { Finding, LiveSession, Pruned } from "../app/maintenance.js";

/** Everything that the command line can reach beyond its own terminal. */
export interface CommandHost {
  readonly version: string;
  /** Milliseconds since the epoch. */
  now(): number;
  open(flags: Flags, options: OpenOptions): Promise<Opened>;
  serve(flags: Flags): Promise<never>;
  inspectDatabase(database: DatabaseConfig): Promise<Finding[]>;
  liveSessions(app: App): Promise<LiveSession[]>;
  prune(app: App): Promise<Pruned>;
  removeDatabase(database: DatabaseConfig): Promise<string[]>;
}

export interface OpenOptions {
  /** For what ends with its answer: leases then last by time. */
  readonly sessionless: boolean;
}

export interface Opened {
  readonly app: App;
  readonly config: Config;
  readonly logger: Logger;
  dispatch(): Promise<Dispatch>;
  /** Lets this process take command steps from now on, where it may, also of what others have started. */
  standBy(): Promise<void>;
}
