import { describe, expect, test } from "vitest";
import type { Tx } from "../../../src/store/tx.js";
import { BACKENDS, createDatabase } from "../../support/databases/databases.js";
import { FaultPlan } from "../../support/databases/fault-plan.js";
import { names, put } from "./notes.js";

/** Many times what a write takes, also where it is held up. */
const LOOKS_MAX = 100_000;

describe.each(BACKENDS)("snapshots on %s", (backend) => {
  test("writes of the same process go on between two statements, and do not show", async () => {
    const store = await (await createDatabase(backend)).open();
    await store.transact(() => put("a", 1));
    let first: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (first = resolve));
    const progress = { written: false };
    const pages = store.snapshot(function* (): Tx<string[][]> {
      const seen = [yield* names()];
      first();
      for (let left = LOOKS_MAX; !progress.written && left > 0; left--) seen.push(yield* names());
      seen.push(yield* names());
      return seen;
    });
    await begun;
    await store.transact(() => put("b", 2));
    progress.written = true;
    const seen = await pages;
    expect(seen.length).toBeLessThan(LOOKS_MAX);
    expect(new Set(seen.map(String))).toEqual(new Set(["a"]));
    expect(await store.snapshot(names)).toEqual(["a", "b"]);
  });

  test("one may not write, and one that is cut off is read again from the start", async () => {
    const database = await createDatabase(backend);
    const store = await database.open();
    await store.transact(() => put("a", 1));
    await expect(store.snapshot(() => put("b", 1))).rejects.toThrow(/may not write|read-only/);
    const plan = FaultPlan.at(1, "disconnect");
    const struck = await database.open({ hooks: plan.hooks });
    const twice = await struck.snapshot(function* (): Tx<string[]> {
      return [...(yield* names()), ...(yield* names())];
    });
    expect(plan.strikes).toHaveLength(1);
    expect(twice).toEqual(["a", "a"]);
  });

  test("a process that dies in one leaves nothing behind", async () => {
    const database = await createDatabase(backend);
    const dying = await database.open({ hooks: FaultPlan.at(0, "crash").hooks });
    await expect(dying.snapshot(names)).rejects.toThrow("crashed");
    const store = await database.open();
    await store.transact(() => put("a", 1));
    expect(await store.snapshot(names)).toEqual(["a"]);
  });
});
