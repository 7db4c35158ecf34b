import type { ClientBase } from "pg";
import type { Answered, AttemptPoints } from "../driver/faults.js";
import {
  answerTo,
  CommitUnknown,
  MissedRows,
  NO_ROWS,
  type Row,
  type Statement,
  statementsOf,
  type TxStep,
} from "../tx.js";
import { type CallAnswer, BatchFailed, type Call, runBatch } from "./batch.js";
import { codeOf } from "../../base/errors.js";
import { isEndedByServer, isLost } from "./errors.js";
import { MISSED, preparedOf, textOf } from "./statements.js";

/** A statement sent to the server, and the point where a fault can strike: BEGIN has none. */
interface Sent {
  readonly call: Call;
  readonly point?: Statement | "COMMIT";
}

/** So many statements wait at most: what a large transaction writes does not pile up here. */
const WAITING_MAX = 32;
const COMMIT: Sent = { call: { ...textOf("COMMIT"), values: [] }, point: "COMMIT" };
const BEGIN = beginOf("BEGIN ISOLATION LEVEL READ COMMITTED");
const BEGIN_READ = beginOf("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
/** Travels with BEGIN: the transaction's time, and whether the schema is still one that this process understands. */
const OPENING = beginOf(
  "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now, (SELECT version FROM baton_schema) AS version",
);

function beginOf(text: string): Sent {
  return { call: { ...textOf(text), values: [] } };
}

/** The answer to BEGIN, and the rows of the step that travelled with it. */
export interface Begun {
  readonly now: number;
  readonly version: number;
  readonly rows: readonly Row[];
}

/**
 * The statements of one transaction on their way to the server. Those that give no rows wait and travel with the next that does, or
 * with COMMIT: they run in their order all the same, and one that fails keeps the rest and COMMIT from happening.
 */
export class PostgresTransaction {
  readonly #client: ClientBase;
  readonly #points: AttemptPoints | undefined;
  #waiting: Statement[] = [];
  #changed = false;

  constructor(client: ClientBase, points: AttemptPoints | undefined) {
    this.#client = client;
    this.#points = points;
  }

  /** Whether a statement has changed a row. */
  get changed(): boolean {
    return this.#changed;
  }

  get mayHaveChanged(): boolean {
    return this.#changed || this.#waiting.length > 0;
  }

  /** Begins the transaction, with its first step where that is known already. */
  async begin(kind: "write" | "read", first: TxStep | undefined): Promise<Begun> {
    const statements = first === undefined ? [] : statementsOf(first);
    const sent = [kind === "write" ? BEGIN : BEGIN_READ, OPENING, ...statements.map(sentOf)];
    const [, opening, ...answers] = await this.#send(sent);
    const [row] = opening?.rows ?? [];
    if (row === undefined) throw new Error("BEGIN gave no answer");
    const rows = answers.map((answer) => answer.rows);
    return {
      now: Number(row["now"]),
      version: Number(row["version"]),
      rows: first === undefined ? [] : answerTo(first, rows),
    };
  }

  /** Runs a step and returns what the transaction is handed for it. */
  async run(step: TxStep): Promise<readonly Row[]> {
    const statements = statementsOf(step);
    this.#waiting.push(...statements);
    const waits =
      this.#waiting.length < WAITING_MAX && !statements.some((statement) => preparedOf(statement).givesRows);
    if (waits)
      return answerTo(
        step,
        statements.map(() => NO_ROWS),
      );
    const answers = await this.#sendWaiting();
    return answerTo(
      step,
      answers.slice(answers.length - statements.length).map(({ rows }) => rows),
    );
  }

  /** Throws `CommitUnknown` where the connection ends before the answer has come. */
  async commit(): Promise<void> {
    const answers = await this.#sendWaiting(COMMIT);
    const tag = answers.at(-1)?.tag;
    // A transaction that has failed answers COMMIT with ROLLBACK.
    if (tag !== "COMMIT") throw new Error(`COMMIT was answered with ${tag}`);
  }

  #sendWaiting(...last: readonly Sent[]): Promise<readonly CallAnswer[]> {
    const waiting = this.#waiting;
    this.#waiting = [];
    return this.#send([...waiting.map(sentOf), ...last]);
  }

  async #send(sent: readonly Sent[]): Promise<readonly CallAnswer[]> {
    return this.#points === undefined ? this.#exchange(sent) : this.#watched(sent, this.#points);
  }

  /** The same, past the points of each statement: what stands before a fault, or before a hold, reaches the server. */
  async #watched(sent: readonly Sent[], points: AttemptPoints): Promise<readonly CallAnswer[]> {
    const commits = sent.at(-1) === COMMIT;
    const answers: CallAnswer[] = [];
    const answered: Answered[] = [];
    let unsent: Sent[] = [];
    let told = 0;
    const send = async (): Promise<void> => {
      answers.push(...(await this.#exchange(unsent)));
      unsent = [];
      for (; told < answers.length; told++) answered[told]?.(answers[told]?.rows ?? NO_ROWS);
    };
    for (const one of sent) {
      if (one.point !== undefined) {
        try {
          answered.push(points.before(one.point, commits));
        } catch (fault) {
          await this.#exchange(unsent);
          throw fault;
        }
        const held = points.held(one.point);
        if (held !== undefined) {
          await send();
          await held;
        }
      } else answered.push(() => undefined);
      unsent.push(one);
    }
    await send();
    return answers;
  }

  async #exchange(sent: readonly Sent[]): Promise<readonly CallAnswer[]> {
    if (sent.length === 0) return [];
    try {
      const answers = await runBatch(
        this.#client,
        sent.map(({ call }) => call),
      );
      this.#changed ||= answers.some(({ tag }, at) => changes(tag, sent[at]?.point));
      return answers;
    } catch (failed) {
      throw causeOf(failed, sent);
    }
  }
}

function sentOf(statement: Statement): Sent {
  return { call: { ...preparedOf(statement), values: statement[1] ?? [] }, point: statement };
}

const CHANGES = /^(?:INSERT 0|UPDATE|DELETE) [1-9]/;

function changes(tag: string, point: Sent["point"]): boolean {
  return CHANGES.test(tag) || hitsOf(point) !== undefined;
}

/** How many rows a statement must change, where it says so. */
function hitsOf(point: Sent["point"]): number | undefined {
  return point === "COMMIT" ? undefined : point?.[2];
}

/** Returns the error as if its statement had travelled alone. */
function causeOf(failed: unknown, sent: readonly Sent[]): unknown {
  if (!(failed instanceof BatchFailed)) return failed;
  const { cause, at } = failed;
  if (isLost(cause)) return mayHaveCommitted(failed, sent) ? new CommitUnknown(cause) : cause;
  const point = sent[at]?.point;
  const missed = point !== undefined && point !== "COMMIT" && hitsOf(point) !== undefined;
  return missed && codeOf(cause) === MISSED ? new MissedRows(point) : cause;
}

/** Whether a COMMIT stands in a batch that was lost, and the server did not say that it ended the session at an earlier statement. */
function mayHaveCommitted({ cause, at, sent: wasSent }: BatchFailed, sent: readonly Sent[]): boolean {
  const before = isEndedByServer(cause) && at < sent.length - 1;
  return wasSent && !before && sent.at(-1) === COMMIT;
}
