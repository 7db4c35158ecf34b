import { describe, expect, test } from "vitest";
import { appendEvents } from "../../../src/store/events/events.js";
import { Crashed, type Fault } from "../../../src/store/driver/faults.js";
import type { Tx, TxContext } from "../../../src/store/tx.js";
import { type Backend, BACKENDS, createDatabase } from "../../support/databases/databases.js";
import { FaultPlan, FAULTS } from "../../support/databases/fault-plan.js";
import { names, put } from "./notes.js";

const WRITTEN = ["a", "b", "c"];
/** A row, a look, two rows and an event: five statements, then COMMIT. */
const COMMIT = 5;
const PLACES = [0, 1, 2, 3, 4, COMMIT];
/** On PostgreSQL these wait for no rows, so that COMMIT travels with them; the first two are a batch of their own. */
const WITH_COMMIT = [2, 3, 4];

function* write(ctx: TxContext): Tx<string> {
  yield* put("a");
  yield* names();
  yield* put("b");
  yield* put("c");
  yield* appendEvents(ctx, [{ type: "message.sent" }]);
  return "done";
}

/** Looks first whether it has been done, as a command with a request id does. */
function* writeOnce(ctx: TxContext): Tx<string> {
  const found = yield* names();
  return found.length > 0 ? "done" : yield* write(ctx);
}

const cases = PLACES.flatMap((place) => FAULTS.map((fault) => ({ place, fault })));

/** The outcome for the caller, and the rows that another process finds. */
function expected(backend: Backend, place: number, fault: Fault): { outcome: unknown; survivors: readonly string[] } {
  const commits = place === COMMIT || (backend === "postgres" && WITH_COMMIT.includes(place));
  const survivors = commits && (fault === "crash_after" || fault === "lose_answer") ? WRITTEN : [];
  if (fault === "crash" || fault === "crash_after") return { outcome: "Crashed", survivors };
  if (commits) return { outcome: "CommitUnknown", survivors };
  // Before COMMIT is sent a lost connection is a lost transaction: the store runs it again.
  return { outcome: "done", survivors: WRITTEN };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error);
}

describe.each(BACKENDS)("faults on %s leave all or nothing", (backend) => {
  test("every statement and the COMMIT is a place for one", async () => {
    const plan = FaultPlan.none();
    const store = await (await createDatabase(backend)).open({ hooks: plan.hooks });
    await store.transact(write);
    expect(plan.passed.map((point) => point.index)).toEqual(PLACES);
    expect(plan.passed.at(COMMIT)?.statement).toBe("COMMIT");
  });

  test.each(cases)("$fault at $place", async ({ place, fault }) => {
    const database = await createDatabase(backend);
    const plan = FaultPlan.at(place, fault);
    const store = await database.open({ hooks: plan.hooks });
    const outcome = await store.transact(write).catch(nameOf);
    const survivors = await (await database.open()).read(names);

    expect(plan.strikes).toHaveLength(1);
    expect({ outcome, survivors }).toEqual(expected(backend, place, fault));
  });

  test.each(["crash", "crash_after"] as const)("after a %s nothing of the process runs any more", async (fault) => {
    const store = await (await createDatabase(backend)).open({ hooks: FaultPlan.at(COMMIT, fault).hooks });
    await expect(store.transact(write)).rejects.toThrow(Crashed);
    await expect(store.read(names)).rejects.toThrow(Crashed);
  });

  test.each(["disconnect", "lose_answer"] as const)(
    "%s at COMMIT: an idempotent command is done once",
    async (fault) => {
      const store = await (await createDatabase(backend)).open({ hooks: FaultPlan.at(COMMIT + 1, fault).hooks });
      expect(await store.transact(writeOnce, { idempotent: true })).toBe("done");
      expect(await store.read(names)).toEqual(WRITTEN);
    },
  );

  test("a query that lost its answer is asked again", async () => {
    const store = await (await createDatabase(backend)).open({ hooks: FaultPlan.at(1, "lose_answer").hooks });
    expect(await store.read(names)).toEqual([]);
  });

  test("a connection that is lost again and again ends as unavailable", async () => {
    const hooks = { fault: () => "disconnect" as const };
    const store = await (await createDatabase(backend)).open({ hooks, busyMs: 30 });
    await expect(store.transact(write)).rejects.toMatchObject({ code: "unavailable", retry: { after_ms: 1_000 } });
  });
});
