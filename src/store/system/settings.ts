import { many, int, json, text } from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

const FIELDS = { name: text, value: json<unknown>, updatedAt: int, updatedBy: text };
const STORED = table("settings", FIELDS);
/** A setting that was changed through an operation, for all processes on this database. */
export interface StoredSetting extends RowOf<typeof STORED> {}

const SCOPE = "global";
const SAVE = insertInto(
  table("settings", { scope: text, ...FIELDS }),
  `ON CONFLICT (scope, name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at,
     updated_by = excluded.updated_by`,
);

export function* listStoredSettings(): Tx<StoredSetting[]> {
  return yield* many(STORED.read, [`SELECT ${STORED.columns} FROM settings WHERE scope = $1 ORDER BY name`, [SCOPE]]);
}

export function* saveSetting(setting: StoredSetting): Tx<void> {
  yield SAVE([{ scope: SCOPE, ...setting }]);
}

export function* deleteSetting(name: string): Tx<void> {
  yield ["DELETE FROM settings WHERE scope = $1 AND name = $2", [SCOPE, name]];
}
