import { Client } from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import type { EventType } from "../../../src/base/notifications/event-types.js";
import { appendEvents } from "../../../src/store/events/events.js";
import { type EventFilters, latestCursor, readEvents } from "../../../src/store/events/history.js";
import { int } from "../../../src/store/rows.js";
import type { Store, Tx, TxContext } from "../../../src/store/tx.js";
import { BACKENDS, createDatabase } from "../../support/databases/databases.js";

function* insert(ctx: TxContext, types: readonly string[]): Tx<void> {
  // The store keeps any text.
  const events = types.map((type, i) => ({
    type: type as EventType,
    run: i % 2 === 0 ? "run_even" : "run_odd",
    agent: `agent-${i % 3}`,
  }));
  yield* appendEvents(ctx, events);
}

/** Appends, and waits until readers see it: on PostgreSQL older transactions may hide it for a moment. */
async function append(store: Store, ...types: string[]): Promise<void> {
  await store.transact((ctx) => insert(ctx, types));
  await expect.poll(() => store.read(unread)).toBe(0);
}

function* unread(): Tx<number> {
  const [row] = yield ["SELECT count(*) AS events FROM events WHERE xid >= %XID_HORIZON%"];
  return int(row ?? {}, "events");
}

async function typesAfter(store: Store, after: string | undefined, filters: EventFilters = {}): Promise<string[]> {
  const page = await store.read(() => readEvents({ after, filters, limit: 100 }));
  return page.events.map((event) => event.type);
}

describe.each(BACKENDS)("the history on %s", (backend) => {
  test("is read in order, page by page, each event once", async () => {
    const store = await (await createDatabase(backend)).open();
    const types = Array.from({ length: 25 }, (_, i) => `type_${i}`);
    await append(store, ...types);
    const seen: string[] = [];
    let after: string | undefined;
    for (let more = true; more;) {
      const page = await store.read(() => readEvents({ after, limit: 10 }));
      seen.push(...page.events.map((event) => event.type));
      ({ cursor: after, more } = page);
    }
    expect(seen).toEqual(types);
    expect(await typesAfter(store, after)).toEqual([]);
  });

  test("begins anew from the latest cursor", async () => {
    const store = await (await createDatabase(backend)).open();
    await append(store, "old");
    const after = await store.read(latestCursor);
    expect(await typesAfter(store, after)).toEqual([]);
    await append(store, "new");
    expect(await typesAfter(store, after)).toEqual(["new"]);
  });

  test("is filtered by what an event belongs to", async () => {
    const store = await (await createDatabase(backend)).open();
    await append(store, "a", "b", "c", "d", "e", "f");
    expect(await typesAfter(store, undefined, { run: "run_even" })).toEqual(["a", "c", "e"]);
    expect(await typesAfter(store, undefined, { run: "run_even", agent: "agent-2" })).toEqual(["c"]);
    expect(await typesAfter(store, undefined, { types: ["f", "b"] })).toEqual(["b", "f"]);
    expect(await typesAfter(store, undefined, { run: "run_odd", types: ["a", "b", "c", "d", "e"] })).toEqual([
      "b",
      "d",
    ]);
    expect(await typesAfter(store, undefined, { project: "prj_none" })).toEqual([]);
  });

  test("moves on where a filter matches nothing, and says that there is more", async () => {
    const store = await (await createDatabase(backend)).open();
    await append(store, ...Array.from({ length: 2_100 }, () => "noise"), "signal");
    const first = await store.read(() => readEvents({ filters: { types: ["signal"] }, limit: 10 }));
    expect(first).toMatchObject({ events: [], more: true });
    const second = await store.read(() =>
      readEvents({ after: first.cursor, filters: { types: ["signal"] }, limit: 10 }),
    );
    expect(second).toMatchObject({ events: [{ type: "signal" }], more: false });
  });

  test.each(["", "nonsense", "1", "1.2.3", "-1.2", "zzzzzzzzzzz.1"])("refuses the cursor %j", async (after) => {
    const store = await (await createDatabase(backend)).open();
    const reading = store.read(() => readEvents({ after, limit: 10 }));
    await expect(reading).rejects.toMatchObject({ code: "invalid_input" });
  });
});

test("an event that commits late is not skipped", async () => {
  const database = await createDatabase("postgres");
  const store = await database.open();
  const late = new Client({ connectionString: database.location });
  await late.connect();
  onTestFinished(() => late.end());
  await late.query("BEGIN");
  await late.query("INSERT INTO events (at, type, data) VALUES (1, 'late', '{}')");
  await store.transact((ctx) => insert(ctx, ["early"]));

  const before = await store.read(() => readEvents({ limit: 10 }));
  const cursor = await store.read(latestCursor);
  await late.query("COMMIT");

  expect(before.events).toEqual([]);
  await expect.poll(() => typesAfter(store, before.cursor)).toEqual(["late", "early"]);
  expect(await typesAfter(store, cursor)).toEqual(["late", "early"]);
});
