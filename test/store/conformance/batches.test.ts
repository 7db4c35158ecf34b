import { describe, expect, test } from "vitest";
import type { StorePoint } from "../../../src/store/driver/faults.js";
import { MissedRows, type Row, together, type Tx } from "../../../src/store/tx.js";
import { BACKENDS, createDatabase } from "../../support/databases/databases.js";
import { names, put } from "./notes.js";

const SET = "UPDATE settings SET value = $1 WHERE name = $2";

function* values(): Tx<string[]> {
  const rows = yield ["SELECT name, value FROM settings ORDER BY name"];
  return rows.map((row: Row) => `${row["name"]}=${row["value"]}`);
}

describe.each(BACKENDS)("batches on %s", (backend) => {
  test("several transactions side by side are each handed their own rows", async () => {
    const store = await (await createDatabase(backend)).open();
    function* twice(): Tx<number[]> {
      const before = yield* names();
      yield* put(`n${before.length}`);
      return [before.length, (yield* names()).length];
    }
    const answer = await store.transact(function* () {
      yield* put("a", 1);
      return yield* together([names(), twice(), values(), put("b", 2)]);
    });
    // Their first statements come one after the other, then their second ones.
    expect(answer).toEqual([["a"], [1, 3], ["a=1"], undefined]);
    expect(await store.read(names)).toEqual(["a", "b", "n1"]);
  });

  test("an empty batch and one of finished transactions take no statement", async () => {
    const points: StorePoint[] = [];
    const store = await (await createDatabase(backend)).open({ hooks: { observe: (point) => points.push(point) } });
    // oxlint-disable-next-line require-yield -- it has nothing to ask
    const finished = function* (): Tx<string> {
      return "known";
    };
    expect(await store.transact(() => together([finished(), finished()]))).toEqual(["known", "known"]);
    expect(await store.transact(() => together([]))).toEqual([]);
    expect(points.map(({ statement }) => statement)).toEqual(["COMMIT", "COMMIT"]);
  });

  test("statements reach the database in the order in which they were yielded", async () => {
    const points: string[] = [];
    const hooks = {
      observe: ({ index, statement }: StorePoint) =>
        void points.push(`${index} ${statement === "COMMIT" ? statement : statement[1]?.join(",")}`),
    };
    const store = await (await createDatabase(backend)).open({ hooks });
    await store.transact(function* () {
      yield* put("a", 1);
      yield [SET, ["2", "a"]];
      yield [
        [SET, ["3", "a"]],
        [SET, ["4", "a"]],
      ];
    });
    expect(points).toEqual(["0 a,1", "1 2,a", "2 3,a", "3 4,a", "4 COMMIT"]);
    expect(await store.read(values)).toEqual(["a=4"]);
  });

  test.each(["with a later statement that gives rows", "with COMMIT"])(
    "a statement that misses the rows it must change fails the transaction: %s",
    async (how) => {
      const store = await (await createDatabase(backend)).open();
      await store.transact(() => put("a", 1));
      const missing = store.transact(function* () {
        yield [SET, ["2", "a"], 1];
        yield [SET, ["2", "b"], 1];
        if (how !== "with COMMIT") yield* names();
      });
      await expect(missing).rejects.toThrow(MissedRows);
      await expect(store.transact(() => ofMany(["a", "b"]))).rejects.toThrow("did not change exactly 2 rows");
      expect(await store.read(values)).toEqual(["a=1"]);
      await store.transact(() => ofMany(["a"]));
      expect(await store.read(values)).toEqual(["a=3"]);
    },
  );

  test("a statement that fails in a batch leaves nothing, and the store goes on with the same statements", async () => {
    const store = await (await createDatabase(backend)).open();
    const write = (...keys: readonly string[]) =>
      store.transact(function* () {
        for (const key of keys) yield* put(key);
        yield [SET, ["2", "a"]];
        yield ["DELETE FROM settings WHERE name = 'none'"];
      });
    await expect(write("a", "b", "a")).rejects.toThrow(/unique/i);
    expect(await store.read(names)).toEqual([]);
    await write("a", "b");
    expect(await store.read(values)).toEqual(["a=2", "b="]);
  });

  test("more statements than wait at once are all done", async () => {
    const store = await (await createDatabase(backend)).open();
    const keys = Array.from({ length: 100 }, (_, at) => `k${String(at).padStart(3, "0")}`);
    await store.transact(function* () {
      for (const key of keys) yield* put(key);
    });
    expect(await store.read(names)).toEqual(keys);
  });
});

function* ofMany(keys: readonly string[]): Tx<void> {
  yield [`UPDATE settings SET value = '3' WHERE name IN ('${keys.join("', '")}')`, [], keys.length];
}
