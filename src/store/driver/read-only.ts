import { BatonError } from "../../base/errors.js";
import { SCHEMA_VERSION } from "../migrations/index.js";
import type { Store } from "../tx.js";

/** A process that only reads makes no schema. */
export function olderSchema(version: number): BatonError {
  const message = `The database has schema ${version}, and this process needs ${SCHEMA_VERSION} but is read-only: start one without --read-only first, which brings it up to date.`;
  return new BatonError("unavailable", message, { details: { schema_version: version, understood: SCHEMA_VERSION } });
}

export function readOnlyDatabase(): BatonError {
  const message = "This process is read-only (--read-only, or BATON_READ_ONLY); nothing was written.";
  return new BatonError("not_permitted", message, { details: { read_only: true } });
}

/** The same store for queries alone: a command is refused before it begins. */
export function readOnlyStore(store: Store): Store {
  return {
    info: store.info,
    transact: () => Promise.reject(readOnlyDatabase()),
    read: (query) => store.read(query),
    snapshot: (query) => store.snapshot(query),
    onWake: (listener) => store.onWake(listener),
    reclaim: () => Promise.resolve(false),
    close: () => store.close(),
  };
}
