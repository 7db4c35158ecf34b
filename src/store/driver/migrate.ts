import { BatonError } from "../../base/errors.js";
import { migrations, SCHEMA_VERSION } from "../migrations/index.js";
import { type Dialect, translate } from "../tx.js";

/** The statements that bring a database of `version` up to the version of this process, in order, for one transaction. */
export function statementsFrom(version: number, dialect: Dialect): string[] {
  return migrations
    .filter((migration) => migration.version > version)
    .flatMap((migration) => migration.statements)
    .flatMap((statement) => {
      const sql =
        typeof statement === "string" ? statement : ({ ...statement } as Partial<Record<string, string>>)[dialect.NAME];
      return sql === undefined ? [] : [translate(sql, dialect)];
    });
}

/** Clients of different versions share a database: an older one must not write to a schema it does not understand. */
export function refuseNewer(version: number): void {
  if (version <= SCHEMA_VERSION) return;
  throw new BatonError(
    "unavailable",
    `The database has schema ${version}, this process understands up to ${SCHEMA_VERSION}: restart to update.`,
    { details: { schema_version: version, understood: SCHEMA_VERSION } },
  );
}
