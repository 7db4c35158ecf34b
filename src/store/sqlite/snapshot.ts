import Database from "better-sqlite3";
import type { AttemptPoints } from "../driver/faults.js";
import { refuseNewer } from "../driver/migrate.js";
import { SqliteStatements } from "./statements.js";
import type { Tx } from "../tx.js";

interface Snapshot<T> {
  readonly file: string;
  readonly query: () => Tx<T>;
  readonly points: AttemptPoints | undefined;
}

/**
 * One try of a query on a connection that lives as long as it: its read transaction stays open while this process does other
 * things between two statements, and writes with its own connection. While it is open the log is not cut back behind it.
 */
export async function playOnOwnConnection<T>({ file, query, points }: Snapshot<T>): Promise<T> {
  const database = new Database(file, { readonly: true, timeout: 0 });
  try {
    const statements = new SqliteStatements(database);
    database.exec("BEGIN");
    refuseNewer(Number(database.pragma("user_version", { simple: true })));
    const transaction = query();
    let step = transaction.next();
    while (step.done !== true) {
      step = transaction.next(statements.play(step.value, false, points));
      await new Promise(setImmediate);
    }
    return step.value;
  } finally {
    database.close();
  }
}
