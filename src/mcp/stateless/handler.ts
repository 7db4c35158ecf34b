import {
  type AuthInfo,
  CLIENT_INFO_META_KEY,
  createMcpHandler,
  Server,
  type ServerContext,
  type Tool,
} from "@modelcontextprotocol/server";
import { isObject } from "../../base/json.js";
import type { CallerAccess } from "../../engine/context.js";
import type { Dispatch } from "../../dispatch/dispatch.js";
import type { Reader } from "../../resources/resource.js";
import type { Logger } from "../../runtime/logger.js";
import type { OpenCalls } from "../../runtime/waiting.js";
import { instructionsFor } from "../instructions.js";
import { type ProgressNotification, progressReporter } from "../notifications.js";
import { callTool } from "../tool-call.js";
import { shownTools } from "../tool-list.js";
import { traceparentOf } from "../trace-context.js";
import { INVALID_PARAMS, orRefuse, RESOURCE_NOT_FOUND } from "../transport/refusals.js";
import { promptList, composedPrompt } from "../browsing/prompts.js";
import { readContents, resourceList, templateList } from "../browsing/resources.js";
import { completed } from "../browsing/completions.js";

export interface StatelessParts {
  readonly version: string;
  /** Areas listed beside the default tools, or `all`. */
  readonly toolsets: readonly string[];
  /** Whether the process only reads. */
  readonly readOnly: boolean;
  readonly logger: Logger;
  /** The way into the operations for a client of this name, with these rights. */
  dispatch(client: string, access?: CallerAccess): Promise<Dispatch>;
  reader(): Promise<Reader>;
  /** Largest body, in bytes. */
  readonly bodyBytesMax: number;
  readonly calls: Pick<OpenCalls, "during">;
  /** Makes the id under which a failure in the log is found again. */
  newRequestId(): string;
}

/** MCP over HTTP, as a function from a request to its answer. */
export interface StatelessHandler {
  fetch(request: Request, access: CallerAccess | undefined): Promise<Response>;
  close(): Promise<void>;
}

/** A client of the earlier protocol names itself once, in a request of which nothing is kept. */
const NAMELESS = `Over this connection your calls do not say who you are: pass "agent": "YOUR-NAME" in every call, or you share tasks and locks with every other client that does not.`;

/** How long a client may keep a list that changes with an update of this program alone. */
const LISTS_MS = 3_600_000;
const LIST = { ttlMs: LISTS_MS, cacheScope: "public" } as const;
const CACHED = {
  "tools/list": LIST,
  "prompts/list": LIST,
  "resources/list": LIST,
  "resources/templates/list": LIST,
  "server/discover": LIST,
} as const;

/**
 * Serves MCP where nothing is kept between two requests: protocol 2026-07-28, and clients of 2025-11-25 without elicitation and
 * subscriptions. The SDK makes a server for each request.
 */
export function statelessHandler(parts: StatelessParts): StatelessHandler {
  let tools: Promise<Tool[]> | undefined;
  // A line of the list is a tool, made by the build that made this code.
  const toolOf = (line: string) => JSON.parse(line) as Tool;
  const listed = () => (tools ??= shownTools(parts).then((lines) => lines.map(toolOf)));
  const instructions = instructionsFor(parts);
  const handler = createMcpHandler(
    ({ era }) => {
      // oxlint-disable-next-line typescript/no-deprecated -- meant for advanced use: the other publishes larger schemas
      const server = new Server(
        { name: "baton", title: "Baton", version: parts.version },
        {
          capabilities: { tools: {}, resources: {}, prompts: {}, completions: {} },
          instructions: era === "legacy" ? `${instructions}\n\n${NAMELESS}` : instructions,
          cacheHints: CACHED,
        },
      );
      server.setRequestHandler("tools/list", async () => ({ tools: await listed() }));
      server.setRequestHandler("tools/call", async ({ params }, context) => {
        const client = clientOf(context);
        const dispatch = await orRefuse({ ...parts, notFound: INVALID_PARAMS }, () =>
          parts.dispatch(client, accessOf(context)),
        );
        const progress = progressOf(context, parts.logger);
        return parts.calls.during(context.mcpReq.signal, (signal) => {
          const origin = { transport: "mcp_http", traceparent: traceparentOf(context.mcpReq._meta) } as const;
          const options = { signal, origin, ...(progress && { progress }) };
          return callTool(dispatch, { name: params.name, arguments: params.arguments ?? {}, options });
        });
      });
      serveBrowsing(server, parts);
      return server;
    },
    {
      onerror: (error) => parts.logger.debug("protocol", { error }),
      maxRequestBodySize: parts.bodyBytesMax,
    },
  );
  return {
    fetch: (request, access) => handler.fetch(request, access === undefined ? {} : { authInfo: authInfoOf(access) }),
    close: () => handler.close(),
  };
}

/** The SDK takes along who was let in; it checks nothing of it. */
function authInfoOf(access: CallerAccess): AuthInfo {
  return { token: "", clientId: access.id, scopes: [], extra: { access } };
}

function accessOf({ http }: ServerContext): CallerAccess | undefined {
  // Made by `authInfoOf`.
  return http?.authInfo?.extra?.["access"] as CallerAccess | undefined;
}

/** The client names itself in each request of the new protocol, and in none of the old one. */
function clientOf({ mcpReq }: ServerContext): string {
  const envelope: Readonly<Record<string, unknown>> = mcpReq.envelope ?? {};
  const info = envelope[CLIENT_INFO_META_KEY];
  const name = isObject(info) ? info["name"] : undefined;
  return typeof name === "string" ? name : "agent";
}

function progressOf({ mcpReq }: ServerContext, logger: Logger) {
  const channel = {
    token: mcpReq._meta?.progressToken,
    send: (notification: ProgressNotification) => mcpReq.notify(notification),
  };
  return progressReporter(channel, (error) => logger.debug("progress could not be sent", { error }));
}

// oxlint-disable-next-line typescript/no-deprecated -- as above
function serveBrowsing(server: Server, parts: StatelessParts): void {
  const aboutResources = { ...parts, notFound: RESOURCE_NOT_FOUND } as const;
  const aboutPrompts = { ...parts, notFound: INVALID_PARAMS } as const;
  server.setRequestHandler("resources/list", () => resourceList());
  server.setRequestHandler("resources/templates/list", () => templateList());
  server.setRequestHandler("resources/read", ({ params }) =>
    orRefuse(aboutResources, async () => readContents(await parts.reader(), params.uri)),
  );
  server.setRequestHandler("prompts/list", () => promptList());
  server.setRequestHandler("prompts/get", ({ params }) =>
    orRefuse(aboutPrompts, async () =>
      composedPrompt(await parts.reader(), { name: params.name, arguments: params.arguments ?? {} }),
    ),
  );
  server.setRequestHandler("completion/complete", ({ params }) =>
    orRefuse(aboutPrompts, async () => completed(await parts.reader(), params)),
  );
}
