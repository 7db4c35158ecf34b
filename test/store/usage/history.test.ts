import { describe, expect, test } from "vitest";
import { pastUsage } from "../../../src/store/usage/history.js";
import { BACKENDS } from "../../support/databases/databases.js";
import { Payers } from "../../support/fixtures/payers.js";

describe.each(BACKENDS)("the newest use of models on %s", (backend) => {
  test("is cut between tasks: one whose older reports are left out would seem cheap", async () => {
    const team = await Payers.start(backend);
    const run = await team.run([
      { key: "a", role: "dev" },
      { key: "b", role: "dev" },
      { key: "c", role: "ops" },
    ]);
    const held: { id: string; token: number }[] = [];
    for (const role of ["dev", "dev", "ops"])
      held.push(await team.crew.take(`ann-${held.length}`, { run, roles: [role] }));
    const spend = async (at: number, cost: number) => {
      await team.app.advance(1);
      await team.app.call("record_usage", { task: held[at]!.id, cost });
    };
    await spend(0, 1);
    await spend(1, 2);
    await spend(2, 3);
    await spend(0, 4);
    for (const one of held) await team.complete(one, 5);
    const store = await team.app.app.store();
    const read = async (roles: readonly string[], all: number, perRole: number) => {
      const found = await store.read(() => pastUsage(roles, { all, perRole }));
      return found.map(({ key, cost }) => `${key} ${cost / 1_000_000}`).toSorted();
    };
    expect(await read([], 9, 0)).toEqual(["a 1", "a 4", "a 5", "b 2", "b 5", "c 3", "c 5"]);
    // Six of seven records: the oldest is that of a.
    expect(await read([], 6, 0)).toEqual(["b 2", "b 5", "c 3", "c 5"]);
    expect(await read([], 5, 0)).toEqual(["c 3", "c 5"]);
    expect(await read([], 2, 0)).toEqual([]);
    // A role's own records hold whole what the newest of all cut.
    expect(await read(["dev"], 2, 4)).toEqual(["b 2", "b 5"]);
    expect(await read(["dev"], 5, 5)).toEqual(["a 1", "a 4", "a 5", "b 2", "b 5", "c 3", "c 5"]);
    expect(await read(["ops"], 0, 9)).toEqual(["c 3", "c 5"]);
  });
});
