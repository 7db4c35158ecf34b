import type { Store, Tx } from "../../../src/store/tx.js";

/** The cases of this directory keep their rows in `settings`: three columns and no rules of the engine's. */
export function* put(name: string, value: number | string = ""): Tx<void> {
  yield [
    "INSERT INTO settings (scope, name, value, updated_at, updated_by) VALUES ('test', $1, $2, 0, 'test')",
    [name, String(value)],
  ];
}

export function* names(): Tx<string[]> {
  const rows = yield ["SELECT name FROM settings ORDER BY name"];
  return rows.map((row) => String(row["name"]));
}

/** Runs one statement in a transaction of its own. */
export function run(
  store: Store,
  ...statement: Parameters<typeof single>
): Promise<readonly Record<string, unknown>[]> {
  return store.transact(() => single(...statement));
}

function* single(
  sql: string,
  values: readonly (string | number | null)[] = [],
): Tx<readonly Record<string, unknown>[]> {
  return yield [sql, values];
}
