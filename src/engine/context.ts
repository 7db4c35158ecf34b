import type { Tx, TxContext } from "../store/tx.js";
import type { Settings } from "../base/settings.js";
import type { ExecutorPolicy } from "../base/executor-policy.js";

/** Where a call comes from. Built once per connection; the engine never asks the world itself. */
export interface Caller {
  /** The handle that acts when a call names no agent. */
  readonly agent: string;
  /** The session row that keeps this caller's leases alive; null for a caller without a process of its own. */
  readonly session: SessionIdentity | null;
  readonly workplace: Workplace;
  /** `human` is a person at a terminal, `executor` the server's own hands. */
  readonly channel: "agent" | "human" | "executor";
}

export interface SessionIdentity {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly processStartedAt: number;
  readonly client: string;
  /** Which command and tool steps this process takes; false when it takes none. */
  readonly executor: ExecutorPolicy | false;
}

/** Where the caller works, read from the file system before any transaction. */
export interface Workplace {
  readonly cwd: string;
  /** The git root that contains cwd. */
  readonly gitRoot: string | null;
  /** Of a linked git worktree: the root of the main working tree. */
  readonly worktreeOf?: string | null;
  readonly caseInsensitive: boolean;
}

/** What an engine function may know: the transaction's time, ids and chance, who calls, and the settings in force. */
export interface EngineContext extends TxContext {
  readonly caller: Caller;
  readonly settings: Settings;
  /**
   * Tells the process that what it wrote leaves something due at once, so that nobody waits for the next tick. A hint: it may be
   * given by a transaction that is rolled back, and what is due is found without it.
   */
  readonly noteDue?: () => void;
}

export type Command<T> = (ctx: EngineContext) => Tx<T>;
/** Who acts where the server does a step itself. */
export const SERVER = "baton";
