import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openSqliteAtNeed } from "../../../src/store/sqlite/at-need.js";
import type { Store } from "../../../src/store/tx.js";
import { temporaryDirectory, testRuntime } from "../../support/databases/databases.js";
import { until } from "../../support/until.js";
import { names, put } from "../conformance/notes.js";

async function open(file: string, makesDirectories = false): Promise<Store> {
  const store = await openSqliteAtNeed({ file, synchronous: "NORMAL", runtime: testRuntime(), makesDirectories });
  onTestFinished(() => store.close());
  return store;
}

describe("a SQLite file that is not there yet", () => {
  test("is not made by queries, which find an empty database", async () => {
    const directory = temporaryDirectory();
    const store = await open(path.join(directory, "baton.db"));
    expect(await store.read(names)).toEqual([]);
    expect(await store.snapshot(names)).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("is made by the first command, with its directories at the default place alone", async () => {
    const inside = path.join(temporaryDirectory(), "deep", "down", "baton.db");
    await expect(open(inside)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(`there is no directory ${path.dirname(inside)}`) as string,
    });
    const store = await open(inside, true);
    expect(await store.read(names)).toEqual([]);
    expect(existsSync(path.dirname(path.dirname(inside)))).toBe(false);
    await store.transact(() => put("a"));
    expect(await store.read(names)).toEqual(["a"]);
    expect(await store.snapshot(names)).toEqual(["a"]);
  });

  test("is found when another process has made it, and its commits wake who listened before", async () => {
    const file = path.join(temporaryDirectory(), "baton.db");
    const store = await open(file);
    let woken = 0;
    onTestFinished(store.onWake(() => (woken += 1)));
    const other = await open(file);
    await other.transact(() => put("a"));
    await until("the file is found", () => woken > 0);
    expect(await store.read(names)).toEqual(["a"]);
    const before = woken;
    await other.transact(() => put("b"));
    await until("the commit is seen", () => woken > before);
  });
});
