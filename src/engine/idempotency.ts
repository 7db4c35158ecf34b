import { ROWS_AT_ONCE_MAX } from "../base/limits.js";
import {
  findRequest,
  forgetRequests,
  oldestRequestAt,
  recordRequest,
  type RequestKey,
} from "../store/system/requests.js";
import type { Tx } from "../store/tx.js";
import type { EngineContext } from "./context.js";
import { BatonError } from "../base/errors.js";

/** A write that may come twice: the caller's own id, or one made for a database that can lose the answer to a commit. */
export interface WriteRequest extends RequestKey {
  readonly operation: string;
  /** The id as the caller wrote it. */
  readonly givenAs: string;
  /** `hashOfInput` of the operation's parsed input without `request_id`. */
  readonly inputHash: string;
}

/** `recorded`: the result stands under the request's id, since now or since an earlier call. */
export interface Done<T> {
  readonly result: T;
  readonly recorded: boolean;
}

/**
 * Does the work once per request: the same id with the same input returns the first result again, other input is
 * refused as `conflict`. The record is written in the transaction that does the work, so that a caller who does not
 * know whether a commit took effect finds out by asking again. Work that wrote nothing leaves no record: doing it again
 * changes nothing, and a waiting operation that polls in vain would otherwise wake every other one.
 */
export function* once<T>(ctx: EngineContext, request: WriteRequest, work: () => Tx<T>): Tx<Done<T>> {
  const earlier = yield* doneEarlier<T>(request);
  if (earlier !== undefined) return { result: earlier.result, recorded: true };
  const result = yield* work();
  const wrote = ctx.wrote();
  if (wrote) {
    const { operation, inputHash } = request;
    yield* recordRequest(ctx, request, { operation, inputHash, result: JSON.stringify({ result }) });
  }
  return { result, recorded: wrote };
}

/**
 * Returns the recorded result of a request that was done before. A read. Errors: `conflict` where the id stands for
 * other work.
 */
export function* doneEarlier<T>(request: WriteRequest): Tx<{ result: T } | undefined> {
  const recorded = yield* findRequest(request);
  if (recorded === undefined) return undefined;
  if (recorded.operation !== request.operation || recorded.inputHash !== request.inputHash) {
    throw new BatonError(
      "conflict",
      `request_id "${request.givenAs}" was used before for ${recorded.operation} with other input; nothing was done`,
      { details: { request_id: request.givenAs, operation: recorded.operation } },
    );
  }
  // Written by `once`, from a T. Wrapped, because JSON has no undefined.
  return JSON.parse(recorded.result) as { result: T };
}

/** Whether there is anything to forget. One read of an index. */
export function* anyOldRequest(ctx: EngineContext): Tx<boolean> {
  const oldest = yield* oldestRequestAt();
  return oldest !== undefined && oldest < ctx.now - ctx.settings.request_id_ttl_ms;
}

/** Forgets what is older than `request_id_ttl_ms`, a bounded number at a time; says how many. Part of the tick. */
export function* forgetOldRequests(ctx: EngineContext): Tx<number> {
  if (!(yield* anyOldRequest(ctx))) return 0;
  return yield* forgetRequests(ctx.now - ctx.settings.request_id_ttl_ms, ROWS_AT_ONCE_MAX);
}
