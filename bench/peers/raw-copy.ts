import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import Database from "better-sqlite3";
import { Client } from "pg";

/**
 * A ceiling for a checkpoint: the rows of a run's tasks read at once, whatever waits meanwhile, turned into text and compressed as
 * one. Nothing is kept of it, no edge is read, and it is no snapshot of several tables.
 */
export interface RawCopy {
  /** Takes a copy of a run and returns its size in bytes. */
  take(run: string): Promise<number>;
  close(): Promise<void>;
}

const ROWS = "SELECT t.*, s.spec FROM tasks t JOIN task_specs s ON s.task = t.id WHERE t.run =";
const compress = promisify(brotliCompress);

async function bytesOf(rows: readonly unknown[]): Promise<number> {
  const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
  return (await compress(Buffer.from(JSON.stringify(rows)), options)).length;
}

export function rawCopyOfSqlite(file: string): RawCopy {
  const database = new Database(file, { readonly: true });
  const rows = database.prepare<[string]>(`${ROWS} ?`).raw(true);
  return {
    take: (run) => bytesOf(rows.all(run)),
    close: async () => void database.close(),
  };
}

export async function rawCopyOfPostgres(url: string): Promise<RawCopy> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return {
    take: async (run) => {
      const answer = await client.query({ name: "rows", text: `${ROWS} $1`, values: [run], rowMode: "array" });
      return bytesOf(answer.rows);
    },
    close: () => client.end(),
  };
}
