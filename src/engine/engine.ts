import { BatonError } from "../base/errors.js";
import type { PriceList } from "../base/prices.js";
import type { Settings } from "../base/settings.js";
import type { Store, StoreInfo, TransactOptions, TxContext } from "../store/tx.js";
import type { Caller, Command, EngineContext, MachineCapacity } from "./context.js";
import type { Effect, NotedChanges } from "./effect.js";
import { withGpus } from "./gpus.js";
import { DiskPaths, type FindPath, UnknownPaths } from "./disk-paths.js";

/** The engine over an open database, bound to a caller. */
export interface Engine {
  /** Runs a command atomically; see `Store.transact`. */
  transact<T>(command: Command<T>, options?: TransactOptions): Promise<T>;
  /** Runs a query on one consistent snapshot. */
  read<T>(query: Command<T>): Promise<T>;
  /** As `read`, for a query of many short statements: other work of this process runs between them. */
  snapshot<T>(query: Command<T>): Promise<T>;
  /** Calls the listener soon after any process has committed; see `Store.onWake`. Returns the function that stops it. */
  onWake(listener: () => void): () => void;
  /** In force now. */
  settings(): Settings;
  /** This process's clock: milliseconds since the epoch. */
  now(): number;
  readonly database: StoreInfo;
}

/**
 * Returns the result of a query that prepares a transaction, or undefined where it finds an error: the transaction finds it again, and
 * reports it after everything that comes before it there.
 */
export async function prepared<T>({ read }: Pick<Engine, "read">, query: Command<T>): Promise<T | undefined> {
  try {
    return await read(query);
  } catch (error) {
    if (error instanceof BatonError) return undefined;
    throw error;
  }
}

export interface EngineParts {
  /** Version of the server. */
  readonly version: string;
  settings(): Settings;
  now(): number;
  /** The list of effects.ts. */
  readonly effects: readonly Effect[];
  /** Called by a transaction that leaves work due at once; see `EngineContext`. */
  readonly onDue?: () => void;
  /** Looks a path up on this machine's disk. Without it paths are taken as they are written. */
  readonly findPath?: FindPath;
  /** Reads the content of an artifact from its file beside the database. */
  readonly readContentFile?: (hash: string) => Buffer | undefined;
  /** The capacity of the machine. */
  readonly machine?: MachineCapacity;
  /** Prices of models. Without it a report that names no cost costs nothing. */
  readonly prices?: PriceList;
  /** Told of what a transaction has changed of runs, once it has committed. Without it nothing is noted. */
  readonly onChanges?: ((changes: NotedChanges) => void) | undefined;
  /** Awaited before each command, outside its transaction. */
  readonly beforeWrite?: () => Promise<void>;
}

/** Binds the engine to a caller. Each transaction reads the settings in force when it begins. */
export function engineFor(store: Store, caller: Caller, parts: EngineParts): Engine {
  const { effects, onDue, findPath, readContentFile, prices, machine } = parts;
  const gpus = machine?.gpus;
  const context = (ctx: TxContext, paths: FindPath | undefined): EngineContext => ({
    ...ctx,
    caller,
    server: { version: parts.version, database: store.info, machine },
    settings: parts.settings(),
    effects,
    ...(onDue && { onDue }),
    ...(prices && { prices }),
    ...(paths && { findPath: paths }),
    ...(readContentFile && { readContentFile }),
  });
  const transact: Engine["transact"] = async (command, options) => {
    if (parts.beforeWrite) await parts.beforeWrite();
    if (findPath === undefined)
      return withGpus(gpus, () => store.transact((ctx) => command(context(ctx, undefined)), options));
    const paths = new DiskPaths(findPath);
    return withGpus(gpus, () =>
      transactWithPaths(paths, () =>
        store.transact(
          (ctx) => paths.checked(command(context(ctx, (place, path) => paths.find(place, path)))),
          options,
        ),
      ),
    );
  };
  return {
    transact: parts.onChanges === undefined ? transact : noting(transact, parts.onChanges),
    // A query holds no other process up, so it may look paths up itself.
    read: (query) => withGpus(gpus, () => store.read((ctx) => query(context(ctx, findPath)))),
    snapshot: (query) => withGpus(gpus, () => store.snapshot((ctx) => query(context(ctx, findPath)))),
    onWake: (listener) => store.onWake(listener),
    settings: () => parts.settings(),
    now: () => parts.now(),
    database: store.info,
  };
}

/** Tells of the changes of each transaction that has committed: those of the last time that it ran. */
function noting(transact: Engine["transact"], tell: (changes: NotedChanges) => void): Engine["transact"] {
  return async (command, options) => {
    let noted: NotedChanges | undefined;
    const result = await transact((ctx) => {
      noted = { runs: [], outcomes: [] };
      return command({ ...ctx, noted });
    }, options);
    if (noted !== undefined) tell(noted);
    return result;
  };
}

/** Runs a transaction again when the paths that it needs have been looked up; `DiskPaths` bounds how often. */
async function transactWithPaths<T>(paths: DiskPaths, transact: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await transact();
    } catch (error) {
      if (!(error instanceof UnknownPaths)) throw error;
      paths.lookUp();
    }
  }
}
