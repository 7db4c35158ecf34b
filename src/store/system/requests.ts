import { hits, int, one, only, text } from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx, TxContext } from "../tx.js";

const REQUESTS = table("requests", {
  subject: text,
  requestId: text,
  operation: text,
  inputHash: text,
  /** JSON text. */
  result: text,
  at: int,
});
const KEYS = REQUESTS.pick("subject", "requestId");
const RECORDED = REQUESTS.pick("operation", "inputHash", "result");
/** The subject of a request, and its id. Two subjects may use the same id. */
export interface RequestKey extends RowOf<typeof KEYS> {}
/** The first input under an id, and its answer. */
export interface RecordedRequest extends RowOf<typeof RECORDED> {}

const INSERT = insertInto(REQUESTS);
const FIND = `SELECT ${RECORDED.columns} FROM requests WHERE subject = $1 AND request_id = $2`;

export function findRequest({ subject, requestId }: RequestKey): Tx<RecordedRequest | undefined> {
  return one(RECORDED.read, [FIND, [subject, requestId]]);
}

export function* recordRequest({ now }: TxContext, key: RequestKey, request: RecordedRequest): Tx<void> {
  yield INSERT([{ ...key, ...request, at: now }]);
}

/** When the oldest recorded request was made, in milliseconds since the epoch. */
export function* oldestRequestAt(): Tx<number | undefined> {
  return yield* one(only("at", int), ["SELECT at FROM requests ORDER BY at LIMIT 1"]);
}

/** Forgets at most `limit` requests made before `before`; says how many. */
export function* forgetRequests(before: number, limit: number): Tx<number> {
  return yield* hits([
    `DELETE FROM requests WHERE (subject, request_id) IN
       (SELECT subject, request_id FROM requests WHERE at < $1 ORDER BY at LIMIT $2)
     RETURNING request_id`,
    [before, limit],
  ]);
}
