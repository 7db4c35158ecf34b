import { describe, expect, test } from "vitest";
import { BACKENDS, createDatabase } from "../../support/databases/databases.js";
import { put, run } from "./notes.js";

const INSERT = "INSERT INTO settings (scope, name, value, updated_at, updated_by)";

describe.each(BACKENDS)("the shared dialect on %s", (backend) => {
  test("RETURNING answers with the changed rows", async () => {
    const store = await (await createDatabase(backend)).open();
    await run(store, `${INSERT} VALUES ('s', 'a', '1', 0, ''), ('s', 'b', '2', 0, '')`);
    const rows = await run(store, "UPDATE settings SET value = '3' WHERE name = $1 RETURNING name, value", ["b"]);
    expect(rows).toEqual([{ name: "b", value: "3" }]);
    expect(await run(store, "DELETE FROM settings WHERE name = 'none' RETURNING name")).toEqual([]);
  });

  test("a statement without RETURNING answers with no rows", async () => {
    const store = await (await createDatabase(backend)).open();
    expect(await run(store, `${INSERT} VALUES ('s', 'a', '1', 0, '')`)).toEqual([]);
  });

  test("ON CONFLICT updates or does nothing", async () => {
    const store = await (await createDatabase(backend)).open();
    const upsert = `${INSERT} VALUES ('s', 'a', $1, 0, '')
      ON CONFLICT (scope, name) DO UPDATE SET value = excluded.value RETURNING value`;
    expect(await run(store, upsert, ["1"])).toEqual([{ value: "1" }]);
    expect(await run(store, upsert, ["2"])).toEqual([{ value: "2" }]);
    const nothing = `${INSERT} VALUES ('s', 'a', '3', 0, '') ON CONFLICT DO NOTHING RETURNING value`;
    expect(await run(store, nothing)).toEqual([]);
  });

  test("row values compare, and are set from a query", async () => {
    const store = await (await createDatabase(backend)).open();
    await run(store, `${INSERT} VALUES ('a', 'z', '', 1, ''), ('b', 'a', '', 2, ''), ('b', 'b', '', 3, '')`);
    const later = "SELECT scope, name FROM settings WHERE (scope, name) > ($1, $2) ORDER BY scope, name";
    expect(await run(store, later, ["a", "z"])).toEqual([
      { scope: "b", name: "a" },
      { scope: "b", name: "b" },
    ]);
    const copied = `UPDATE settings SET (value, updated_at) = (SELECT s.name, s.updated_at FROM settings s WHERE s.scope = $1)
      WHERE scope = 'b' RETURNING value, updated_at`;
    expect(await run(store, copied, ["a"])).toEqual(Array.from({ length: 2 }, () => ({ value: "z", updated_at: 1 })));
  });

  test("keys are ordered by their bytes", async () => {
    const store = await (await createDatabase(backend)).open();
    const keys = ["Z", "a", "é", "z", "_", "A", "日", "a/b", "a-b", "a b", "😀", "\uff5e"];
    await store.transact(function* () {
      for (const key of keys) yield* put(key);
    });
    const rows = await run(store, "SELECT name FROM settings ORDER BY name");
    const byBytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(rows.map((row) => row["name"])).toEqual(byBytes);
  });

  test("numbers up to 2^53-1, nulls and any text come back as they went", async () => {
    const store = await (await createDatabase(backend)).open();
    const data = JSON.stringify({
      text: '"quotes", \\ back, \n line, % per cent, $1, 😀, \u0001',
      deep: [null, true, 1.5],
    });
    const insert = "INSERT INTO events (at, type, project, data) VALUES ($1, 'x', $2, $3) RETURNING at, project, data";
    for (const at of [0, -1, 2 ** 31, Date.UTC(2026, 0, 1), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      expect(await run(store, insert, [at, null, data])).toEqual([{ at, project: null, data }]);
    }
  });

  test("counts and sums are numbers, conditions are 0 or 1", async () => {
    const store = await (await createDatabase(backend)).open();
    await run(store, `${INSERT} VALUES ('s', 'a', '', 3, ''), ('s', 'b', '', 4, '')`);
    const totals =
      "SELECT count(*) AS n, sum(updated_at) AS total, max(updated_at) AS most, count(*) > 1 AS many FROM settings";
    expect(await run(store, totals)).toEqual([{ n: 2, total: 7, most: 4, many: 1 }]);
  });

  test("a parameter may stand in several places, in any order, and in LIMIT", async () => {
    const store = await (await createDatabase(backend)).open();
    await run(store, `${INSERT} VALUES ($2, $1, $2, $3, $1)`, ["one", "two", 3]);
    const rows = await run(store, "SELECT * FROM settings WHERE updated_by = $2 AND scope = $3 LIMIT $1", [
      1,
      "one",
      "two",
    ]);
    expect(rows).toEqual([{ scope: "two", name: "one", value: "two", updated_at: 3, updated_by: "one" }]);
  });

  test("the marks of the dialect are understood where they stand", async () => {
    const store = await (await createDatabase(backend)).open();
    await run(store, `${INSERT} VALUES ('s', 'a', '', 0, '')`);
    expect(await run(store, "SELECT name FROM settings ORDER BY name %FOR_UPDATE%")).toEqual([{ name: "a" }]);
    await expect(run(store, "SELECT 1 %NO_SUCH_MARK%")).rejects.toThrow("unknown dialect mark %NO_SUCH_MARK%");
  });

  test("a broken rule of the schema fails the transaction", async () => {
    const store = await (await createDatabase(backend)).open();
    const insert = `INSERT INTO agents (name, status, capabilities, roles, max_concurrent_tasks, profile, registered_at, seen_at)
      VALUES ('x', 'asleep', '[]', '[]', 1, '{}', 0, 0)`;
    await expect(run(store, insert)).rejects.toThrow(/check/i);
    expect(await run(store, "SELECT name FROM agents")).toEqual([]);
  });
});
