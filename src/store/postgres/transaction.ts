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
import { codeOf, isLost } from "./errors.js";
import { MISSED, preparedOf, textOf } from "./statements.js";

type Sent = Statement | "COMMIT";

/** So many statements wait at most: what a large transaction writes does not pile up here. */
const WAITING_MAX = 32;
const COMMIT: Call = { ...textOf("COMMIT"), values: [] };

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
    const answers = await this.#send(this.#waiting);
    return answerTo(
      step,
      answers.slice(answers.length - statements.length).map(({ rows }) => rows),
    );
  }

  /** Throws `CommitUnknown` where the connection ends before the answer has come. */
  async commit(): Promise<void> {
    const answers = await this.#send([...this.#waiting, "COMMIT"]);
    const tag = answers.at(-1)?.tag;
    // A transaction that has failed answers COMMIT with ROLLBACK.
    if (tag !== "COMMIT") throw new Error(`COMMIT was answered with ${tag}`);
  }

  async #send(sent: readonly Sent[]): Promise<readonly CallAnswer[]> {
    this.#waiting = [];
    return this.#points === undefined ? this.#exchange(sent) : this.#watched(sent, this.#points);
  }

  /** The same, past the points of each statement: what stands before a fault, or before a hold, reaches the server. */
  async #watched(sent: readonly Sent[], points: AttemptPoints): Promise<readonly CallAnswer[]> {
    const commits = sent.at(-1) === "COMMIT";
    const answers: CallAnswer[] = [];
    const answered: Answered[] = [];
    let unsent: Sent[] = [];
    let told = 0;
    const send = async (): Promise<void> => {
      answers.push(...(await this.#exchange(unsent)));
      unsent = [];
      for (; told < answers.length; told++) answered[told]?.(answers[told]?.rows ?? NO_ROWS);
    };
    for (const statement of sent) {
      try {
        answered.push(points.before(statement, commits));
      } catch (fault) {
        await this.#exchange(unsent);
        throw fault;
      }
      const held = points.held(statement);
      if (held !== undefined) {
        await send();
        await held;
      }
      unsent.push(statement);
    }
    await send();
    return answers;
  }

  async #exchange(sent: readonly Sent[]): Promise<readonly CallAnswer[]> {
    if (sent.length === 0) return [];
    try {
      const answers = await runBatch(this.#client, sent.map(callOf));
      this.#changed ||= answers.some(({ tag }, at) => changes(tag, sent[at]));
      return answers;
    } catch (failed) {
      throw causeOf(failed, sent);
    }
  }
}

function callOf(sent: Sent): Call {
  return sent === "COMMIT" ? COMMIT : { ...preparedOf(sent), values: sent[1] ?? [] };
}

const CHANGES = /^(?:INSERT 0|UPDATE|DELETE) [1-9]/;

function changes(tag: string, sent: Sent | undefined): boolean {
  return CHANGES.test(tag) || (sent !== undefined && sent !== "COMMIT" && sent[2] !== undefined);
}

/** What has gone wrong, as if the statement had travelled alone. */
function causeOf(failed: unknown, sent: readonly Sent[]): unknown {
  if (!(failed instanceof BatchFailed)) return failed;
  const { cause, at } = failed;
  if (isLost(cause)) return sent.at(-1) === "COMMIT" ? new CommitUnknown(cause) : cause;
  const statement = sent[at];
  const missed = statement !== undefined && statement !== "COMMIT" && statement[2] !== undefined;
  return missed && codeOf(cause) === MISSED ? new MissedRows(statement) : cause;
}
