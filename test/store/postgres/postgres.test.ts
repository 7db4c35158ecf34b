import { Client } from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import type { StorePoint } from "../../../src/store/driver/faults.js";
import { SCHEMA_VERSION } from "../../../src/store/migrations/index.js";
import { openPostgres } from "../../../src/store/postgres/postgres.js";
import { createDatabase, createEmptyDatabase, testRuntime } from "../../support/databases/databases.js";
import { startPostgres } from "../../support/databases/postgres-server.js";
import { names, put, run } from "../conformance/notes.js";

const unavailable = (message: RegExp) =>
  expect.objectContaining({ code: "unavailable", message: expect.stringMatching(message) as string });

async function rawClient(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

/** Ends every connection to the client's database but its own, as an administrator or a failover does. */
async function endOthers(client: Client): Promise<void> {
  await client.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
  );
}

describe("the connection", () => {
  test("is shown without its password", async () => {
    const database = await createDatabase("postgres");
    const store = await database.open();
    const password = new URL(database.location).password;
    expect(password).not.toBe("");
    expect(store.info).toMatchObject({ backend: "postgres", schemaVersion: SCHEMA_VERSION });
    expect(JSON.stringify(store.info)).not.toContain(password);
  });

  test.each([
    ["a wrong password", (url: URL) => (url.password = "wrong"), /refuses this user or password/],
    ["no such database", (url: URL) => (url.pathname = "/none"), /no such database/],
    ["nobody there", (url: URL) => (url.port = "1"), /it cannot be reached/],
  ])("is refused with a reason: %s", async (_, spoil, message) => {
    const url = new URL((await createDatabase("postgres")).location);
    const { password } = url;
    spoil(url);
    const opening = openPostgres({ url: url.href, poolSize: 1, runtime: testRuntime(), busyMs: 20 });
    const error: unknown = await opening.catch((refusal: unknown) => refusal);
    expect(error).toEqual(unavailable(message));
    expect(String(error)).toContain(url.host);
    expect(JSON.stringify(error) + String(error)).not.toContain(password);
  });

  test("is refused after a few seconds where no server has answered yet", async () => {
    const url = new URL((await createDatabase("postgres")).location);
    url.port = "1";
    const opening = openPostgres({ url: url.href, poolSize: 1, runtime: testRuntime() });
    const error: unknown = await opening.catch((refusal: unknown) => refusal);
    expect(error).toMatchObject({ code: "unavailable" });
    const { waited_ms: waited } = (error as { details: { waited_ms: number } }).details;
    expect(waited).toBeGreaterThanOrEqual(3_000);
    expect(waited).toBeLessThan(10_000);
  });

  test.each(["nonsense", "http://me:topsecret@host/db", "postgres://me:topsecret@[bad/db"])(
    "is no URL: %s",
    async (url) => {
      const error: unknown = await openPostgres({ url, poolSize: 1, runtime: testRuntime() }).catch((e: unknown) => e);
      expect(error).toEqual(unavailable(/is not a PostgreSQL URL/));
      expect(JSON.stringify(error) + String(error)).not.toContain("topsecret");
    },
  );

  test("is made again when the server ended it", async () => {
    const database = await createDatabase("postgres");
    const store = await database.open();
    const administrator = await rawClient(database.location);
    await store.transact(() => put("a"));
    await endOthers(administrator);
    await store.transact(() => put("b"));
    expect(await store.read(names)).toEqual(["a", "b"]);
  });

  test("that ends in the middle of a transaction costs a try, not the transaction", async () => {
    const database = await createDatabase("postgres");
    const administrator = await rawClient(database.location);
    let ended: Promise<void> | undefined;
    const hooks = { observe: () => void (ended ??= endOthers(administrator)) };
    const store = await database.open({ hooks });
    await store.transact(function* () {
      yield* put("a");
      yield ["SELECT pg_sleep(0.2)"];
      yield* put("b");
    });
    expect(await store.read(names)).toEqual(["a", "b"]);
  });

  test("that ended before the batch of COMMIT was sent costs a try", async () => {
    const database = await createDatabase("postgres");
    const administrator = await rawClient(database.location);
    let ended: Promise<void> | undefined;
    const isLast = ({ statement }: StorePoint) => statement !== "COMMIT" && statement[1]?.[0] === "b";
    const hooks = { hold: (point: StorePoint) => (isLast(point) ? (ended ??= endOthers(administrator)) : undefined) };
    const store = await database.open({ hooks });
    await store.transact(function* () {
      yield* put("a");
      yield* names();
      yield* put("b");
    });
    expect(await store.read(names)).toEqual(["a", "b"]);
  });

  test("that the server ends at a statement before COMMIT, in one batch with it, costs a try", async () => {
    const database = await createDatabase("postgres");
    const [administrator, holder] = [await rawClient(database.location), await rawClient(database.location)];
    await holder.query("SELECT pg_advisory_lock(1)");
    const store = await database.open();
    const done = store.transact(function* () {
      yield* put("a");
      yield [
        `INSERT INTO settings (scope, name, value, updated_at, updated_by)
         SELECT 'test', 'b', CAST(pg_advisory_xact_lock(1) AS TEXT), 0, 'test'`,
      ];
    });
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    while ((await administrator.query(end)).rowCount === 0);
    await holder.query("SELECT pg_advisory_unlock(1)");
    await done;
    expect(await store.read(names)).toEqual(["a", "b"]);
  });

  test("survives a restart of the server, and listens again", async () => {
    const server = await startPostgres();
    onTestFinished(() => server.stop());
    const store = await openPostgres({ url: server.url, poolSize: 4, runtime: testRuntime() });
    onTestFinished(() => store.close());
    onTestFinished(store.onWake(() => {}));
    await store.transact(() => put("a"));
    await server.restart();
    const awake = new Promise<void>((resolve) => onTestFinished(store.onWake(resolve)));
    await store.transact(() => put("b"));
    await awake;
    expect(await store.read(names)).toEqual(["a", "b"]);
  });
});

