import { startApp, type TestApp } from "./app.js";
import { createDatabase, testRuntime } from "./databases.js";
import { Gate, someoneWaits } from "./gate.js";
import { LockRecorder } from "./lock-recorder.js";

/**
 * Two processes on one PostgreSQL database and one clock: the first can be stopped at any statement, and what it locks is recorded.
 * SQLite has one writer at a time; here two transactions can be under way, each blind to the other until it commits.
 */
export async function raceRoom(settings: Record<string, number> = {}) {
  const { location } = await createDatabase("postgres");
  const runtime = testRuntime();
  const gate = new Gate();
  const locks = new LockRecorder();
  const now = (): number => runtime.clock.now();
  const start = (options: Partial<Parameters<typeof startApp>[0]> = {}): Promise<TestApp> =>
    startApp({ database: location, runtime, settings, storeHooks: { now }, ...options });
  const first = await start({ storeHooks: { ...gate.hooks, ...locks.hooks, now } });
  const second = await start();
  // Their sessions stand, so that the next transaction is the one that a test means.
  for (const app of [first, second]) await app.call("register_agent", { name: "registrar" });
  return { first, second, gate, locks, start, clock: runtime.clock, waiting: () => someoneWaits(location) };
}
