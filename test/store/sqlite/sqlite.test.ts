import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import { SCHEMA_VERSION } from "../../../src/store/migrations/index.js";
import { openSqlite, type SqliteOptions } from "../../../src/store/sqlite/sqlite.js";
import { networkFileSystem } from "../../../src/store/sqlite/file.js";
import type { Store } from "../../../src/store/tx.js";
import { temporaryDirectory, testRuntime } from "../../support/databases/databases.js";
import { names, put, run } from "../conformance/notes.js";

async function open(file: string, options: Partial<SqliteOptions> = {}): Promise<Store> {
  const store = await openSqlite({ file, synchronous: "NORMAL", runtime: testRuntime(), ...options });
  onTestFinished(() => store.close());
  return store;
}

function raw(file: string): Database.Database {
  const database = new Database(file, { timeout: 0 });
  onTestFinished(() => void database.close());
  return database;
}

const unavailable = (message: RegExp) =>
  expect.objectContaining({ code: "unavailable", message: expect.stringMatching(message) as string });

describe("a SQLite file", () => {
  test("is made with its directory, for its owner alone", async () => {
    const file = path.join(temporaryDirectory(), "deep", "down", "baton.db");
    const store = await open(file);
    await store.transact(() => put("a"));
    const modes = [path.dirname(file), file, `${file}-wal`, `${file}-shm`].map((name) => statSync(name).mode & 0o777);
    expect(modes).toEqual([0o700, 0o600, 0o600, 0o600]);
    expect(store.info).toEqual({ backend: "sqlite", location: file, schemaVersion: SCHEMA_VERSION });
  });

  test("is a -wal database that gives space back in steps", async () => {
    const file = path.join(temporaryDirectory(), "baton.db");
    const store = await open(file);
    const database = raw(file);
    expect(database.pragma("journal_mode", { simple: true })).toBe("wal");
    await store.transact(function* () {
      for (let i = 0; i < 200; i++) yield* put(`row-${i}`, "x".repeat(10_000));
    });
    await run(store, "DELETE FROM settings");
    const freePages = (): number => Number(database.pragma("freelist_count", { simple: true }));
    const before = freePages();
    await store.reclaim();
    expect(before).toBeGreaterThan(256);
    expect(freePages()).toBe(before - 256);
  });

  test.each(["FULL", "NORMAL"] as const)("is written with synchronous=%s", async (synchronous) => {
    const file = path.join(temporaryDirectory(), "baton.db");
    const store = await open(file, { synchronous });
    const [row] = await run(store, "PRAGMA synchronous");
    expect(row).toEqual({ synchronous: synchronous === "FULL" ? 2 : 1 });
  });

  test("opens without a lock when it needs no migration", async () => {
    const file = path.join(temporaryDirectory(), "baton.db");
    await open(file);
    const writer = raw(file);
    writer.exec("BEGIN IMMEDIATE");
    const second = await open(file, { busyMs: 0 });
    expect(await second.read(names)).toEqual([]);
    await expect(second.transact(() => put("a"))).rejects.toEqual(unavailable(/other processes kept it busy/));
  });

  test("waits for another writer", async () => {
    const file = path.join(temporaryDirectory(), "baton.db");
    const store = await open(file);
    const writer = raw(file);
    writer.exec("BEGIN IMMEDIATE");
    const writing = store.transact(() => put("a"));
    writer.exec("COMMIT");
    await writing;
    expect(await store.read(names)).toEqual(["a"]);
  });

  test("shows a query one snapshot, whatever others commit meanwhile", async () => {
    const file = path.join(temporaryDirectory(), "baton.db");
    await open(file);
    const insert = "INSERT INTO settings (scope, name, value, updated_at, updated_by) VALUES ('s', ?, '', 0, '')";
    const writer = raw(file);
    let commits = 0;
    const hooks = { observe: () => void writer.prepare(insert).run(`row-${commits++}`) };
    const store = await open(file, { hooks });
    const seen = await store.read(function* () {
      return [yield* names(), yield* names(), yield* names()];
    });
    expect(seen).toEqual([[], [], []]);
    expect(commits).toBeGreaterThanOrEqual(3);
  });
});

