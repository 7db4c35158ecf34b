import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { openSqlite } from "../../../src/store/sqlite/sqlite.js";
import { WalCheckpointer } from "../../../src/store/sqlite/wal.js";
import { temporaryDirectory, testRuntime } from "../../support/databases/databases.js";
import { until } from "../../support/until.js";
import { names, put } from "../conformance/notes.js";

const COMPILED = pathToFileURL(path.resolve(import.meta.dirname, "../../../dist/store/sqlite/sqlite.js")).href;
const RUNTIME = pathToFileURL(path.resolve(import.meta.dirname, "../../../dist/runtime/runtime.js")).href;
const MIB = 1 << 20;

test("a long log is checkpointed beside the calls, and no row is lost", async () => {
  const file = path.join(temporaryDirectory(), "baton.db");
  const store = await openSqlite({ file, synchronous: "FULL", runtime: testRuntime() });
  onTestFinished(() => store.close());
  for (let at = 0; at < 12; at++) await store.transact(() => put(`row-${at}`, "x".repeat(MIB)));
  // Less than what a commit copies: whatever is in the file then, the thread has copied.
  expect(statSync(`${file}-wal`).size).toBeLessThan(15 * MIB);
  await until("it is copied", () => statSync(file).size > 11 * MIB);
  expect(await store.read(names)).toHaveLength(12);
  await store.close();
  expect(existsSync(`${file}-wal`)).toBe(false);
  const database = new Database(file, { readonly: true });
  onTestFinished(() => void database.close());
  expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
});

test.each([
  ["it is not known", { state: undefined, shared: false }],
  ["it is short", { state: { pages: 999, checkpointed: 0 }, shared: false }],
  ["most is checkpointed", { state: { pages: 9_000, checkpointed: 8_001 }, shared: false }],
  ["others write too", { state: { pages: 9_000, checkpointed: 0 }, shared: true }],
])("a log needs no thread where %s", async (_, { state, shared }) => {
  let checks = 0;
  let threads = 0;
  const started = () => (threads += 1);
  process.on("worker", started);
  onTestFinished(() => void process.off("worker", started));
  const checkpointer = new WalCheckpointer({
    file: path.join(temporaryDirectory(), "none.db"),
    synchronous: "NORMAL",
    state: () => state,
    isShared: () => {
      checks += 1;
      return shared;
    },
  });
  onTestFinished(() => checkpointer.close());
  for (const check of [1, 2]) {
    checkpointer.committed();
    await until("it has checked", () => checks === check);
  }
  await checkpointer.close();
  expect(threads).toBe(0);
});

/** Node's permission model refuses a thread, as a system does that has none left. */
const WITHOUT_THREADS = [
  process.allowedNodeEnvironmentFlags.has("--permission") ? "--permission" : "--experimental-permission",
  "--allow-addons",
  "--allow-fs-read=*",
  "--allow-fs-write=*",
];

test("without a thread a commit copies the log", async () => {
  const file = path.join(temporaryDirectory(), "baton.db");
  const program = `
    import { statSync } from "node:fs";
    import { openSqlite } from ${JSON.stringify(COMPILED)};
    import { systemRuntime } from ${JSON.stringify(RUNTIME)};
    const store = await openSqlite({ file: ${JSON.stringify(file)}, synchronous: "NORMAL", runtime: systemRuntime() });
    function* put(at) {
      yield ["INSERT INTO settings (scope, name, value, updated_at, updated_by) VALUES ('test', $1, $2, 0, 'test')", [String(at), "x".repeat(1 << 20)]];
    }
    for (let at = 0; at < 24; at++) {
      await store.transact(() => put(at));
      await new Promise(setImmediate);
    }
    process.stdout.write(String(statSync(${JSON.stringify(file)}).size));
    await store.close();
  `;
  const args = [...WITHOUT_THREADS, "--input-type=module", "-e", program];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  expect(Number(stdout)).toBeGreaterThan(14 * MIB);
  const store = await openSqlite({ file, synchronous: "NORMAL", runtime: testRuntime() });
  onTestFinished(() => store.close());
  expect(await store.read(names)).toHaveLength(24);
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
