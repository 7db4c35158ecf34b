import { EventEmitter, on } from "node:events";
import {
  acceptedContent,
  inputRequired,
  McpServer,
  ResourceTemplate,
  type ServerContext,
  type ServerEvent,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { KnownHosts } from "../../../src/http/access/hosts.js";
import { OpenVisits } from "../../../src/http/access/open-visits.js";
import { Rates } from "../../../src/http/access/rates.js";
import { cookieOf } from "../../../src/http/access/session-cookie.js";
import { originOf } from "../../../src/http/address.js";
import { Listener } from "../../../src/http/listener.js";
import type { ChangeFeed } from "../../../src/engine/events/changes.js";
import { Traffic } from "../../../src/http/metrics/traffic.js";
import { httpServer } from "../../../src/http/server.js";
import { statelessTransport } from "../../../src/mcp/stateless/transport.js";
import { silentLogger } from "../../../src/runtime/logger.js";
import { OpenCalls } from "../../../src/runtime/waiting.js";
import { atEnd } from "../lifetime.js";
import { startApp } from "../servers/app.js";
import { form, registerQuestioningTools, requestState } from "./questioning-tools.js";
import { image, registerPlainTools, resourceOf, said } from "./plain-tools.js";

const BODY_BYTES_MAX = 1_000_000;
const REQUEST_MS = 10_000;
const HEARTBEAT_MS = 1_000;
const LIST = { ttlMs: 60_000, cacheScope: "public" } as const;

/**
 * A server with the tools, resources and prompts that the conformance suite names, behind what Baton serves MCP with: its listener, its
 * entrance, its streams and its transport. Returns its origin.
 */
export async function startConformanceFixture(): Promise<string> {
  const { app } = await startApp();
  // The suite waits 0.8 s for a stream: the database is open before.
  await (await app.reader("fixture")).read(function* () {});
  const changes = new EventEmitter();
  const mcp = statelessTransport({
    make: () => fixtureServer((event) => void changes.emit("change", event)),
    bodyBytesMax: BODY_BYTES_MAX,
    logger: silentLogger,
  });
  const calls = new OpenCalls();
  const traffic = new Traffic();
  const stillLetIn = async (tokens: readonly string[]) => new Set(tokens);
  const listener = await Listener.at(
    { host: "127.0.0.1", port: 0 },
    {
      requestMs: REQUEST_MS,
      traffic,
      at: (bound) =>
        httpServer({
          version: "1",
          logger: silentLogger,
          calls,
          bodyBytesMax: BODY_BYTES_MAX,
          dispatch: (client, access) => app.remoteDispatch(client, access),
          reader: () => app.reader("fixture"),
          newRequestId: () => app.newRequestId(),
          admissions: {
            admit: async () => ({ refused: "nobody" }),
            knows: () => false,
            stillLetIn,
            missed: () => {},
            signIn: () => Promise.reject(new Error("nobody signs in")),
            signOut: async () => {},
          },
          visits: new OpenVisits({ stillLetIn, now: () => Date.now(), logger: silentLogger }),
          asksAll: false,
          readOnly: false,
          hosts: new KnownHosts(bound, []),
          rates: new Rates(1_000),
          cookie: cookieOf(bound.port, []),
          link: undefined,
          traffic,
          metricNames: () => "own",
          bookUsage: () => Promise.reject(new Error("no usage is booked")),
          now: () => Date.now(),
          heartbeatMs: () => HEARTBEAT_MS,
          isReady: async () => true,
          dashboard: "",
          mcp: {
            fetch: (read) => mcp.fetch(read),
            listen: (read, _, news) =>
              mcp.listen(read, async (filter) => ({ honored: filter, events: changesUntilEnd(changes, news) })),
          },
        }).fetch,
    },
  );
  atEnd(async () => {
    calls.stop();
    await mcp.close();
    await listener.close();
  });
  return originOf(listener.address);
}

async function* changesUntilEnd(changes: EventEmitter, news: ChangeFeed): AsyncGenerator<ServerEvent[], undefined> {
  const ended = new AbortController();
  const drained = async () => {
    for await (const _ of news);
    ended.abort();
  };
  void drained();
  try {
    for await (const event of on(changes, "change", { signal: ended.signal })) yield event as ServerEvent[];
  } catch (error) {
    if (!ended.signal.aborted) throw error;
  }
  return undefined;
}

function fixtureServer(changed: (event: ServerEvent) => void): McpServer {
  const listChanged = true;
  const server = new McpServer(
    { name: "conformance-fixture", version: "1" },
    {
      capabilities: {
        tools: { listChanged },
        prompts: { listChanged },
        resources: { subscribe: true, listChanged },
        logging: {},
        completions: {},
      },
      cacheHints: {
        "tools/list": LIST,
        "prompts/list": LIST,
        "resources/list": LIST,
        "resources/templates/list": LIST,
        "resources/read": LIST,
        "server/discover": LIST,
      },
      requestState: { verify: (state, context) => requestState.verify(state, context) },
    },
  );
  registerPlainTools(server);
  registerQuestioningTools(server);
  const triggers = {
    test_trigger_tool_change: "tools_list_changed",
    test_trigger_prompt_change: "prompts_list_changed",
  };
  for (const [name, kind] of Object.entries(triggers))
    server.registerTool(name, { description: name }, async () => {
      changed({ kind } as ServerEvent);
      return { content: [said("changed")] };
    });
  registerResources(server);
  registerPrompts(server);
  server.server.setRequestHandler("logging/setLevel", async () => ({}));
  server.server.setRequestHandler("completion/complete", async () => ({
    completion: { values: [], total: 0, hasMore: false },
  }));
  return server;
}

function registerResources(server: McpServer): void {
  const text = { uri: "test://static-text", mimeType: "text/plain", text: "the content of the static text resource" };
  const binary = { uri: "test://static-binary", mimeType: "image/png", blob: image.data };
  server.registerResource("static-text", text.uri, {}, async () => ({ contents: [text] }));
  server.registerResource("static-binary", binary.uri, {}, async () => ({ contents: [binary] }));
  const template = new ResourceTemplate("test://template/{id}/data", { list: undefined });
  server.registerResource("template", template, {}, async (uri, { id }) => ({
    contents: [{ uri: uri.href, mimeType: "application/json", text: JSON.stringify({ id, templateTest: true }) }],
  }));
}

function registerPrompts(server: McpServer): void {
  const user = <C>(content: C) => ({ role: "user" as const, content });
  server.registerPrompt("test_simple_prompt", { description: "plain" }, async () => ({
    messages: [user(said("a simple prompt"))],
  }));
  server.registerPrompt("test_prompt_with_image", { description: "with an image" }, async () => ({
    messages: [user(image), user(said("Please analyze the image above."))],
  }));
  const args = z.object({ arg1: z.string(), arg2: z.string() });
  server.registerPrompt(
    "test_prompt_with_arguments",
    { description: "with arguments", argsSchema: args },
    async ({ arg1, arg2 }) => ({
      messages: [user(said(`arg1='${arg1}', arg2='${arg2}'`))],
    }),
  );
  const embedding = z.object({ resourceUri: z.string() });
  server.registerPrompt(
    "test_prompt_with_embedded_resource",
    { description: "with a resource", argsSchema: embedding },
    async ({ resourceUri }) => ({
      messages: [user(resourceOf(resourceUri, "embedded")), user(said("Please process the resource above."))],
    }),
  );
  server.registerPrompt(
    "test_input_required_result_prompt",
    { description: "asks first" },
    async (context: ServerContext) => {
      const given = acceptedContent<{ context: string }>(context.mcpReq.inputResponses, "user_context");
      if (given === undefined)
        return inputRequired({ inputRequests: { user_context: form("Which context?", "context") } });
      return { messages: [user(said(`Use the following context: ${given.context}`))] };
    },
  );
}