describe("refused with a reason, and nothing changed:", () => {
  test.each([
    ["text", "not a database, but a text that somebody wants to keep".repeat(3)],
    ["a short file", "x"],
  ])("%s", async (_, content) => {
    const file = path.join(temporaryDirectory(), "baton.db");
    writeFileSync(file, content);
    await expect(open(file)).rejects.toEqual(unavailable(/it is not a database/));
    expect(readFileSync(file, "utf8")).toBe(content);
  });

  test("a damaged database", async () => {
    const file = path.join(temporaryDirectory(), "baton.db");
    await (await openSqlite({ file, synchronous: "NORMAL", runtime: testRuntime() })).close();
    const bytes = readFileSync(file);
    bytes.fill(0xff, 100, 4096 * 3);
    writeFileSync(file, bytes);
    const opening = open(file).then((store) => store.read(names));
    await expect(opening).rejects.toEqual(unavailable(/it is damaged/));
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });

  test("the database of another program", async () => {
    const file = path.join(temporaryDirectory(), "other.db");
    raw(file).exec("CREATE TABLE theirs (x)");
    await expect(open(file)).rejects.toEqual(unavailable(/database of another program/));
    expect(raw(file).prepare("SELECT name FROM sqlite_schema").pluck().all()).toEqual(["theirs"]);
  });

  test("a newer schema, found when it is opened and while it is open", async () => {
    const file = path.join(temporaryDirectory(), "baton.db");
    const store = await open(file);
    raw(file).pragma(`user_version = ${SCHEMA_VERSION + 1}`);
    await expect(store.transact(() => put("a"))).rejects.toEqual(unavailable(/restart to update/));
    await expect(store.read(names)).rejects.toEqual(unavailable(/restart to update/));
    await expect(open(file)).rejects.toEqual(unavailable(/restart to update/));
    expect(raw(file).prepare("SELECT count(*) FROM settings").pluck().get()).toBe(0);
  });

  test("a directory that is a file, and a file that is a directory", async () => {
    const directory = temporaryDirectory();
    writeFileSync(path.join(directory, "file"), "");
    await expect(open(path.join(directory, "file", "baton.db"))).rejects.toEqual(unavailable(/not a directory/));
    mkdirSync(path.join(directory, "directory"));
    await expect(open(path.join(directory, "directory"))).rejects.toEqual(unavailable(/it is a directory/));
  });

  test("a pipe, a device, links that lead round, and a file with a second name", async () => {
    const at = (name: string) => path.join(directory, name);
    const directory = temporaryDirectory();
    execFileSync("mkfifo", [at("pipe")]);
    for (const odd of [at("pipe"), "/dev/null"])
      for (const readOnly of [false, true])
        await expect(open(odd, { readOnly })).rejects.toEqual(unavailable(/no regular file/));
    symlinkSync("round", at("round"));
    await expect(open(at("round"))).rejects.toEqual(unavailable(/links lead round/));
    await (await open(at("baton.db"))).close();
    linkSync(at("baton.db"), at("other.db"));
    for (const name of ["baton.db", "other.db"])
      await expect(open(at(name))).rejects.toEqual(unavailable(/has another name \(a hard link\)/));
    rmSync(at("other.db"));
    await (await open(at("baton.db"))).close();
  });

  test("a place that cannot be written", async () => {
    // The superuser may write anywhere but where the kernel itself writes.
    await expect(open("/proc/baton/baton.db")).rejects.toEqual(unavailable(/cannot be used/));
  });

  test("a full disk", async () => {
    const file = path.join(temporaryDirectory(), "baton.db");
    await open(file);
    const pages = Number(raw(file).pragma("page_count", { simple: true }));
    const store = await open(file, { pagesMax: pages + 10 });
    await store.transact(() => put("small", "x"));
    const large = store.transact(function* () {
      for (let i = 0; i < 100; i++) yield* put(`large-${i}`, "x".repeat(1_000));
    });
    await expect(large).rejects.toEqual(unavailable(/disk is full; nothing was changed/));
    expect(await store.read(names)).toEqual(["small"]);
  });
});

describe("a network file system", () => {
  const mounts = [
    "22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/root rw",
    "40 22 0:35 / /home rw,relatime shared:20 master:3 - nfs4 server:/home rw,vers=4.2",
    "41 40 259:3 / /home/local rw - xfs /dev/sdb1 rw",
    "42 22 0:36 / /mnt/my\\040share rw - cifs //server/share rw",
    "43 22 0:37 / /mnt/remote rw - fuse.sshfs me@server:/ rw",
    "44 22 0:38 / /mnt/c rw,noatime - 9p C:\\134 rw,aname=drvfs;path=C:\\,trans=fd,rfd=8",
    "45 22 0:39 / /sandbox rw - 9p none rw,trans=fd,rfdno=4,aname=/",
    "46 22 0:40 / /data rw - nfs server:/old rw",
    "47 22 0:41 / /data rw - btrfs /dev/sdc1 rw",
  ].join("\n");

  test.each([
    ["/var/lib/baton.db", undefined],
    ["/home/me/baton.db", "nfs4"],
    ["/home/local/baton.db", undefined],
    ["/homework/baton.db", undefined],
    ["/mnt/my share/baton.db", "cifs"],
    ["/mnt/remote/baton.db", "fuse.sshfs"],
    ["/mnt/c/Users/me/baton.db", "9p"],
    ["/sandbox/baton.db", undefined],
    ["/data/baton.db", undefined],
  ])("of %s is %s", (file, type) => {
    expect(networkFileSystem(file, mounts)).toBe(type);
  });
});
