import { setTimeout as after } from "node:timers/promises";
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Logger } from "../runtime/logger.js";
import { entrance, type EntranceParts, onlyKnownHosts } from "./access/entrance.js";
import { metadataRoutes } from "./access/resource-metadata.js";
import { linkRoute, sessionRoutes, type SignInParts } from "./access/session-routes.js";
import { dashboardRoutes } from "./dashboard.js";
import type { Env } from "./env.js";
import { type McpParts, mcpRoutes } from "./mcp.js";
import { CLIENT, operationRoutes, type OperationParts } from "./operations.js";
import { type MetricParts, metricRoutes } from "./metrics/routes.js";
import { refused } from "./problems.js";
import { StreamAnswers } from "./streams/answers.js";
import { streamRoutes, type StreamParts } from "./streams/routes.js";

export interface HttpParts
  extends
    OperationParts,
    Omit<StreamParts, "streams">,
    Omit<McpParts, "streams">,
    MetricParts,
    EntranceParts,
    SignInParts {
  readonly version: string;
  readonly logger: Logger;
  readonly calls: OperationParts["calls"];
  readonly reader: StreamParts["reader"];
  /** Largest body, in bytes. */
  readonly bodyBytesMax: number;
  /** Whether the database answers. */
  isReady(): Promise<boolean>;
  /** The folder of the dashboard's build. */
  readonly dashboard: string;
}

/** Everything that is served over HTTP, as a function from a request to its answer. */
export function httpServer(parts: HttpParts): Hono<Env> {
  const app = new Hono<Env>();
  app.use(async (context, next) => {
    context.set("request", parts.newRequestId());
    await next();
    context.header("X-Request-Id", context.get("request"));
    context.header("X-Content-Type-Options", "nosniff");
    context.header("Referrer-Policy", "no-referrer");
  });
  app.use(onlyKnownHosts(parts.hosts));
  app.use(async (context, next) => {
    await next();
    // A client that keeps its connection would be served on it for as long as it calls.
    if (parts.calls.isStopping) context.header("Connection", "close");
  });
  app.use(entrance(parts));
  app.get("/healthz", (context) => context.json({ status: "ok", version: parts.version }));
  app.get("/readyz", async (context) =>
    (await parts.isReady()) ? context.json({ status: "ready" }) : context.json({ status: "no database" }, 503),
  );
  app.use(
    bodyLimit({
      maxSize: parts.bodyBytesMax,
      onError: async (context: Context<Env>) => {
        await Promise.race([discarded(context.req.raw.body, parts.bodyBytesMax), after(LINGER_MS)]);
        // The rest of the body is not read, so nothing can follow it.
        context.header("Connection", "close");
        const detail = `The body is over ${parts.bodyBytesMax} bytes. Nothing was done.`;
        return refused(context, { code: "too_large", status: 413, detail });
      },
    }),
  );
  const streaming = { ...parts, streams: new StreamAnswers(parts) };
  app.route("/", mcpRoutes(streaming));
  app.route("/", linkRoute(parts));
  if (parts.resource !== undefined) app.route("/", metadataRoutes(parts.resource));
  app.route("/", metricRoutes(parts));
  app.route("/api/v1", sessionRoutes(parts));
  app.route("/api/v1", operationRoutes(parts));
  app.route("/api/v1", streamRoutes(streaming, CLIENT));
  app.route("/", dashboardRoutes(parts.dashboard));
  app.notFound((context) =>
    refused(context, {
      code: "not_found",
      status: 404,
      detail: `There is nothing at ${context.req.path}. The dashboard is at /, MCP at /mcp, the operations at /api/v1/operations/NAME, the history at /api/v1/events.`,
    }),
  );
  app.onError((error, context) => {
    const request = context.get("request");
    parts.logger.error("a request failed", { request, error });
    const detail = `The request failed. The server's log has the details under ${request}.`;
    return refused(context, { code: "internal", status: 500, detail });
  });
  return app;
}

/** The time that a client has to go on writing a body that is refused. */
const LINGER_MS = 200;

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
