import { BatonError, programReplaced } from "../../base/errors.js";
import type { Logger } from "../../runtime/logger.js";

/** An answer in JSON-RPC's own form: the SDK sends `code`, `message` and `data` as they stand here. */
export class Refusal extends Error {
  readonly code: number;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: number, message: string, data: Readonly<Record<string, unknown>>) {
    super(message);
    this.name = "Refusal";
    this.code = code;
    this.data = data;
  }
}

/** MCP: the resource asked for is not there. */
export const RESOURCE_NOT_FOUND = -32002;
export const INVALID_PARAMS = -32602;
const INTERNAL_ERROR = -32603;

export interface RefusalParts {
  readonly logger: Logger;
  /** JSON-RPC's code for an address or a reference that leads nowhere. */
  readonly notFound: typeof RESOURCE_NOT_FOUND | typeof INVALID_PARAMS;
  /** The address that was asked for. */
  readonly uri?: string;
  newRequestId(): string;
}

/** Where a request is no tool call, there is no result that could say what is wrong: it becomes an error of the protocol. */
export async function orRefuse<T>(parts: RefusalParts, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const known = error instanceof BatonError ? error : programReplaced(error);
    if (known) throw refusalOf(known, parts);
    const request = parts.newRequestId();
    parts.logger.error("a request failed", { request, error });
    const message = `Internal error: the request failed. The server's log has the details under ${request}.`;
    throw new Refusal(INTERNAL_ERROR, message, { request });
  }
}

function refusalOf(
  { code, message, details, retry, next }: BatonError,
  { notFound, uri }: Pick<RefusalParts, "notFound" | "uri">,
): Refusal {
  const codes = { not_found: notFound, invalid_input: INVALID_PARAMS } as const;
  const number = code in codes ? codes[code as keyof typeof codes] : INTERNAL_ERROR;
  return new Refusal(number, message, { code, ...(uri && { uri }), ...(details && { details }), retry, next });
}
