import { BatonError, codeOf } from "../../base/errors.js";
import { ConnectionLost } from "../driver/faults.js";
import type { TransientError } from "../driver/retry.js";
import { CommitUnknown, RestartTransaction } from "../tx.js";

// 57P01-57P05: shut down, crashed, starting up, database dropped, idle too long. 25P03: idle in a transaction. 08xxx: connection.
const LOST_STATES = /^(?:57P0\d|25P03|08\d{3})$/;
const LOST_SYSTEM =
  /^(?:ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT)$/;
// pg words these itself and gives them no code.
const LOST_WORDS =
  /^(?:Connection terminated|Client has encountered a connection error|Client was closed|timeout exceeded when trying to connect|timeout expired)/;

/** The connection is of no use any more; what it was doing may or may not have happened. */
export function isLost(error: unknown): boolean {
  if (error instanceof ConnectionLost) return true;
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isLost);
  const code = codeOf(error) ?? "";
  if (LOST_STATES.test(code) || LOST_SYSTEM.test(code)) return true;
  return error instanceof Error && LOST_WORDS.test(error.message);
}

/**
 * The server ends the session, and says so in the order of its answers: what follows the statement was not run. A pooler that lost
 * its server names no routine.
 */
export function isEndedByServer(error: unknown): boolean {
  return error instanceof Error && "routine" in error && error.routine === "ProcessInterrupts" && isLost(error);
}

// 40001 serialization, 40P01 deadlock, 55P03 lock timeout, 57014 statement timeout, 53300 too many connections.
const PASSING_STATES = /^(?:40001|40P01|55P03|57014|53300)$/;
const TOO_MANY = "53300";

export function transientErrorOf(error: unknown): TransientError {
  if (error instanceof RestartTransaction) return { reason: error.message, busy: true };
  if (isLost(error)) return LOST;
  if (isLostRace(error)) return { reason: "others did the same at the same time", busy: true };
  if (isStalePlan(error)) return { reason: "its schema is being changed" };
  const code = codeOf(error) ?? "";
  if (!PASSING_STATES.test(code)) return undefined;
  return { reason: "other transactions kept it busy", ...(code !== TOO_MANY && { busy: true }) };
}

/** For what may safely run again after it has committed. */
export function transientOrUnknown(error: unknown): TransientError {
  return error instanceof CommitUnknown ? LOST : transientErrorOf(error);
}

/** A server that has not been reached yet is more often named wrongly, or not started, than on its way back. */
const UNREACHED_MS = 3_000;
const UNREACHED = /^(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT)$/;

/** The verdict on an error while the database is opened. */
export function transientAtOpening(error: unknown): TransientError {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  const isUnreached = errors.every((one) => UNREACHED.test(codeOf(one) ?? ""));
  return isUnreached && isLost(error) ? { ...LOST, totalMs: UNREACHED_MS } : transientErrorOf(error);
}

const LOST = {
  reason: "it cannot be reached. Check that it is running, and that BATON_DATABASE_URL names it",
} as const;

/** Two made the same row at once: run again, the later finds what the earlier made. */
function isLostRace(error: unknown): boolean {
  if (codeOf(error) !== "23505" || !(error instanceof Error) || !("constraint" in error)) return false;
  return error.constraint === "runs_standing" || error.constraint === "requests_pkey";
}

/** A newer process added a column to what a prepared `SELECT *` gives: another connection prepares it afresh. */
export function isStalePlan(error: unknown): boolean {
  return codeOf(error) === "0A000" && error instanceof Error && error.message.includes("cached plan");
}

// oxfmt-ignore
const REFUSALS: readonly (readonly [state: RegExp, why: string])[] = [
  [/^28/, "it refuses this user or password. Check BATON_DATABASE_URL"],
  [/^3D000$/, "there is no such database. Create it, or check BATON_DATABASE_URL"],
  [/^42P01$/, "its tables are gone: it was reset or replaced while this process used it. Restart this server"],
  [/^42501$/, "this user may not do that there. Grant it CREATE on the schema, or use the owner"],
  [/^(?:53100|53200)$/, "the server is out of disk or memory; nothing was changed"],
  [/^25006$/, "it is read-only (a standby?). Name the primary in BATON_DATABASE_URL"],
];

/** Turns an error that a person can act on into `unavailable`; any other stays a bug. `location` bears no password. */
export function refusal(error: unknown, location: string): unknown {
  const state = codeOf(error) ?? "";
  const found = REFUSALS.find(([pattern]) => pattern.test(state));
  if (found === undefined) return error;
  return new BatonError("unavailable", `The database ${location} cannot be used: ${found[1]}.`, {
    details: { location, sqlstate: state },
    retry: { after_ms: 1_000 },
  });
}

/** The URL as it may be shown: without its password. Throws `BatonError` `unavailable` for one that cannot be read. */
export function shownLocation(url: string): string {
  // Not `new URL` in a try: its error carries the whole text, password included.
  if (!URL.canParse(url) || !/^postgres(?:ql)?:/.test(url)) {
    throw new BatonError(
      "unavailable",
      "BATON_DATABASE_URL is not a PostgreSQL URL: postgres://user:password@host:5432/database is expected.",
    );
  }
  const shown = new URL(url);
  shown.password = "";
  for (const name of ["password", "sslpassword"]) shown.searchParams.delete(name);
  return shown.href;
}
