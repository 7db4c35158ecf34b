import type { StoreHooks, StorePoint } from "../../../src/store/driver/faults.js";
import { LOCK_ORDER } from "../../../src/store/lock-order.js";
import type { Row } from "../../../src/store/tx.js";

type Table = (typeof LOCK_ORDER)[number];

/** One statement that waits for rows of a table which has a place in the order. */
export interface Taken {
  readonly table: Table;
  readonly ids: readonly string[];
  readonly statement: string;
  /** A row that was not there: it waits for another that makes the same one, and makes others wait. */
  readonly makes?: boolean;
  /** It changes what rows it finds, which it does not hold: it waits for them in whatever order they lie. */
  readonly scattered?: boolean;
}

const LOCKING = /\bFROM\s+(\w+)\b[\s\S]*%FOR_UPDATE%/i;
const WRITING = /^\s*(?:UPDATE|DELETE\s+FROM)\s+(\w+)/i;
const UPSERTING = /^\s*INSERT\s+INTO\s+(\w+)\b[\s\S]*\bDO\s+UPDATE\b/i;
// A statement that changes a whole tree of runs names its root.
const BY_KEY = /\bWHERE\b[\s\S]*\b(?:id|name|run|target|session) = \$\d/i;
const BY_KEYS = /\b(?:id|run) IN \(\$/i;
const READING = /\bFROM\s+(\w+)\b/i;

/**
 * Writes down, try by try, which rows of the tables of LOCK_ORDER each transaction waited for: by `%FOR_UPDATE%`, and by an
 * UPDATE, DELETE or upsert of a row that it did not hold yet, which waits just so.
 */
export class LockRecorder {
  readonly #tries = new Map<number, Taken[]>();
  /** `table/key` of rows that the latest try looked for in vain. */
  readonly #missing = new Set<string>();
  #latest = 0;
  readonly hooks: Required<Pick<StoreHooks, "observe">> = { observe: (point, rows) => this.#observe(point, rows) };

  /** Of every try since the last call, in order; tries that took no lock are left out. */
  take(): Taken[][] {
    const tries = [...this.#tries.values()];
    this.#tries.clear();
    return tries;
  }

  #observe({ attempt, statement }: StorePoint, rows: readonly Row[]): void {
    if (statement === "COMMIT") return;
    const [sql, values = []] = statement;
    if (attempt !== this.#latest) this.#missing.clear();
    this.#latest = attempt;
    const taken = this.#tries.get(attempt) ?? [];
    const read = tableOf(READING, sql);
    if (read !== undefined && rows.length === 0) for (const value of values) this.#missing.add(`${read}/${value}`);
    // A query within the first columns locks nothing.
    const locked = tableOf(LOCKING, sql.replaceAll(/EXISTS \(SELECT[^()]*\)/g, ""));
    if (locked !== undefined && rows.length > 0) taken.push({ table: locked, ids: rows.map(keyOf), statement: sql });
    const written = tableOf(WRITING, sql);
    if (written !== undefined) {
      const held = heldOf(taken, written, values);
      const named = values.filter((value) => typeof value === "string").length;
      if (!BY_KEY.test(sql) && !(BY_KEYS.test(sql) && held === named))
        taken.push({ table: written, ids: [], statement: sql, scattered: true });
      else if (held === 0) taken.push({ table: written, ids: [], statement: sql });
    }
    const upserted = tableOf(UPSERTING, sql);
    if (upserted !== undefined) {
      // The key stands first in every such statement.
      const key = String(values[0]);
      const makes = this.#missing.has(`${upserted}/${key}`);
      taken.push({ table: upserted, ids: [key], statement: sql, makes });
    }
    if (taken.length > 0) this.#tries.set(attempt, taken);
  }
}

/**
 * Returns the locks of a try that break the order: a table after a later one, or rows of one table not by their id or
 * not all at once. A row that is inserted comes before all locks: an agent that registers holds its name while it waits
 * for them.
 */
export function violationsOf(taken: readonly Taken[]): string[] {
  const violations: string[] = [];
  const held = new Map<Table, Set<string>>();
  let latest: Taken | undefined;
  for (const step of taken) {
    const own = held.get(step.table) ?? new Set();
    if (step.scattered === true) violations.push(`several ${step.table} in no order: ${step.statement.trim()}`);
    // A lock that is held already waits for no transaction.
    const news = step.ids.filter((id) => !own.has(id));
    if (step.ids.length > 0 && news.length === 0) continue;
    held.set(step.table, new Set([...own, ...news]));
    if (step.makes === true) {
      if (latest !== undefined) violations.push(`${step.table} made after ${latest.table}: ${step.statement.trim()}`);
      continue;
    }
    if (latest !== undefined && rank(step.table) < rank(latest.table)) {
      violations.push(`${step.table} after ${latest.table}: ${step.statement.trim()}`);
    }
    const highest = [...own].sort().at(-1);
    for (const [at, id] of news.entries()) {
      const before = at === 0 ? highest : news[at - 1];
      if (before !== undefined && id < before)
        violations.push(`${step.table} ${id} after ${before}: ${step.statement.trim()}`);
    }
    if (latest === undefined || rank(step.table) > rank(latest.table)) latest = step;
  }
  return violations;
}

function tableOf(pattern: RegExp, sql: string): Table | undefined {
  const name = pattern.exec(sql)?.[1];
  return LOCK_ORDER.find((table) => table === name);
}

function rank(table: Table): number {
  return LOCK_ORDER.indexOf(table);
}

/** Agents are keyed by name, circuit breakers by target, the rest by id. */
function keyOf(row: Row): string {
  return String(row["id"] ?? row["name"] ?? row["target"]);
}

/** How many of the rows that a statement names are held. */
function heldOf(taken: readonly Taken[], table: Table, values: readonly unknown[]): number {
  const ids = new Set(taken.filter((step) => step.table === table).flatMap((step) => step.ids));
  return values.filter((value) => typeof value === "string" && ids.has(value)).length;
}
