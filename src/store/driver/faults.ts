import { CommitUnknown, type Row, type Statement } from "../tx.js";

/**
 * Faults at a point of a transaction, after temporalio's faultinjection: the process dies before or after the
 * statement, the connection breaks before it, or the statement succeeds and its answer never comes.
 */
export type Fault = "crash" | "crash_after" | "disconnect" | "lose_answer";

/** A place where a fault can strike: each statement of a try, in order, and its COMMIT. */
export interface StorePoint {
  /** Counts the tries of this store's transactions, reads included, from 1. */
  readonly attempt: number;
  /** Counts within the try, from 0. */
  readonly index: number;
  readonly statement: Statement | "COMMIT";
}

/** Looked at by tests only; a store without hooks pays nothing for them. */
export interface StoreHooks {
  /** Asked before each point. Undefined lets it pass. */
  fault?(point: StorePoint): Fault | undefined;
  /** Asked before each point; PostgreSQL's transaction then waits there, so that a test can do something else meanwhile. */
  hold?(point: StorePoint): Promise<void> | undefined;
  /** Told what each statement answered. */
  observe?(point: StorePoint, rows: readonly Row[]): void;
  /** Milliseconds to use instead of PostgreSQL's own clock, so that both databases can replay one history. */
  now?(): number;
}

/** The process is taken to be dead: nothing of this store runs any more, as after `kill -9`. */
export class Crashed extends Error {
  constructor() {
    super("the process crashed here (injected fault)");
    this.name = "Crashed";
  }
}

/** The connection broke. Before COMMIT the transaction is gone; see `CommitUnknown` for the rest. */
export class ConnectionLost extends Error {
  constructor(cause?: unknown) {
    super("the connection to the database was lost", { cause });
    this.name = "ConnectionLost";
  }
}

/** The points of one store, as its driver passes them. */
export class FaultPoints {
  readonly #hooks: StoreHooks;
  #attempts = 0;
  #crashed = false;

  constructor(hooks: StoreHooks) {
    this.#hooks = hooks;
  }

  /** A new try of a transaction. Throws `Crashed` once the process is taken to be dead. */
  attempt(): AttemptPoints {
    if (this.#crashed) throw new Crashed();
    this.#attempts += 1;
    return new AttemptPoints(this.#hooks, this.#attempts, () => {
      this.#crashed = true;
      return new Crashed();
    });
  }
}

/** Told the rows of a statement whose point was passed; throws what strikes after it. */
export type Answered = (rows: readonly Row[]) => void;

/** The points of one try. */
export class AttemptPoints {
  readonly #hooks: StoreHooks;
  readonly #attempt: number;
  readonly #crash: () => Crashed;
  #index = -1;

  constructor(hooks: StoreHooks, attempt: number, crash: () => Crashed) {
    this.#hooks = hooks;
    this.#attempt = attempt;
    this.#crash = crash;
  }

  /** Passes a statement and throws what strikes before it. `commits`: COMMIT is sent together with it. */
  before(statement: StorePoint["statement"], commits = statement === "COMMIT"): Answered {
    this.#index += 1;
    const point: StorePoint = { attempt: this.#attempt, index: this.#index, statement };
    const fault = this.#hooks.fault?.(point);
    if (fault === "crash") throw this.#crash();
    if (fault === "disconnect") throw lost(commits);
    return (rows) => {
      this.#hooks.observe?.(point, rows);
      if (fault === "crash_after") throw this.#crash();
      if (fault === "lose_answer") throw lost(commits);
    };
  }

  /** To be awaited between `before` and the statement, by a driver whose transactions can wait. */
  held(statement: StorePoint["statement"]): Promise<void> | undefined {
    return this.#hooks.hold?.({ attempt: this.#attempt, index: this.#index, statement });
  }
}

/** A connection that is lost once COMMIT is sent leaves unknown on which side of it that was. */
function lost(commits: boolean): Error {
  return commits ? new CommitUnknown() : new ConnectionLost();
}