describe("a transaction", () => {
  test("has the time of the database", async () => {
    const database = await createDatabase("postgres");
    const store = await database.open();
    const client = await rawClient(database.location);
    const ask = async () =>
      Date.parse((await client.query<{ now: string }>("SELECT clock_timestamp()::text AS now")).rows[0]!.now);
    const before = await ask();
    // oxlint-disable-next-line require-yield -- it only looks at its context
    const now = await store.transact(function* (ctx) {
      return ctx.now;
    });
    expect(now).toBeGreaterThanOrEqual(Math.floor(before));
    expect(now).toBeLessThanOrEqual((await ask()) + 1);
  });

  test("waits for a row that another holds", async () => {
    const database = await createDatabase("postgres");
    const store = await database.open();
    await store.transact(() => put("a", "before"));
    const other = await rawClient(database.location);
    await other.query("BEGIN");
    await other.query("UPDATE settings SET value = 'other' WHERE name = 'a'");
    const locked = run(store, "SELECT value FROM settings WHERE name = 'a' %FOR_UPDATE%");
    await other.query("COMMIT");
    expect(await locked).toEqual([{ value: "other" }]);
  });

  test("that is chosen to end a deadlock runs again", async () => {
    const database = await createDatabase("postgres");
    const store = await database.open();
    await store.transact(function* () {
      yield* put("a", 0);
      yield* put("b", 0);
    });
    const add = "UPDATE settings SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE name = $1";
    const both = (first: string, second: string) =>
      store.transact(function* () {
        yield [add, [first]];
        yield ["SELECT pg_sleep(0.05)"];
        yield [add, [second]];
      });
    await Promise.all([both("a", "b"), both("b", "a")]);
    expect(await run(store, "SELECT value FROM settings")).toEqual([{ value: "2" }, { value: "2" }]);
  });

  test("shows a query one snapshot, whatever others commit meanwhile", async () => {
    const database = await createDatabase("postgres");
    const gate = await rawClient(database.location);
    let reach = (): void => {};
    const reached = new Promise<void>((resolve) => (reach = resolve));
    const store = await database.open({ hooks: { observe: () => reach() } });
    await gate.query("SELECT pg_advisory_lock(1)");
    const reading = store.read(function* () {
      const before = yield* names();
      yield ["SELECT pg_advisory_xact_lock(1)"];
      return [before, yield* names()];
    });
    await reached;
    await gate.query("INSERT INTO settings (scope, name, value, updated_at, updated_by) VALUES ('s', 'x', '', 0, '')");
    await gate.query("SELECT pg_advisory_unlock(1)");
    expect(await reading).toEqual([[], []]);
  });
});

describe("the schema", () => {
  test("that is newer is refused, found when it is opened and while it is open", async () => {
    const database = await createEmptyDatabase("postgres");
    const store = await database.open();
    const client = await rawClient(database.location);
    await client.query("UPDATE baton_schema SET version = version + 1");
    await expect(store.transact(() => put("a"))).rejects.toEqual(unavailable(/restart to update/));
    await expect(database.open()).rejects.toEqual(unavailable(/restart to update/));
    expect((await client.query("SELECT 1 FROM settings")).rowCount).toBe(0);
  });

  test("that grows under a prepared statement costs a try", async () => {
    const database = await createEmptyDatabase("postgres");
    const store = await database.open();
    await store.transact(() => put("a"));
    expect(await run(store, "SELECT * FROM settings")).toHaveLength(1);
    await (await rawClient(database.location)).query("ALTER TABLE settings ADD COLUMN more TEXT");
    expect(await run(store, "SELECT * FROM settings")).toMatchObject([{ name: "a", more: null }]);
  });
});
