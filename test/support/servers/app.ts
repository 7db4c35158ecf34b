import { App, type AppOptions } from "../../../src/app/app.js";
import { loadConfig } from "../../../src/config.js";
import type { Settings } from "../../../src/base/settings.js";
import type { ManualClock } from "../../../src/runtime/clock.js";
import type { Runtime } from "../../../src/runtime/runtime.js";
import type { CallOptions, Dispatch } from "../../../src/dispatch/dispatch.js";
import { atEnd } from "../lifetime.js";
import type { TypedCall, UncheckedCall } from "./typed-call.js";
import { type Backend, createDatabase, migratedFile, temporaryDirectory, testRuntime } from "../databases/databases.js";

export interface TestAppOptions extends Omit<AppOptions, "config" | "runtime" | "cwd"> {
  /** The SQLite file or the postgres:// URL. A new file by default; give another app's to meet it there. */
  readonly database?: string;
  readonly settings?: Partial<Settings>;
  /** An empty directory by default. */
  readonly cwd?: string;
  readonly runtime?: Runtime & { clock: ManualClock };
  /** Flags and variables beside those, as a person would give them. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The program in this process, on a clock that stands still. Closed when the test has finished. */
export interface TestApp {
  readonly app: App;
  readonly clock: ManualClock;
  readonly cwd: string;
  readonly database: string;
  readonly dispatch: Dispatch;
  /** Calls an operation and gives its result; rejects with `BatonError` or `InternalError`. */
  readonly call: TypedCall<CallOptions>;
  readonly callUnchecked: UncheckedCall<CallOptions>;
  /** Advances the clock and does the background work that is due then. */
  readonly advance: (ms: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** The same on a new database of a kind, whose clock stands still too. */
export async function startAppOn(backend: Backend, options: TestAppOptions = {}): Promise<TestApp> {
  const runtime = testRuntime();
  const storeHooks = { now: () => runtime.clock.now() };
  const { location } = await createDatabase(backend);
  return startApp({ runtime, storeHooks, database: location, ...options });
}

export async function startApp(options: TestAppOptions = {}): Promise<TestApp> {
  const { database, settings = {}, env = {}, ...rest } = options;
  const cwd = options.cwd ?? temporaryDirectory();
  const location = database ?? migratedFile();
  const runtime = options.runtime ?? testRuntime();
  const variables = Object.entries(settings).map(([name, value]) => [
    `BATON_${name.replaceAll(".", "_").toUpperCase()}`,
    String(value),
  ]);
  const config = loadConfig({
    flags: {},
    cwd,
    env: {
      ...(location.startsWith("postgres") ? { BATON_DATABASE_URL: location } : { BATON_DB: location }),
      BATON_SQLITE_SYNCHRONOUS: "NORMAL",
      ...Object.fromEntries(variables),
      ...env,
    },
  });
  const app = new App({ ...rest, config, runtime, cwd });
  const dispatch = await app.dispatch("test");
  const callUnchecked: UncheckedCall<CallOptions> = async (name, input = {}, callOptions = {}) =>
    (await dispatch.call(name, input, callOptions)).result;
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= app.close());
  atEnd(close);
  return {
    app,
    clock: runtime.clock,
    cwd,
    database: location,
    dispatch,
    callUnchecked,
    call: callUnchecked,
    advance: async (ms) => {
      runtime.clock.advance(ms);
      await app.runBackground();
    },
    close,
  };
}
