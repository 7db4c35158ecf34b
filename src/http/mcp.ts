import { type Context, Hono } from "hono";
import { type ChangeFeed, changesIn } from "../engine/events/changes.js";
import { startFollowing } from "../engine/events/following.js";
import type { Visitor } from "./access/admission.js";
import { type ParsedRequest, withReadBody } from "./bodies.js";
import type { Env } from "./env.js";
import { refusal } from "./problems.js";
import type { StreamAnswers } from "./streams/answers.js";
import { follow } from "./streams/following.js";
import type { OpenHistory } from "./streams/open-streams.js";

/** Serves MCP to a visitor. */
export interface McpOverHttp {
  fetch(read: ParsedRequest, visitor: Visitor): Promise<Response>;
  /** Answers a subscription by the frames of its stream, which end with the news, or by what refuses it. */
  listen(
    read: ParsedRequest,
    visitor: Visitor,
    news: ChangeFeed,
  ): Promise<AsyncGenerator<string, undefined> | Response>;
}

export interface McpParts {
  readonly mcp: McpOverHttp;
  readonly streams: StreamAnswers;
  /** A stream without news gives a sign of life so often. */
  heartbeatMs(): number;
}

/** A request of protocol 2026-07-28 names its method here too; one whose body names another is refused. */
const METHOD_HEADER = "mcp-method";
const LISTEN = "subscriptions/listen";

/** MCP at one address: calls, and subscriptions, which follow the history with all other streams. */
export function mcpRoutes(parts: McpParts): Hono<Env> {
  const { mcp, streams } = parts;
  const routes = new Hono<Env>();
  routes.all("/mcp", async (context) => {
    const { raw } = context.req;
    const read = await withReadBody(raw);
    const listens = raw.method === "POST" && context.req.header(METHOD_HEADER) === LISTEN;
    return listens ? listening(context, read) : mcp.fetch(read, context.get("visitor"));
  });
  return routes;

  async function listening(context: Context<Env>, read: ParsedRequest): Promise<Response> {
    try {
      return await streams.answer(context, (history, signal) =>
        mcp.listen(read, context.get("visitor"), newsOf(history, signal)),
      );
    } catch (error) {
      return refusal(context, error);
    }
  }

  async function* newsOf(history: OpenHistory, signal: AbortSignal): ChangeFeed {
    const from = await history.reader.read((ctx) => startFollowing(ctx, {}));
    yield [];
    for await (const events of follow(history, from, { heartbeatMs: parts.heartbeatMs(), signal }))
      yield events.map(({ view }) => changesIn(view));
  }
}
