import { CommitUnknown, type Row, type Statement } from "../tx.js";

/**
 * What can go wrong at a point of a transaction, after temporalio's faultinjection: the process dies before or after
 * the statement, the connection breaks before it, or the statement succeeds and its answer never comes.
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

/** The points of one try. `before` and `after` stand around each statement and throw what strikes there. */
export class AttemptPoints {
  readonly #hooks: StoreHooks;
  readonly #attempt: number;
  readonly #crash: () => Crashed;
  #index = -1;
  #fault: Fault | undefined;

  constructor(hooks: StoreHooks, attempt: number, crash: () => Crashed) {
    this.#hooks = hooks;
    this.#attempt = attempt;
    this.#crash = crash;
  }

  before(statement: StorePoint["statement"]): void {
    this.#index += 1;
    this.#fault = this.#hooks.fault?.({ attempt: this.#attempt, index: this.#index, statement });
    if (this.#fault === "crash") throw this.#crash();
    if (this.#fault === "disconnect") throw lost(statement);
  }

  /** To be awaited between `before` and the statement, by a driver whose transactions can wait. */
  held(statement: StorePoint["statement"]): Promise<void> | undefined {
    return this.#hooks.hold?.({ attempt: this.#attempt, index: this.#index, statement });
  }

  after(statement: StorePoint["statement"], rows: readonly Row[]): void {
    this.#hooks.observe?.({ attempt: this.#attempt, index: this.#index, statement }, rows);
    if (this.#fault === "crash_after") throw this.#crash();
    if (this.#fault === "lose_answer") throw lost(statement);
  }
}

/** Whoever loses a connection at COMMIT cannot know on which side of it that was. */
function lost(statement: StorePoint["statement"]): Error {
  return statement === "COMMIT" ? new CommitUnknown() : new ConnectionLost();
}
