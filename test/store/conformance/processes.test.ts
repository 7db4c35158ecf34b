import { describe, expect, test } from "vitest";
import { migrations } from "../../../src/store/migrations/index.js";
import { BACKENDS, createDatabase, createEmptyDatabase } from "../../support/databases/databases.js";
import { startStoreProcess } from "../../support/databases/store-process.js";
import { put, run } from "./notes.js";

const PROCESSES = 4;
const TIMES = 200;

describe.each(BACKENDS)("several processes on one %s database", (backend) => {
  test("lose no update of each other", async () => {
    const database = await createDatabase(backend);
    const store = await database.open();
    await store.transact(() => put("counter", 0));
    const workers = Array.from({ length: PROCESSES }, () => startStoreProcess(database, "count", String(TIMES)));
    await Promise.all(workers.map((worker) => worker.line()));
    const slowest = await Promise.all(workers.map((worker) => worker.ask("go")));
    expect(await run(store, "SELECT value FROM settings")).toEqual([{ value: String(PROCESSES * TIMES) }]);
    console.info(`${backend}: slowest of ${PROCESSES} × ${TIMES} updates of one row: ${slowest.join(", ")} ms`);
  });

  test("migrate it once when they start together", async () => {
    const database = await createEmptyDatabase(backend);
    const workers = Array.from({ length: PROCESSES }, () => startStoreProcess(database, "open"));
    const versions = await Promise.all(workers.map((worker) => worker.line()));
    expect(versions).toEqual(Array.from({ length: PROCESSES }, () => String(migrations.length)));
    expect(await run(await database.open(), "SELECT count(*) AS events FROM events")).toEqual([{ events: 0 }]);
  });
});
