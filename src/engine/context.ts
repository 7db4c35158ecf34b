import type { PermissionRole } from "../base/statuses.js";
import type { PriceList } from "../base/prices.js";
import type { Session } from "../store/presence/sessions.js";
import type { StoreInfo, Tx } from "../store/tx.js";
import type { ExecutorPolicy } from "../base/executor-policy.js";
import type { Seat } from "../runtime/seat.js";
import type { Effect, EffectContext } from "./effect.js";
import type { FindPath } from "./disk-paths.js";

/** The rights of a caller over the network, as it has shown them. */
export interface CallerAccess {
  /** Id of its token, or `oauth:` and the subject that an issuer vouches for. */
  readonly id: string;
  readonly name: string;
  readonly role: PermissionRole;
  /** Agents that it may act as; null: any. */
  readonly agents: readonly string[] | null;
  /** Whether a person sits at its client and answers its forms. */
  readonly attended?: boolean;
}

/** Where a call comes from. Built once per connection; the engine never asks the world itself. */
export interface Caller {
  /** The handle that acts when a call names no agent. */
  readonly agent: string;
  /** The session row that keeps this caller's leases alive; null for a caller without a process of its own. */
  readonly session: SessionIdentity | null;
  /** The identity that the client gives its conversation, which outlives this process; null where it gives none. */
  readonly clientSession: string | null;
  /** The machine of the caller. */
  readonly host: string;
  readonly workplace: Workplace;
  /** `human` is a person at a terminal, `executor` the server's own hands. */
  readonly channel: "agent" | "human" | "executor";
  /** Where a command typed at a terminal came from; absent for every other caller. */
  readonly seat?: Seat | undefined;
  /** Absent for a caller on this machine, who has shown nothing. */
  readonly access?: CallerAccess | undefined;
}

export interface SessionIdentity extends Pick<
  Session,
  "id" | "host" | "pid" | "processStartedAt" | "client" | "clientProcess"
> {
  /** Which command and tool steps this process takes; false when it takes none. */
  readonly executor: ExecutorPolicy | false;
}

/** Where the caller works, read from the file system before any transaction. */
export interface Workplace {
  readonly cwd: string;
  /** The git root that contains cwd. */
  readonly gitRoot: string | null;
  /** The root of the main working tree, for a linked git worktree. */
  readonly worktreeOf?: string | null;
  readonly caseInsensitive: boolean;
  /** Identity of the git root's git directory in the file system, which a move keeps. */
  readonly gitDirectory?: string | null | undefined;
  /** Identity of the git directory that the worktrees of a repository share. */
  readonly repository?: string | null | undefined;
  /** Whether this is where the server was started, which names the project, while the caller may work in any tree on any machine. */
  readonly isElsewhere?: boolean | undefined;
  /** Directories outside which this process makes no project. Absolute, real; absent: everywhere. */
  readonly allowedRoots?: readonly string[] | undefined;
}

/** The context of an engine function: the transaction's time, ids and randomness, the settings in force, and the caller. */
export interface EngineContext extends EffectContext {
  readonly caller: Caller;
  readonly server: ServerInfo;
  /** The list of effects.ts, given by the composition: no module that changes a run knows which areas react to it. */
  readonly effects: readonly Effect[];
  /** Prices of models; absent where none are known. */
  readonly prices?: PriceList;
  /** Looks up a path as it lies on this machine's disk; absent where none is looked up. Errors: `invalid_input`. */
  readonly findPath?: FindPath;
  /** Reads the content of an artifact from its file beside the database; undefined where it is gone. */
  readonly readContentFile?: (hash: string) => Buffer | undefined;
}

/** The server that runs the transaction, and its database. */
export interface ServerInfo {
  readonly version: string;
  readonly database: StoreInfo;
  /** The capacity of the machine; absent where nothing of it is shared. */
  readonly machine?: MachineCapacity | undefined;
}

export interface MachineCapacity {
  readonly cores: number;
  readonly memoryBytes: number;
  /** Absent where none are looked for. */
  readonly gpus?: Gpus;
}

export interface Gpus {
  /** One name a GPU; undefined before they are looked for. */
  readonly names: readonly string[] | undefined;
  /** Looks for them, outside of a transaction. */
  look(): Promise<void>;
}

export type Command<T> = (ctx: EngineContext) => Tx<T>;
/** The agent named in history where the server does a step itself. */
export const SERVER = "baton";
