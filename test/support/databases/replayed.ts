import { isDeepStrictEqual } from "node:util";
import {
  type Row,
  type Statement,
  statementsOf,
  type TxStep,
  type Store,
  type Tx,
  type TxContext,
} from "../../../src/store/tx.js";

interface Exchange {
  readonly statements: readonly Statement[];
  readonly rows: readonly Row[];
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/**
 * Runs each transaction twice: once for real, and then, before it commits, once more from the start with the same context
 * and the same rows. A transaction that is pure yields the same statements and ends the same way; any other throws.
 */
export function replayed(store: Store): Store {
  return {
    info: store.info,
    transact: (command, options) => store.transact((ctx) => twice(command, ctx), options),
    read: (query) => store.read((ctx) => twice(query, ctx)),
    snapshot: (query) => store.snapshot((ctx) => twice(query, ctx)),
    onWake: (listener) => store.onWake(listener),
    reclaim: () => store.reclaim(),
    close: () => store.close(),
  };
}

export function* twice<T>(command: (ctx: TxContext) => Tx<T>, ctx: TxContext): Tx<T> {
  const drawn: unknown[] = [];
  const record = <V>(value: V): V => {
    drawn.push(value);
    return value;
  };
  const exchanges: Exchange[] = [];
  const recording = {
    now: ctx.now,
    newId: (kind: string, after?: string) => record(ctx.newId(kind, after)),
    random: () => record(ctx.random()),
    wrote: () => record(ctx.wrote()),
  };
  const first = yield* recorded(command(recording), exchanges);
  const again = repeat((context) => command(context), { now: ctx.now, drawn, exchanges });
  if (!sameOutcome(first, again)) throw new Error("not pure: run again on the same rows, it ends in another way");
  if ("error" in first) throw first.error;
  return first.value;
}

function* recorded<T>(transaction: Tx<T>, exchanges: Exchange[]): Tx<Outcome<T>> {
  let step;
  try {
    step = transaction.next();
    while (step.done !== true) {
      // A copy: what the transaction does to its own arrays afterwards must not change the record.
      const statements = copyOf(step.value);
      const rows: readonly Row[] = yield step.value;
      exchanges.push({ statements, rows: structuredClone(rows) });
      step = transaction.next(rows);
    }
    return { value: step.value };
  } catch (error) {
    return { error };
  }
}

interface Tape {
  readonly now: number;
  readonly drawn: readonly unknown[];
  readonly exchanges: readonly Exchange[];
}

function repeat<T>(command: (ctx: TxContext) => Tx<T>, tape: Tape): Outcome<T> {
  let draws = 0;
  const context: TxContext = {
    now: tape.now,
    newId: () => String(tape.drawn[draws++]),
    random: () => Number(tape.drawn[draws++]),
    wrote: () => Boolean(tape.drawn[draws++]),
  };
  let at = 0;
  try {
    const transaction = command(context);
    let step = transaction.next();
    for (; step.done !== true; at++) {
      const exchange = tape.exchanges[at];
      if (exchange === undefined || !isDeepStrictEqual(copyOf(step.value), exchange.statements)) {
        throw new NotPure(at, step.value, exchange?.statements);
      }
      step = transaction.next(structuredClone(exchange.rows));
    }
    return { value: step.value };
  } catch (error) {
    if (error instanceof NotPure) throw error;
    return { error };
  }
}

class NotPure extends Error {
  constructor(at: number, again: TxStep, first: TxStep | undefined) {
    super(`not pure: statement ${at} was ${JSON.stringify(first)} and is ${JSON.stringify(again)} the second time`);
    this.name = "NotPure";
  }
}

function copyOf(step: TxStep): readonly Statement[] {
  return statementsOf(step).map(([sql, values = [], ...more]) => [sql, [...values], ...more]);
}

function sameOutcome<T>(a: Outcome<T>, b: Outcome<T>): boolean {
  if ("error" in a || "error" in b) return "error" in a && "error" in b && String(a.error) === String(b.error);
  return isDeepStrictEqual(a.value, b.value);
}
