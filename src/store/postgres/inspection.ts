import { Client } from "pg";
import type { Finding } from "../driver/inspection.js";
import { statementsFrom } from "../driver/migrate.js";
import { SCHEMA_VERSION } from "../migrations/index.js";
import { refusal, shownLocation } from "./errors.js";
import { MIGRATION_LOCK, SERVER_VERSION_MIN } from "./schema.js";
import { POSTGRES } from "./statements.js";

const CONNECT_MS = 5_000;

/** Looks a PostgreSQL database over without changing it. */
export async function inspectPostgres(url: string): Promise<Finding[]> {
  const location = shownLocation(url);
  const startedAt = performance.now();
  try {
    return await withClient(url, async (client) => {
      const ms = Math.round(performance.now() - startedAt);
      const reached: Finding = { check: "reachable", verdict: "ok", says: `${location} answers after ${ms} ms` };
      return [reached, ...(await contents(client))];
    });
  } catch (error) {
    const said = refusal(error, location);
    const says = said instanceof Error ? said.message : String(said);
    const remedy = "check the URL, that the server runs, and that this machine may reach it";
    return [{ check: "reachable", verdict: "fail", says: says === "" ? `${location} does not answer` : says, remedy }];
  }
}

interface Facts {
  readonly version: number;
  readonly encoding: string;
  readonly known: boolean;
  readonly may_create: boolean;
  readonly standby: boolean;
}

async function contents(client: Client): Promise<Finding[]> {
  const { rows } = await client.query<Facts>(`SELECT current_setting('server_version_num')::int AS version,
    current_setting('server_encoding') AS encoding, to_regclass('baton_schema') IS NOT NULL AS known,
    has_schema_privilege(current_schema(), 'CREATE') AS may_create, pg_is_in_recovery() AS standby`);
  const [facts] = rows;
  if (facts === undefined) throw new Error("a query for one row gave none");
  return [server(facts), await schema(client, facts)];
}

function server({ version, encoding, standby }: Facts): Finding {
  const says = `PostgreSQL ${Math.floor(version / 10_000)}, encoding ${encoding}`;
  if (version < SERVER_VERSION_MIN)
    return { check: "server", verdict: "fail", says, remedy: "update it: 13 is the least" };
  if (encoding !== "UTF8") {
    return { check: "server", verdict: "fail", says, remedy: "make a database with ENCODING 'UTF8'" };
  }
  if (standby) return { check: "server", verdict: "fail", says: `${says}, a standby`, remedy: "name the primary" };
  return { check: "server", verdict: "ok", says };
}

async function schema(client: Client, { known, may_create: mayCreate }: Facts): Promise<Finding> {
  if (!known) {
    const says = "no tables of Baton yet: the first call makes them";
    if (mayCreate) return { check: "schema", verdict: "ok", says };
    const remedy = "GRANT CREATE ON SCHEMA … to this user";
    return { check: "schema", verdict: "fail", says: "no tables of Baton yet, and this user may not make any", remedy };
  }
  const { rows } = await client.query<{ version: number }>("SELECT version FROM baton_schema");
  const version = rows[0]?.version ?? 0;
  if (version > SCHEMA_VERSION) {
    const says = `schema ${version} is newer than this program, which understands up to ${SCHEMA_VERSION}`;
    return { check: "schema", verdict: "fail", says, remedy: "update baton-mcp" };
  }
  return { check: "schema", verdict: "ok", says: `schema ${version}` };
}

/** Drops the tables that Baton made in the URL's schema, whatever else stands there; gives their names. */
export async function dropPostgres(url: string): Promise<string[]> {
  const made = statementsFrom(0, POSTGRES).flatMap((text) => /^\s*CREATE TABLE (\w+)/.exec(text)?.[1] ?? []);
  try {
    return await withClient(url, async (client) => {
      await client.query("BEGIN");
      await client.query(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
      const dropped: string[] = [];
      for (const table of [...made, "baton_schema"]) {
        const { rows } = await client.query<{ there: boolean }>("SELECT to_regclass($1) IS NOT NULL AS there", [table]);
        if (rows[0]?.there !== true) continue;
        // sql: a name out of our own migrations, as an identifier
        await client.query(`DROP TABLE ${client.escapeIdentifier(table)} CASCADE`);
        dropped.push(table);
      }
      await client.query("COMMIT");
      return dropped;
    });
  } catch (error) {
    throw refusal(error, shownLocation(url));
  }
}

async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: url,
    application_name: "baton",
    connectionTimeoutMillis: CONNECT_MS,
  });
  // A connection that breaks between two queries: the next one says so.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end();
  }
}
