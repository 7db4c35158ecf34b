import { expect, test } from "vitest";
import { deadLetterSettings } from "../../../src/store/migrations/0009-dead-letter-settings.js";
import { migrations } from "../../../src/store/migrations/index.js";
import { phases } from "../../../src/store/migrations/0017-phases.js";
import type { Tx } from "../../../src/store/tx.js";
import { BACKENDS, createDatabase } from "../../support/databases/databases.js";
import { names, put, run } from "./notes.js";

test("each migration has the number of its place, so that a database of any earlier version gets all that follow", () => {
  expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, at) => at + 1));
});

test.each(BACKENDS)("settings of dead letters get their present names on %s", async (backend) => {
  const store = await (await createDatabase(backend)).open();
  await store.transact(function* (): Tx<void> {
    for (const name of ["letter_replays", "letter_retention_ms", "letter_replay_delay_ms", "lease_ms"])
      yield* put(name);
    yield [
      `INSERT INTO projects (id, name, status, config, case_insensitive, created_at, updated_at)
        VALUES ('a', 'a', 'active', $1, 0, 0, 0)`,
      ['{"worktrees":"shared","letter_replays":2}'],
    ];
    for (const statement of deadLetterSettings.statements) if (typeof statement === "string") yield [statement];
  });
  expect(await store.read(names)).toEqual([
    "dead_letter_replay_delay_ms",
    "dead_letter_replays",
    "dead_letter_retention_ms",
    "lease_ms",
  ]);
  expect(await run(store, "SELECT config FROM projects WHERE id = 'a'")).toEqual([
    { config: '{"worktrees":"shared","dead_letter_replays":2}' },
  ]);
});

test.each(BACKENDS)("checkpoints are kept when their kinds change on %s", async (backend) => {
  const store = await (await createDatabase(backend)).open();
  await store.transact(function* (): Tx<void> {
    yield [
      `INSERT INTO checkpoints (id, run, project, kind, label, format, hash, bytes, run_status, counts, attempts, cursor, changed_at, taken_at, created_by)
        VALUES ('c', 'r', 'p', 'gate', NULL, 2, 'h', 7, 'running', '{}', 3000000000, '1', 4, 5, 'ann')`,
    ];
    // The statements behind those that add columns, which are there already.
    for (const statement of phases.statements.slice(3)) if (typeof statement === "string") yield [statement];
    yield ["UPDATE checkpoints SET kind = 'phase'"];
  });
  expect(await run(store, "SELECT kind, bytes, attempts, created_by FROM checkpoints WHERE run = 'r'")).toEqual([
    { kind: "phase", bytes: 7, attempts: 3_000_000_000, created_by: "ann" },
  ]);
});
