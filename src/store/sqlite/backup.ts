import fs from "node:fs";
import Database from "better-sqlite3";

/** Pages that one step copies; between two steps this process does other things. */
const PAGES_AT_ONCE = 1_000;

/**
 * Copies a database that others may be writing into another file: one consistent state, with all that was committed before the copy
 * ended. A change by another process makes SQLite begin the copy again, so it is made in one step where that has happened often.
 */
export async function copySqlite(from: string, to: string): Promise<void> {
  const database = new Database(from, { readonly: true, timeout: 5_000 });
  try {
    let begun = 0;
    let left = Number.POSITIVE_INFINITY;
    await database.backup(to, {
      progress: ({ remainingPages }) => {
        if (remainingPages >= left) begun += 1;
        left = remainingPages;
        return begun > RESTARTS_MAX ? ALL_PAGES : PAGES_AT_ONCE;
      },
    });
    const handle = fs.openSync(to, "r+");
    fs.fsyncSync(handle);
    fs.closeSync(handle);
  } finally {
    database.close();
  }
}

const RESTARTS_MAX = 5;
const ALL_PAGES = 0x7fff_ffff;
