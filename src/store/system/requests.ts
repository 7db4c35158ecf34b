import { text } from "../rows.js";
import type { Tx, TxContext } from "../tx.js";

/** The subject of a request, and its id. Two subjects may use the same id. */
export interface RequestKey {
  readonly subject: string;
  readonly requestId: string;
}

/** The first input under an id, and its answer. */
export interface RecordedRequest {
  readonly operation: string;
  readonly inputHash: string;
  /** JSON text. */
  readonly result: string;
}

export function* findRequest(key: RequestKey): Tx<RecordedRequest | undefined> {
  const [row] = yield [
    "SELECT operation, input_hash, result FROM requests WHERE subject = $1 AND request_id = $2",
    [key.subject, key.requestId],
  ];
  if (row === undefined) return undefined;
  return { operation: text(row, "operation"), inputHash: text(row, "input_hash"), result: text(row, "result") };
}

export function* recordRequest(ctx: TxContext, key: RequestKey, request: RecordedRequest): Tx<void> {
  yield [
    "INSERT INTO requests (subject, request_id, operation, input_hash, result, at) VALUES ($1, $2, $3, $4, $5, $6)",
    [key.subject, key.requestId, request.operation, request.inputHash, request.result, ctx.now],
  ];
}

/** When the oldest recorded request was made, in milliseconds since the epoch. */
export function* oldestRequestAt(): Tx<number | undefined> {
  const [row] = yield ["SELECT at FROM requests ORDER BY at LIMIT 1"];
  return typeof row?.at === "number" ? row.at : undefined;
}

/** Forgets at most `limit` requests made before `before`; says how many. */
export function* forgetRequests(before: number, limit: number): Tx<number> {
  const gone = yield [
    `DELETE FROM requests WHERE (subject, request_id) IN
       (SELECT subject, request_id FROM requests WHERE at < $1 ORDER BY at LIMIT $2)
     RETURNING request_id`,
    [before, limit],
  ];
  return gone.length;
}
