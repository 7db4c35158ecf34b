import {
  type AuthInfo,
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  Server,
  type ServerContext,
  type SubscriptionFilter,
  type Tool,
} from "@modelcontextprotocol/server";
import { isObject } from "../../base/json.js";
import type { CallerAccess } from "../../engine/context.js";
import type { ChangeFeed } from "../../engine/events/changes.js";
import type { Dispatch } from "../../dispatch/dispatch.js";
import type { Reader } from "../../resources/resource.js";
import type { Logger } from "../../runtime/logger.js";
import type { OpenCalls } from "../../runtime/waiting.js";
import { showsApps } from "../apps.js";
import { instructionsFor } from "../instructions.js";
import { type ProgressNotification, progressReporter } from "../notifications.js";
import type { RemoteElicitationHost } from "../elicitation/elicitation-host.js";
import { callTool } from "../tool-call.js";
import { shownTools } from "../tool-list.js";
import { traceparentOf } from "../trace-context.js";
import { INVALID_PARAMS, orRefuse, RESOURCE_NOT_FOUND } from "../transport/refusals.js";
import { promptList, composedPrompt } from "../browsing/prompts.js";
import { readContents, resourceList, templateList } from "../browsing/resources.js";
import { completed } from "../browsing/completions.js";
import { inputFor } from "./questions.js";
import { subscriptionTo } from "./subscriptions.js";
import { type McpRequest, statelessTransport } from "./transport.js";

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
  /** Open questions for the person at an attended client of this name. */
  elicitationHost(client: string, access: CallerAccess): Promise<RemoteElicitationHost>;
  /** Largest body, in bytes. */
  readonly bodyBytesMax: number;
  readonly calls: Pick<OpenCalls, "during">;
  /** Makes the id under which a failure in the log is found again. */
  newRequestId(): string;
}

/** MCP over HTTP, as a function from a request to its answer. */
export interface StatelessHandler {
  fetch(read: McpRequest, access: CallerAccess | undefined): Promise<Response>;
  /** Answers a subscription by the frames of its stream, or by what refuses it. The news end it. */
  listen(
    read: McpRequest,
    access: CallerAccess | undefined,
    news: ChangeFeed,
  ): Promise<AsyncGenerator<string, undefined> | Response>;
  close(): Promise<void>;
}

/** A client of the earlier protocol names itself once, in a request of which nothing is kept, and can be sent nothing but answers. */
const EARLIER = `Over this connection your calls do not say who you are: pass "agent": "YOUR-NAME" in every call, or you share tasks and locks with every other client that does not. It has no subscriptions and asks your user nothing: wait_for waits for events, and a person decides at a terminal or on the dashboard.`;

/** Lists change with an update of this program alone, after which a client has to connect anew. */
const CAPABILITIES = { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {} } as const;

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
  // A line of the list is a tool, made by the build that made this code.
  const toolOf = (line: string) => JSON.parse(line) as Tool;
  const lists = new Map<boolean, Promise<Tool[]>>();
  const listed = (listsApps: boolean) => {
    const list =
      lists.get(listsApps) ?? shownTools({ ...parts, showsApps: listsApps }).then((lines) => lines.map(toolOf));
    lists.set(listsApps, list);
    return list;
  };
  const instructions = instructionsFor(parts);
  const transport = statelessTransport({
    ...parts,
    make: ({ era }) => {
      // oxlint-disable-next-line typescript/no-deprecated -- meant for advanced use: the other publishes larger schemas
      const server = new Server(
        { name: "baton", title: "Baton", version: parts.version },
        {
          capabilities: era === "legacy" ? { ...CAPABILITIES, resources: {} } : CAPABILITIES,
          instructions: era === "legacy" ? `${instructions}\n\n${EARLIER}` : instructions,
          cacheHints: CACHED,
        },
      );
      // A client of the earlier protocol has said what it shows in a request of which nothing is kept; one that shows no pages passes over them.
      const listsApps = (context: ServerContext) => era === "legacy" || showsApps(capabilitiesOf(context));
      server.setRequestHandler("tools/list", async (_, context) => ({ tools: await listed(listsApps(context)) }));
      server.setRequestHandler("resources/list", (_, context) => resourceList(listsApps(context)));
      server.setRequestHandler("tools/call", async ({ params }, context) => {
        const [client, access, input] = [clientOf(context), accessOf(context), params.arguments ?? {}];
        const about = { ...parts, notFound: INVALID_PARAMS } as const;
        if (access !== undefined && isAsked(access, context) && !parts.readOnly) {
          const open = () => parts.elicitationHost(client, access);
          const { inputResponses: responses } = context.mcpReq;
          const call = { input, responses, state: context.mcpReq.requestState<string>() };
          const asked = await orRefuse(about, () => inputFor(open, call));
          if (asked !== undefined) return asked;
        }
        const dispatch = await orRefuse(about, () => parts.dispatch(client, access));
        const progress = progressOf(context, parts.logger);
        return parts.calls.during(context.mcpReq.signal, (signal) => {
          const origin = { transport: "mcp_http", traceparent: traceparentOf(context.mcpReq._meta) } as const;
          const options = { signal, origin, ...(progress && { progress }) };
          return callTool(dispatch, { name: params.name, arguments: input, options });
        });
      });
      serveBrowsing(server, parts);
      return server;
    },
  });
  return {
    fetch: (read, access) => transport.fetch(read, access && authInfoOf(access)),
    listen: (read, access, news) => {
      const subscribe = async (filter: SubscriptionFilter) => subscriptionTo(await parts.reader(), filter, news);
      return transport.listen(read, subscribe, access && authInfoOf(access));
    },
    close: () => transport.close(),
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

/** Whether a person sits at the client, by its token, and the client can show them a form. */
function isAsked(access: CallerAccess, context: ServerContext): boolean {
  if (access.attended !== true) return false;
  const capabilities = capabilitiesOf(context);
  const elicitation = isObject(capabilities) ? capabilities["elicitation"] : undefined;
  // A client that names no kind of its own can show forms.
  return isObject(elicitation) && (isObject(elicitation["form"]) || Object.keys(elicitation).length === 0);
}

function capabilitiesOf({ mcpReq }: ServerContext): unknown {
  const envelope: Readonly<Record<string, unknown>> = mcpReq.envelope ?? {};
  return envelope[CLIENT_CAPABILITIES_META_KEY];
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
  server.setRequestHandler("resources/templates/list", () => templateList());
  server.setRequestHandler("resources/read", ({ params }) =>
    orRefuse({ ...aboutResources, uri: params.uri }, async () => readContents(() => parts.reader(), params.uri)),
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
