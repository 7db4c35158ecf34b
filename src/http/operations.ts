import { type Context, Hono } from "hono";
import { BatonError } from "../base/errors.js";
import { isObject, type JsonObject } from "../base/json.js";
import type { Dispatch } from "../dispatch/dispatch.js";
import type { CallerAccess } from "../engine/context.js";
import type { OpenCalls } from "../runtime/waiting.js";
import type { Operation } from "../dispatch/operation.js";
import { catalogue } from "../tools/registry.js";
import { DOCUMENTED, DOCUMENTED_ROOT, noSuchAddress } from "./documented.js";
import { openApi } from "./openapi.js";
import { refusal } from "./problems.js";
import type { Env } from "./env.js";

export interface OperationParts {
  readonly version: string;
  /** The way into the operations for a client of this name, with these rights. */
  dispatch(client: string, access?: CallerAccess): Promise<Dispatch>;
  readonly calls: Pick<OpenCalls, "during" | "isStopping">;
  newRequestId(): string;
}

/** The client of a program that names no agent. */
export const CLIENT = "api";

/** Every operation at an address of its own, by its name or an alias, and some at those of the founding documents too. */
export function operationRoutes(parts: OperationParts): Hono<Env> {
  const routes = new Hono<Env>();
  let document: string | undefined;
  routes.get("/openapi.json", (context) => {
    document ??= JSON.stringify(openApi(catalogue, parts.version));
    return context.body(document, 200, { "Content-Type": "application/json" });
  });
  const answer = async (context: Context<Env>, { name, given }: AskedOperation) => {
    try {
      const input = withKey(await given(context), catalogue.find(name), context.req.header("idempotency-key"));
      const dispatch = await parts.dispatch(CLIENT, context.get("visitor").access);
      const origin = { transport: "rest", traceparent: context.req.header("traceparent") } as const;
      const call = (signal: AbortSignal) => dispatch.call(name, input, { signal, origin });
      const { result } = await parts.calls.during(context.req.raw.signal, call);
      return context.json(result);
    } catch (error) {
      return refusal(context, error);
    }
  };
  routes.post("/operations/:name", (context) => answer(context, { name: context.req.param("name"), given: bodyOf }));
  for (const { method, path, operation: name, implied } of DOCUMENTED) {
    const read = method === "GET" ? queryOf : bodyOf;
    const given = async (context: Context<Env>) => ({ ...implied, ...(await read(context)) });
    routes.on(method, `${DOCUMENTED_ROOT}/${path}`, (context) => answer(context, { name, given }));
  }
  routes.all(`${DOCUMENTED_ROOT}/*`, (context) =>
    refusal(context, noSuchAddress(context.req.method, context.req.path)),
  );
  return routes;
}

interface AskedOperation {
  readonly name: string;
  readonly given: (context: Context<Env>) => Promise<JsonObject>;
}

function queryOf(context: Context<Env>): Promise<JsonObject> {
  return Promise.resolve(context.req.query());
}

/** The input in the body of a request. Errors: `invalid_input`. */
async function bodyOf(context: Context<Env>): Promise<JsonObject> {
  requireJson(context.req.header("content-type"));
  return inputOf(await context.req.text());
}

/** A page of another site can send any other type without asking the browser's leave. Errors: `invalid_input`. */
function requireJson(type = ""): void {
  if (/^application\/json *(;|$)/i.test(type)) return;
  const message = "The body is JSON: send it as Content-Type: application/json. Nothing was done.";
  throw new BatonError("invalid_input", message);
}

/** The input of a call: a JSON object; nothing stands for an empty one. */
function inputOf(body: string): JsonObject {
  const value = body.trim() === "" ? {} : parsed(body);
  if (isObject(value)) return value;
  throw new BatonError("invalid_input", "The body is the input of the operation: one JSON object. Nothing was done.");
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new BatonError("invalid_input", `The body is no JSON: ${error.message}. Nothing was done.`);
  }
}

/** The header that others use for it is the request id of a write, unless the input has one. */
function withKey(input: JsonObject, operation: Operation | undefined, key: string | undefined): JsonObject {
  const isTaken = key !== undefined && operation !== undefined && "request_id" in operation.input.shape;
  return isTaken ? { request_id: key, ...input } : input;
}
