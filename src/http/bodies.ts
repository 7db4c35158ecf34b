import { setTimeout as after } from "node:timers/promises";
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Env } from "./env.js";
import { refused } from "./problems.js";

/** The time that a client has to go on writing a body that is refused. */
const LINGER_MS = 200;
const BODILESS = new Set(["GET", "HEAD"]);

/** Refuses a body of more bytes. One that says how long it is, which Node holds it to, is passed on unread. */
export function boundedBodies(bytesMax: number): MiddlewareHandler<Env> {
  const counting = bodyLimit({
    maxSize: bytesMax,
    onError: async (context: Context<Env>) => {
      await Promise.race([discarded(context.req.raw.body, bytesMax), after(LINGER_MS)]);
      // The rest of the body is not read, so nothing can follow it.
      context.header("Connection", "close");
      const detail = `The body is over ${bytesMax} bytes. Nothing was done.`;
      return refused(context, { code: "too_large", status: 413, detail });
    },
  });
  return (context, next) => {
    const { method } = context.req;
    const isWithin = BODILESS.has(method) || (declaredBytes(context) ?? Number.POSITIVE_INFINITY) <= bytesMax;
    // Looking at the body would make a request of the platform around Node's, which takes longer than all else here.
    return isWithin ? next() : counting(context, next);
  };
}

/** How many bytes a body is said to have; undefined where it comes in chunks. */
function declaredBytes({ req }: Context<Env>): number | undefined {
  const length = req.header("content-length");
  return length === undefined || req.header("transfer-encoding") !== undefined ? undefined : Number(length);
}

/** A request, with what its body holds where that was read already. */
export interface ParsedRequest {
  readonly request: Request;
  readonly body?: unknown;
}

/** Reads the body of a request that posts JSON; of one that posts something else, or breaks off, the reader is to say what is wrong with it. */
export async function withReadBody(request: Request): Promise<ParsedRequest> {
  if (request.method !== "POST") return { request };
  // A client that leaves while it writes has sent nothing.
  const text = await request.text().catch(() => "");
  try {
    return { request, body: JSON.parse(text) as unknown };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { request: new Request(request.url, { method: "POST", headers: request.headers, body: text }) };
  }
}

/** Reads some more of a body that is refused: a client that still writes when the connection closes does not see why. */
async function discarded(body: ReadableStream<Uint8Array> | null, bytes: number): Promise<void> {
  if (body === null || body.locked) return;
  const reader = body.getReader();
  let left = bytes;
  while (left > 0) {
    const read = await reader.read().catch(() => undefined);
    if (read?.value === undefined) return;
    left -= read.value.byteLength;
  }
}
