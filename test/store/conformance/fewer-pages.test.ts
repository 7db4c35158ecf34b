import { expect, test } from "vitest";
import { appendEvents } from "../../../src/store/events/events.js";
import { newestEventsOf, readEvents } from "../../../src/store/events/history.js";
import { deleteLocks, locksOfAgent, locksOfRequests, locksOfTask } from "../../../src/store/locks/locks.js";
import { coordinationTables } from "../../../src/store/migrations/0001-coordination.js";
import { fewerPages } from "../../../src/store/migrations/0010-fewer-pages.js";
import type { Migration } from "../../../src/store/migrations/migration.js";
import type { Tx } from "../../../src/store/tx.js";
import { type Backend, BACKENDS, createDatabase } from "../../support/databases/databases.js";

/** Tables and indexes that the migration replaces, as version 9 has them. */
const AS_BEFORE: Migration["statements"] = [
  "DROP TABLE event_blocks",
  "DROP TABLE file_locks",
  ...coordinationTables.filter((sql) => typeof sql === "string" && /\bON file_locks |TABLE file_locks /.test(sql)),
  { sqlite: "DROP TRIGGER events_in_blocks" },
  { sqlite: "CREATE INDEX events_by_run ON events (run, seq) WHERE run IS NOT NULL" },
];

const EVENTS = 150;

function* apply(statements: Migration["statements"], backend: Backend): Tx<void> {
  for (const statement of statements) {
    const sql = typeof statement === "string" ? statement : ({ ...statement } as Record<string, string>)[backend];
    if (sql !== undefined) yield [sql];
  }
}

function* addLock(id: string, request: string, task: string | null): Tx<void> {
  yield [
    `INSERT INTO file_locks (id, project, request, path, kind, prefix, mode, state, agent, task, token, since, expires_at)
      VALUES ($1, 'p', $2, $1, 'file', $1, 'exclusive', 'held', 'ann', $3, 1, 0, CAST($4 AS BIGINT))`,
    [id, request, task, task === null ? 60_000 : null],
  ];
}

test.each(BACKENDS)("locks and events of version 9 are found as before on %s", async (backend) => {
  const store = await (await createDatabase(backend)).open();
  await store.transact(function* (): Tx<void> {
    yield* apply(AS_BEFORE, backend);
    yield [
      `INSERT INTO projects (id, name, status, config, case_insensitive, created_at, updated_at)
        VALUES ('p', 'p', 'active', '{}', 0, 0, 0)`,
    ];
    yield* addLock("of-task", "r1", "t1");
    yield* addLock("alone", "r2", null);
    for (let n = 0; n < EVENTS; n++)
      yield ["INSERT INTO events (at, type, run, data) VALUES ($1, 'x', $2, '{}')", [n, n % 3 === 0 ? "other" : "run"]];
  });
  await store.transact(() => apply(fewerPages.statements, backend));

  const held = await store.read(() => locksOfTask("t1"));
  const asked = await store.read(() => locksOfRequests(0, ["r2"]));
  expect([held, asked].map((locks) => locks.map(({ id }) => id))).toEqual([["of-task"], ["alone"]]);
  await store.transact(() => deleteLocks([...held, ...asked]));
  expect(await store.read(() => locksOfAgent(0, "p", "ann"))).toEqual([]);

  await store.transact((ctx) =>
    appendEvents(ctx, [
      { type: "run.started", run: "run" },
      { type: "run.started", run: "other" },
    ]),
  );
  const numbers = Array.from({ length: EVENTS }, (_, n) => n).filter((n) => n % 3 !== 0);
  const whole = await store.read(() => readEvents({ filters: { run: "run" }, limit: 1_000 }));
  expect(whole.events.slice(0, -1).map(({ at }) => at)).toEqual(numbers);
  expect(whole.events.at(-1)?.type).toBe("run.started");
  const half = await store.read(() => readEvents({ filters: { run: "run" }, limit: 50 }));
  const rest = await store.read(() => readEvents({ filters: { run: "run" }, after: half.cursor, limit: 1_000 }));
  expect([...half.events, ...rest.events]).toEqual(whole.events);
  const newest = await store.read(() => newestEventsOf("run", 3));
  expect(whole.events.slice(-3)).toMatchObject(newest.events);
});
