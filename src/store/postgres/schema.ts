import type { ClientBase } from "pg";
import { BatonError } from "../../base/errors.js";
import { refuseNewer, statementsFrom } from "../driver/migrate.js";
import { olderSchema } from "../driver/read-only.js";
import { SCHEMA_VERSION } from "../migrations/index.js";
import { columnTypes, POSTGRES } from "./statements.js";

/** `pg_current_xact_id` came with 13. */
export const SERVER_VERSION_MIN = 130_000;
/** Any number, but the same in all versions: held while the schema changes. */
export const MIGRATION_LOCK = 4_241_544;

/**
 * Brings the schema up to this process's version, once, however many processes start together. A schema that is
 * current is only read. Throws `BatonError` `unavailable` for a newer schema or a server that cannot be used.
 */
export async function migrate(client: ClientBase): Promise<void> {
  await refuseServer(client);
  if ((await versionOf(client)) === SCHEMA_VERSION) return;
  await client.query("BEGIN");
  await client.query(`SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
  const version = await versionOf(client);
  if (version < SCHEMA_VERSION) {
    if (version === 0) await client.query("CREATE TABLE baton_schema (version INTEGER NOT NULL)");
    for (const statement of statementsFrom(version, POSTGRES)) await client.query(statement);
    await client.query("DELETE FROM baton_schema");
    await client.query(`INSERT INTO baton_schema (version) VALUES (${SCHEMA_VERSION})`);
  }
  await client.query("COMMIT");
}

/** Only looks: errors are those of `migrate`, and `unavailable` for an older schema. */
export async function requireSchema(client: ClientBase): Promise<void> {
  await refuseServer(client);
  const version = await versionOf(client);
  if (version !== SCHEMA_VERSION) throw olderSchema(version);
}

async function versionOf(client: ClientBase): Promise<number> {
  const [found] = (await client.query<{ known: boolean }>("SELECT to_regclass('baton_schema') IS NOT NULL AS known"))
    .rows;
  if (found?.known !== true) return 0;
  const [row] = (await client.query<{ version: number }>("SELECT version FROM baton_schema")).rows;
  const version = row?.version ?? 0;
  refuseNewer(version);
  return version;
}

async function refuseServer(client: ClientBase): Promise<void> {
  const text =
    "SELECT current_setting('server_version_num')::bigint AS version, current_setting('server_encoding') AS encoding";
  const [row] = (await client.query<{ version: number; encoding: string }>({ text, types: columnTypes })).rows;
  if (row !== undefined && row.version < SERVER_VERSION_MIN) {
    throw new BatonError("unavailable", "The PostgreSQL server is older than version 13: update it.");
  }
  if (row !== undefined && row.encoding !== "UTF8") {
    throw new BatonError("unavailable", `The database's encoding is ${row.encoding}: make one with ENCODING 'UTF8'.`);
  }
}
