import type { Context } from "hono";
import { BatonError, type ErrorCode, isOutdated } from "../base/errors.js";
import { InternalError } from "../dispatch/dispatch.js";
import type { Env } from "./env.js";

/** A refusal as RFC 9457 has it, with what a caller can act on: the code, the state, the next calls. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The id of the request, under which the server's log has it. */
  readonly instance: string;
  readonly [extension: string]: unknown;
}

const PROBLEM_TYPE = "application/problem+json";

const STATUSES: Readonly<Record<ErrorCode, number>> = {
  invalid_input: 400,
  not_permitted: 403,
  not_found: 404,
  conflict: 409,
  invalid_transition: 409,
  stale_token: 409,
  limit_exceeded: 429,
  unavailable: 503,
};

const TOO_LARGE = 413;
/** The server that a newer version has left behind never serves again: the same call goes to another. */
const ELSEWHERE = { after_ms: 1_000 } as const;

/** Returns the problem of a refusal by the engine or by dispatch. */
function problemOf(error: BatonError, request: string): ProblemDetails {
  const { code, message, details, retry, next } = error;
  const isTooLarge = code === "limit_exceeded" && details?.["bytes_max"] !== undefined;
  return problem(
    { code, status: isTooLarge ? TOO_LARGE : STATUSES[code], detail: message, request },
    { details, retry: isOutdated(error) ? ELSEWHERE : retry, next },
  );
}

/** A refusal that never reached dispatch. */
interface Refused {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly request: string;
}

/** Returns the problem of a refusal, with what else is known of it. */
function problem(
  { code, status, detail, request }: Refused,
  extensions: Readonly<Record<string, unknown>> = {},
): ProblemDetails {
  return {
    type: `urn:baton:problem:${code}`,
    title: code.replaceAll("_", " "),
    status,
    detail,
    instance: `urn:baton:request:${request}`,
    code,
    request_id: request,
    ...extensions,
  };
}

/** Answers a request with a problem. */
function answered(context: Context<Env>, details: ProblemDetails): Response {
  // Its statuses are those above; the framework's type is that of all there are.
  return context.body(JSON.stringify(details), details.status as 400, { "Content-Type": PROBLEM_TYPE });
}

/** Answers a request that was refused before dispatch. */
export function refused(context: Context<Env>, facts: Omit<Refused, "request">): Response {
  return answered(context, problem({ ...facts, request: context.get("request") }));
}

/** Answers with the problem of what was thrown, where it is a refusal or stands in the log already; throws what is neither. */
export function refusal(context: Context<Env>, error: unknown): Response {
  const request = context.get("request");
  if (error instanceof BatonError) return answered(context, problemOf(error, request));
  if (!(error instanceof InternalError)) throw error;
  return answered(context, problem({ code: "internal", status: 500, detail: error.message, request: error.requestId }));
}
