import type { GuardedFiles, HeldFile, Holdings } from "../../engine/guard/guarded-files.js";
import type { HookOrigin } from "../../engine/guard/hook-origin.js";
import type { Workplace } from "../../engine/context.js";

/** Questions of a hook to a database. Each is answered by its own process, or by a server that runs. */
export interface HookAsks {
  holdings(places: readonly GuardedFiles[]): Promise<Holdings>;
  take(places: readonly GuardedFiles[]): Promise<readonly HeldFile[]>;
  free(places: readonly GuardedFiles[]): Promise<void>;
  noteAtStart(place: Workplace): Promise<string | undefined>;
  workLeft(place: Workplace): Promise<string | undefined>;
}

/** A line that a hook sends to a server. */
export interface HookRequest {
  /** Of Baton. */
  readonly version: string;
  /** The machine and database that the hook means. */
  readonly host: string;
  readonly database: string;
  readonly origin: HookOrigin;
  readonly ask: keyof HookAsks;
  readonly places: readonly GuardedFiles[];
}

/** The line that answers it; an error is the reason why the hook has to ask the database itself. */
export interface HookResponse {
  readonly value?: unknown;
  readonly error?: string;
}

export const REQUEST_BYTES_MAX = 256 * 1024;
/** Of one request: a server does not stop for long. */
export const REQUEST_FILES_MAX = 200;
