import { describe, expect, test } from "vitest";
import { RestartTransaction } from "../../../src/store/tx.js";
import { BACKENDS, createDatabase } from "../../support/databases/databases.js";
import { names, put } from "./notes.js";

describe.each(BACKENDS)("transactions on %s", (backend) => {
  test("a command's statements commit together", async () => {
    const store = await (await createDatabase(backend)).open();
    const answer = await store.transact(function* () {
      yield* put("a", 1);
      yield* put("b", 2);
      return "done";
    });
    expect(answer).toBe("done");
    expect(await store.read(names)).toEqual(["a", "b"]);
  });

  test("a command that throws changes nothing", async () => {
    const store = await (await createDatabase(backend)).open();
    const failing = store.transact(function* () {
      yield* put("a", 1);
      throw new Error("second thoughts");
    });
    await expect(failing).rejects.toThrow("second thoughts");
    expect(await store.read(names)).toEqual([]);
  });

  test("a transaction that asks to start over runs again from the start", async () => {
    const store = await (await createDatabase(backend)).open();
    let tries = 0;
    await store.transact(function* () {
      yield* put("a", 1);
      tries += 1;
      if (tries < 3) throw new RestartTransaction("the candidate was taken");
    });
    expect(tries).toBe(3);
    expect(await store.read(names)).toEqual(["a"]);
  });

  test("a query may not write", async () => {
    const store = await (await createDatabase(backend)).open();
    await expect(store.read(() => put("a", 1))).rejects.toThrow(/may not write|read-only/);
    expect(await store.read(names)).toEqual([]);
  });
});
