import type { Caller, EngineContext } from "../../src/engine/context.js";
import type { Acquired, Wait } from "../../src/engine/lock-decisions.js";
import { expireLocks, projectsWithLocksDue } from "../../src/engine/lock-expiry.js";
import { acquireFileLock, type AcquireRequest, releaseFileLock } from "../../src/engine/locks.js";
import { requireProject } from "../../src/engine/projects.js";
import { defaultSettings, type Settings } from "../../src/engine/settings.js";
import type { ManualClock } from "../../src/runtime/clock.js";
import type { Row, Store, Tx, TxContext } from "../../src/store/tx.js";
import { type Backend, createDatabase, testRuntime } from "./databases.js";
import { replayed } from "./replayed.js";

export type Asked = Partial<Omit<AcquireRequest, "agent" | "paths">> & {
  readonly waitMs?: number;
  /** The session the call comes from. */
  readonly session?: string;
};

/** What a lock event tells, for checkers. */
export interface LockEvent {
  readonly type: string;
  readonly agent: string | null;
  readonly task: string | null;
  readonly data: {
    readonly why?: string;
    readonly held_by?: string;
    readonly broken_for?: string | null;
    readonly locks?: readonly { readonly path: string; readonly mode: string; readonly token: number }[];
    readonly paths?: readonly string[];
  };
}

/** The lock functions of the engine over a real database, each command run twice to prove it pure. */
export class LockRoom {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly settings: Settings;

  constructor(store: Store, clock: ManualClock, settings: Settings) {
    this.store = replayed(store);
    this.clock = clock;
    this.settings = settings;
  }

  context(ctx: TxContext, agent: string, session?: string): EngineContext {
    const identity = session === undefined ? null : { ...SESSION, id: session };
    const caller: Caller = { agent, session: identity, workplace: NOWHERE, channel: "agent" };
    return { ...ctx, caller, settings: this.settings };
  }

  run<T>(agent: string, command: (ctx: EngineContext) => Tx<T>, session?: string): Promise<T> {
    return this.store.transact((ctx) => command(this.context(ctx, agent, session)));
  }

  acquire(agent: string, paths: readonly string[], asked: Asked = {}): Promise<Acquired> {
    const { waitMs, session, ...rest } = asked;
    const wait: Wait = waitMs === undefined ? { kind: "none" } : { kind: "for", ms: waitMs };
    const request = { mode: "exclusive" as const, ttlMs: 1_800_000, wait, ...rest, agent, paths };
    return this.run(agent, (ctx) => acquireFileLock(ctx, request), session);
  }

  async outcome(agent: string, paths: readonly string[], asked: Asked = {}): Promise<string> {
    return (await this.acquire(agent, paths, asked)).outcome;
  }

  release(agent: string, paths?: readonly string[]) {
    return this.run(agent, (ctx) => releaseFileLock(ctx, { agent, ...(paths ? { paths } : { all: true }) }));
  }

  /** The part of the tick that lets locks expire. */
  expire(): Promise<number> {
    return this.run("tick", function* (ctx) {
      const [project] = yield* projectsWithLocksDue(ctx, 1);
      return project === undefined ? 0 : yield* expireLocks(ctx, project, 100);
    });
  }

  project() {
    return this.run("any", (ctx) => requireProject(ctx));
  }

  /** Open sessions as the lock functions see them. */
  openSession(id: string, expiresAt: number): Promise<void> {
    return this.run("any", function* (): Tx<void> {
      yield [
        `INSERT INTO sessions (id, host, pid, process_started_at, client, executor, opened_at, renewed_at, expires_at)
         VALUES ($1, 'here', 1, 0, 'test', 0, 0, 0, $2)`,
        [id, expiresAt],
      ];
    });
  }

  async events(): Promise<LockEvent[]> {
    const rows = await this.store.read(function* (): Tx<readonly Row[]> {
      return yield ["SELECT type, agent, task, data FROM events WHERE type LIKE 'lock.%' ORDER BY seq"];
    });
    return rows.map((row) => ({ ...row, data: JSON.parse(String(row["data"])) as unknown }) as unknown as LockEvent);
  }
}

const SESSION = { host: "here", pid: 1, processStartedAt: 0, client: "test", executor: false } as const;
const NOWHERE = { cwd: "/nowhere", gitRoot: null, worktreeOf: null, caseInsensitive: false } as const;

export async function openLockRoom(backend: Backend = "sqlite", settings: Partial<Settings> = {}): Promise<LockRoom> {
  const database = await createDatabase(backend);
  const runtime = testRuntime();
  const store = await database.open({ runtime, hooks: { now: () => runtime.clock.now() } });
  return new LockRoom(store, runtime.clock, { ...defaultSettings, ...settings });
}
