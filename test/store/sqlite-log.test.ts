import { spawnSync } from "node:child_process";
import { existsSync, renameSync, statSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { openSqlite } from "../../src/store/sqlite.js";
import { LogKeeper } from "../../src/store/sqlite-log.js";
import { temporaryDirectory, testRuntime } from "../support/databases.js";
import { until } from "../support/until.js";
import { names, put, run } from "./conformance/notes.js";

const COMPILED = pathToFileURL(path.resolve(import.meta.dirname, "../../dist/store/sqlite.js")).href;
const RUNTIME = pathToFileURL(path.resolve(import.meta.dirname, "../../dist/runtime/runtime.js")).href;
const MIB = 1 << 20;

test("a long log is copied into the file beside the calls, and none of it is lost", async () => {
  const file = path.join(temporaryDirectory(), "baton.db");
  const store = await openSqlite({ file, synchronous: "FULL", runtime: testRuntime() });
  onTestFinished(() => store.close());
  for (let at = 0; at < 24; at++) await store.transact(() => put(`row-${at}`, "x".repeat(MIB)));
  // Less than what a commit copies: whatever is in the file by then, the thread has copied.
  expect(statSync(`${file}-wal`).size).toBeLessThan(60 * MIB);
  await until("it is copied", () => statSync(file).size > 8 * MIB);
  expect(await store.read(names)).toHaveLength(24);
  await store.close();
  expect(existsSync(`${file}-wal`)).toBe(false);
  const database = new Database(file, { readonly: true });
  onTestFinished(() => void database.close());
  expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
});

test("a log that is short, or copied already, needs no thread", async () => {
  const states = [undefined, { pages: 1_999, copied: 0 }, { pages: 9_000, copied: 8_000 }];
  let asked = 0;
  let failures = 0;
  // Any thread would fail there.
  const keeper = new LogKeeper({
    file: path.join(temporaryDirectory(), "none.db"),
    synchronous: "NORMAL",
    state: () => states[asked++],
    onFailure: () => (failures += 1),
  });
  onTestFinished(() => keeper.close());
  for (let look = 1; look <= states.length; look++) {
    keeper.committed();
    keeper.committed();
    await until("it has looked", () => asked === look);
  }
  await keeper.close();
  expect(failures).toBe(0);
});

test("a thread that cannot copy is not tried again, and the store is told to do it itself", async () => {
  let failures = 0;
  let asked = 0;
  const keeper = new LogKeeper({
    file: path.join(temporaryDirectory(), "none.db"),
    synchronous: "NORMAL",
    state: () => ({ pages: 5_000 + asked++, copied: 0 }),
    onFailure: () => (failures += 1),
  });
  onTestFinished(() => keeper.close());
  keeper.committed();
  await until("the thread has ended", () => failures === 1);
  keeper.committed();
  await keeper.close();
  expect({ failures, asked }).toEqual({ failures: 1, asked: 1 });
});

test("without a thread a commit copies the log, and earlier", async () => {
  const directory = temporaryDirectory();
  const file = path.join(directory, "baton.db");
  const store = await openSqlite({ file, synchronous: "NORMAL", runtime: testRuntime() });
  onTestFinished(() => store.close());
  const pages = async () => (await run(store, "PRAGMA wal_autocheckpoint"))[0]?.["wal_autocheckpoint"];
  expect(await pages()).toBe(16_000);
  // The store has it open; a thread finds nothing of that name.
  renameSync(file, path.join(directory, "moved.db"));
  for (let at = 0; at < 12; at++) await store.transact(() => put(`row-${at}`, "x".repeat(MIB)));
  await until("the thread has failed", async () => (await pages()) === 4_000);
  expect(await store.read(names)).toHaveLength(12);
});

test("a process that has nothing left to do but close its store does that, and ends well", () => {
  const program = `
    import { openSqlite } from ${JSON.stringify(COMPILED)};
    import { systemRuntime } from ${JSON.stringify(RUNTIME)};
    const store = await openSqlite({ file: ${JSON.stringify(path.join(temporaryDirectory(), "baton.db"))}, synchronous: "NORMAL", runtime: systemRuntime() });
    function* put(at) {
      yield ["INSERT INTO settings (scope, name, value, updated_at, updated_by) VALUES ('test', $1, $2, 0, 'test')", [String(at), "x".repeat(1 << 20)]];
    }
    for (let at = 0; at < 12; at++) await store.transact(() => put(at));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await store.close();
    process.stdout.write("closed");
  `;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "closed", stderr: "" });
});
