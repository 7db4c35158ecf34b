import { expect, test } from "vitest";
import { deadLetterSettings } from "../../../src/store/migrations/0009-dead-letter-settings.js";
import type { Tx } from "../../../src/store/tx.js";
import { BACKENDS, createDatabase } from "../../support/databases/databases.js";
import { names, put, run } from "./notes.js";

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
