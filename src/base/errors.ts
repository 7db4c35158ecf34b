/** Every way in which an operation can refuse. Anything else that is thrown is a bug. */
export const ERROR_CODES = [
  "invalid_input",
  "not_found",
  "conflict",
  "invalid_transition",
  "stale_token",
  "limit_exceeded",
  "not_permitted",
  "unavailable",
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** When the same call can succeed: never as it stands, at once with the same input, or after so many milliseconds. */
export type RetryAdvice = "never" | "same_input" | { after_ms: number };

/** A complete call that makes sense next: a listed tool and its arguments. */
export interface NextCall {
  tool: string;
  arguments: Record<string, unknown>;
}

/** The next call of an operation that is not among the listed tools. */
export function callOperation(name: string, args: Record<string, unknown>): NextCall {
  return { tool: "call_operation", arguments: { name, arguments: args } };
}

export interface ErrorFacts {
  /** The current state of what the call was about, as plain data. */
  details?: Record<string, unknown>;
  retry?: RetryAdvice;
  next?: NextCall[];
}

/** A refusal the caller can act on: what happened, the state as it is, the next call. */
export class BatonError extends Error {
  readonly code: ErrorCode;
  readonly details: Record<string, unknown> | undefined;
  readonly retry: RetryAdvice;
  readonly next: readonly NextCall[];

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message);
    this.name = "BatonError";
    this.code = code;
    this.details = facts.details;
    this.retry = facts.retry ?? "never";
    this.next = facts.next ?? [];
  }
}

/** The code of an error: of Baton's own, of Node's, or of the operating system, such as `ENOENT`. Undefined without one. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(codeOf(error) ?? "");
}

/** Undefined in place of an error with one of these codes. */
export async function unlessCode<T>(work: Promise<T>, ...codes: readonly string[]): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, ...codes)) return undefined;
    throw error;
  }
}

/** Returns the error to show where a module of this program, loaded on first use, is no longer on disk; undefined for any other error. */
export function programReplaced(error: unknown): BatonError | undefined {
  // Of `import` and of `require`.
  if (!hasCode(error, "ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND")) return undefined;
  const message =
    "Baton was updated or removed on this machine after this server had started, and a part that this call needs is no longer there. Ask the person to restart this MCP server in their client.";
  return new BatonError("unavailable", message);
}

/** Whether a newer version has moved the schema on: this process is of no use for the database any more. */
export function isOutdated(error: unknown): boolean {
  if (!(error instanceof BatonError)) return false;
  const { schema_version: version, understood } = error.details ?? {};
  return Number(version) > Number(understood);
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
