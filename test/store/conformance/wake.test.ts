import { describe, expect, onTestFinished, test } from "vitest";
import type { Store, Tx } from "../../../src/store/tx.js";
import { BACKENDS, createDatabase } from "../../support/databases/databases.js";
import { bestOfFew, type InTime } from "../../support/in-time.js";
import { startStoreProcess } from "../../support/databases/store-process.js";
import { names, put, run } from "./notes.js";

const ROUNDS = 20;
/** Generous: the machine of the test may be busy. */
const SEEN_WITHIN_MS = 100;

/** Resolves with the instant at which the store next wakes. */
function woken(store: Store): Promise<number> {
  return new Promise((resolve) => {
    const stop = store.onWake(() => {
      stop();
      resolve(performance.timeOrigin + performance.now());
    });
    onTestFinished(stop);
  });
}

function* failing(): Tx<void> {
  yield* put("a");
  throw new Error("no");
}

describe.each(BACKENDS)("wake-ups on %s", (backend) => {
  test("a commit of this process wakes its listeners", async () => {
    const store = await (await createDatabase(backend)).open();
    const awake = woken(store);
    await store.transact(() => put("a"));
    await expect(awake).resolves.toBeGreaterThan(0);
  });

  test("a commit of another store wakes them, and what it wrote can be read then", async () => {
    const database = await createDatabase(backend);
    const [listener, writer] = [await database.open(), await database.open()];
    const seen = new Promise<readonly string[]>((resolve, reject) => {
      const stop = listener.onWake(() => {
        listener.read(names).then((found) => found.length > 0 && resolve(found), reject);
      });
      onTestFinished(stop);
    });
    await writer.transact(() => put("a"));
    expect(await seen).toEqual(["a"]);
  });

  // A waiter that looks in a transaction of its own would otherwise wake itself for ever. Some wake-ups may come all the
  // same: on PostgreSQL other databases of the server show too.
  test("no listener is woken by a query, by a command that changed nothing, or by one that failed", async () => {
    const store = await (await createDatabase(backend)).open();
    let wakes = 0;
    const from = performance.now();
    onTestFinished(store.onWake(() => (wakes += 1)));
    for (let round = 0; round < 50; round++) {
      await store.read(names);
      await store.transact(names);
      await run(store, "UPDATE settings SET value = 'x' WHERE name = 'none'");
      await expect(store.transact(failing)).rejects.toThrow("no");
    }
    const awake = woken(store);
    await store.transact(() => put("b"));
    await awake;
    const seconds = (performance.now() - from) / 1_000;
    expect(wakes).toBeLessThan(20 + seconds);
  });

  test("a removed listener is not called", async () => {
    const store = await (await createDatabase(backend)).open();
    let wakes = 0;
    store.onWake(() => (wakes += 1))();
    const awake = woken(store);
    await store.transact(() => put("a"));
    await awake;
    expect(wakes).toBe(0);
  });

  test(`a commit of another process is seen within ${SEEN_WITHIN_MS} ms`, () => bestOfFew(seenInTime));

  async function seenInTime(inTime: InTime): Promise<void> {
    const database = await createDatabase(backend);
    const store = await database.open();
    const other = startStoreProcess(database, "echo");
    await other.line();
    onTestFinished(store.onWake(() => {}));
    await other.ask("first");
    const delays: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const awake = woken(store);
      const committedAt = Number(await other.ask("again"));
      delays.push((await awake) - committedAt);
    }
    delays.sort((a, b) => a - b);
    const [median = NaN, worst = NaN] = [delays[ROUNDS / 2], delays.at(-1)];
    console.info(
      `${backend}: seen ${median.toFixed(1)} ms after the commit (median of ${ROUNDS}), ${worst.toFixed(1)} at most`,
    );
    expect(delays).toHaveLength(ROUNDS);
    inTime(SEEN_WITHIN_MS, performance.now() - median);
  }
});
