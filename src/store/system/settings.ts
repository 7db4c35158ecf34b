import { int, text } from "../rows.js";
import type { Tx } from "../tx.js";

/** A setting that was changed through an operation, for all processes on this database. */
export interface StoredSetting {
  readonly name: string;
  readonly value: unknown;
  readonly updatedAt: number;
  readonly updatedBy: string;
}

const SCOPE = "global";

export function* listStoredSettings(): Tx<StoredSetting[]> {
  const rows = yield [
    "SELECT name, value, updated_at, updated_by FROM settings WHERE scope = $1 ORDER BY name",
    [SCOPE],
  ];
  return rows.map((row) => ({
    name: text(row, "name"),
    value: JSON.parse(text(row, "value")) as unknown,
    updatedAt: int(row, "updated_at"),
    updatedBy: text(row, "updated_by"),
  }));
}

export function* saveSetting({ name, value, updatedAt, updatedBy }: StoredSetting): Tx<void> {
  yield [
    `INSERT INTO settings (scope, name, value, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (scope, name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at,
       updated_by = excluded.updated_by`,
    [SCOPE, name, JSON.stringify(value), updatedAt, updatedBy],
  ];
}

export function* deleteSetting(name: string): Tx<void> {
  yield ["DELETE FROM settings WHERE scope = $1 AND name = $2", [SCOPE, name]];
}
