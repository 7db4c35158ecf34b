import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openSqlite } from "../../../src/store/sqlite/sqlite.js";
import { migratedFile, temporaryDirectory, testRuntime } from "../../support/databases/databases.js";
import { connectClient, type TestClient } from "../../support/servers/client.js";
import { until } from "../../support/until.js";
import { names, put } from "../conformance/notes.js";

function remove(file: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
}

/** Ways in which a file leaves the path under which it was opened. */
const WAYS: readonly (readonly [way: string, gone: "removed" | "replaced", happen: (file: string) => void])[] = [
  ["removed", "removed", remove],
  ["moved away", "removed", (file) => renameSync(file, `${file}.old`)],
  [
    "replaced by a restored backup",
    "replaced",
    (file) => {
      copyFileSync(migratedFile(), `${file}.backup`);
      remove(file);
      renameSync(`${file}.backup`, file);
    },
  ],
  [
    "replaced by a directory",
    "replaced",
    (file) => {
      remove(file);
      mkdirSync(file);
    },
  ],
];

describe("a database file under a running process", () => {
  test.each(WAYS)("that was %s is written and read no more", async (_, gone, happen) => {
    const file = migratedFile();
    const store = await openSqlite({ file, synchronous: "NORMAL", runtime: testRuntime() });
    onTestFinished(() => store.close());
    await store.transact(() => put("a"));
    happen(file);
    const refused = { code: "unavailable", details: { file, reason: gone } };
    await expect(store.transact(() => put("b"))).rejects.toMatchObject(refused);
    await expect(store.read(names)).rejects.toMatchObject(refused);
    await expect(store.snapshot(names)).rejects.toMatchObject(refused);
  });

  test.each([
    ["-wal", ""],
    ["-shm", ""],
    ["-wal", ", opened by a link,"],
  ])("is refused within a second when the %s of the file%s alone was removed", async (suffix, byLink) => {
    const file = migratedFile();
    const link = path.join(temporaryDirectory(), "link.db");
    symlinkSync(file, link);
    const runtime = testRuntime();
    const store = await openSqlite({ file: byLink === "" ? file : link, synchronous: "NORMAL", runtime });
    onTestFinished(() => store.close());
    await store.transact(() => put("a"));
    rmSync(file + suffix);
    runtime.clock.advance(1_000);
    await expect(store.transact(() => put("b"))).rejects.toMatchObject({
      code: "unavailable",
      details: { file: file + suffix, reason: "removed" },
    });
  });

  test("lets a second server grant what the first can no longer hold, and never both", async () => {
    const database = path.join(temporaryDirectory(), "baton.db");
    const cwd = temporaryDirectory();
    mkdirSync(path.join(cwd, ".git"));
    writeFileSync(path.join(cwd, "a.txt"), "");
    const connect = (): Promise<TestClient> => connectClient({ database, cwd, env: { BATON_TICK_MS: "50" } });
    const first = await connect();
    expect(await first.call("acquire_file_lock", { paths: ["a.txt"] })).toMatchObject({ outcome: "granted" });
    remove(database);
    // Its own background pass notices by itself, and says so in the log.
    await until("the log says it", () => first.server.stderr().includes("was removed while this process had it open"));
    const second = await connect();
    expect(await second.call("acquire_file_lock", { paths: ["a.txt"] })).toMatchObject({ outcome: "granted" });
    for (const tool of ["get_system_status", "claim_task"]) {
      const { isError, data } = await first.answer(tool);
      expect({ isError, data }).toMatchObject({
        isError: true,
        data: { error: { code: "unavailable", details: { reason: "replaced" } } },
      });
    }
    expect(await first.query("get_health_status")).toMatchObject({
      status: "down",
      components: [{ name: "database", reason: expect.stringContaining("was replaced") as string }],
    });
    await expect(first.call("acquire_file_lock", { paths: ["b.txt"] })).rejects.toThrow(/Restart this server/);
    // Ending takes nothing of the new file with it.
    expect((await first.close()).code).toBe(0);
    expect(existsSync(`${database}-wal`)).toBe(true);
    expect(await second.query("list_file_locks", {})).toMatchObject({ locks: [{ path: "a.txt" }] });
  });
});
