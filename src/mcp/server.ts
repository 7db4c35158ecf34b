import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { isObject, type JsonObject } from "../base/json.js";
import { conversationKey } from "../base/names.js";
import type { Logger } from "../runtime/logger.js";
import type { Reader } from "../resources/resource.js";
import type { Dispatch } from "../dispatch/dispatch.js";
import { showsApps } from "./apps.js";
import { serveElicitations } from "./elicitation/elicitations.js";
import { BROWSING, serveBrowsing } from "./browsing/browsing.js";
import { instructionsFor } from "./instructions.js";
import { documentOf, GUARD_TOOL, hasGuardTool } from "./guard-tool.js";
import { type Extra, type ProgressNotification, progressReporter } from "./notifications.js";
import type { ElicitationHost } from "./elicitation/elicitation-host.js";
import { preparedResult } from "./transport/prepared.js";
import { INVALID_PARAMS, orRefuse } from "./transport/refusals.js";
import { shownTools } from "./tool-list.js";
import { traceparentOf } from "./trace-context.js";

/** Dependencies of the server on the program around it. */
export interface ServerParts {
  readonly version: string;
  /** Areas listed beside the default tools, or `all`. */
  readonly toolsets: readonly string[];
  /** Whether the process only reads. */
  readonly readOnly: boolean;
  readonly logger: Logger;
  /** The way into the operations for a client of this name and conversation. Asked with the first call, not before. */
  dispatch(client: string, conversation: string | null): Promise<Dispatch>;
  /** The database as a client of this name may look at it. Asked with the first look, not before. */
  reader(client: string): Promise<Reader>;
  /** Open questions for the person at the client of this name. Called with the first question, not before. */
  elicitationHost(client: string): Promise<ElicitationHost>;
  /** Makes the id under which a failure in the log is found again. */
  newRequestId(): string;
  /** Answers a hook of the client that calls a tool, in the client's form; empty where nothing is said. */
  answerHook(client: string, conversation: string | null, document: JsonObject): Promise<string>;
  /** The client has said that it is ready, which who only probes a server need not do. */
  onInitialized?(client: string): void;
}

export interface BatonServer {
  connect(transport: Transport): Promise<void>;
  close(): Promise<void>;
  /** Ends every wait: each is answered as if its time were over, and no more elicitations are sent. */
  stopWaiting(): void;
}

/**
 * Tools, resources and prompts over MCP. Everything up to the first call is answered from what was made at build time; nothing is opened,
 * registered or loaded before. The low-level `Server`, because `McpServer` publishes larger schemas and converts them
 * at every start.
 */
export function createServer(parts: ServerParts): BatonServer {
  // oxlint-disable-next-line typescript/no-deprecated -- meant for advanced use, which this is
  const server = new Server(
    { name: "baton", title: "Baton", version: parts.version },
    {
      capabilities: { tools: {}, ...BROWSING },
      instructions: instructionsFor(parts),
    },
  );
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- it is no event target
  server.onerror = (error) => parts.logger.debug("protocol", { error });
  const client = () => server.getClientVersion()?.name ?? "agent";
  const showsPages = () => showsApps(server.getClientCapabilities());
  const answersHooks = () => !parts.readOnly && hasGuardTool(client());
  serveTools(server, { ...parts, showsPages, answersHooks });
  const browsing = serveBrowsing(server, { ...parts, reader: () => parts.reader(client()), showsApps: showsPages });
  const elicitations = serveElicitations(server, { ...parts, host: () => parts.elicitationHost(client()) });
  server.oninitialized = () => parts.onInitialized?.(client());

  const calls = new Set<AbortController>();
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    if (params.name === GUARD_TOOL.name && answersHooks()) {
      const document = documentOf(params.arguments ?? {});
      const said = await parts.answerHook(client(), conversationOf(params._meta), document);
      return (await import("./tool-call.js")).hookResult(said);
    }
    const abort = abortedWith(extra.signal);
    calls.add(abort);
    try {
      const progress = progressOf(extra, parts.logger);
      const input = params.arguments ?? {};
      const [{ callTool }, dispatch] = await orRefuse({ ...parts, notFound: INVALID_PARAMS }, () =>
        Promise.all([import("./tool-call.js"), parts.dispatch(client(), conversationOf(params._meta))]),
      );
      const call = (onRun: (run: string) => void) => {
        const origin = { transport: "stdio", traceparent: traceparentOf(params._meta) } as const;
        const options = { signal: abort.signal, onRun, origin, ...(progress && { progress }) };
        return callTool(dispatch, { name: params.name, arguments: input, options });
      };
      // A question to a person would be recorded, and so would its answer.
      return await (parts.readOnly ? call(() => {}) : elicitations.during({ id: extra.requestId, input }, call));
    } finally {
      calls.delete(abort);
    }
  });
  return {
    connect: (transport) => server.connect(transport),
    close: () => {
      elicitations.close();
      browsing.close();
      return server.close();
    },
    stopWaiting: () => {
      elicitations.close();
      for (const abort of calls) abort.abort();
    },
  };
}

interface ListedParts extends ServerParts {
  readonly showsPages: () => boolean;
  readonly answersHooks: () => boolean;
}

// oxlint-disable-next-line typescript/no-deprecated -- as above
function serveTools(server: Server, { showsPages, answersHooks, ...parts }: ListedParts): void {
  let tools: string | undefined;
  server.setRequestHandler(ListToolsRequestSchema, async () => {
    tools ??= (await shownTools({ ...parts, showsApps: showsPages() })).join();
    return preparedResult(`{"tools":[${tools}${answersHooks() ? `,${JSON.stringify(GUARD_TOOL)}` : ""}]}`);
  });
}

function abortedWith(signal: AbortSignal): AbortController {
  const abort = new AbortController();
  if (signal.aborted) abort.abort();
  else signal.addEventListener("abort", () => abort.abort(), { once: true });
  return abort;
}

/** Codex says with each call of a tool in which conversation that is; it gives its servers no variable. */
function conversationOf(meta: Readonly<Record<string, unknown>> | undefined): string | null {
  const turn = meta?.["x-codex-turn-metadata"];
  return isObject(turn) ? conversationKey(turn["session_id"]) : null;
}

function progressOf(extra: Extra, logger: Logger) {
  const channel = {
    token: extra._meta?.progressToken,
    send: (notification: ProgressNotification) => extra.sendNotification(notification),
  };
  return progressReporter(channel, (error) => logger.debug("progress could not be sent", { error }));
}
