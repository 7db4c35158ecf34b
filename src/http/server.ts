import { Hono } from "hono";
import type { Logger } from "../runtime/logger.js";
import { entrance, type EntranceParts, onlyKnownHosts } from "./access/entrance.js";
import { boundedBodies } from "./bodies.js";
import { metadataRoutes } from "./access/resource-metadata.js";
import { linkRoute, sessionRoutes, type SignInParts } from "./access/session-routes.js";
import { dashboardRoutes } from "./dashboard.js";
import type { Env } from "./env.js";
import { type McpParts, mcpRoutes } from "./mcp.js";
import { CLIENT, operationRoutes, type OperationParts } from "./operations.js";
import { type MetricParts, metricRoutes } from "./metrics/routes.js";
import { type OtlpParts, otlpRoutes } from "./otlp/routes.js";
import { refused } from "./problems.js";
import { StreamAnswers } from "./streams/answers.js";
import { streamRoutes, type StreamParts } from "./streams/routes.js";

export interface HttpParts
  extends
    OperationParts,
    Omit<StreamParts, "streams">,
    Omit<McpParts, "streams">,
    MetricParts,
    OtlpParts,
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
  app.use(boundedBodies(parts.bodyBytesMax));
  const streaming = { ...parts, streams: new StreamAnswers(parts) };
  app.route("/", mcpRoutes(streaming));
  app.route("/", linkRoute(parts));
  if (parts.resource !== undefined) app.route("/", metadataRoutes(parts.resource));
  app.route("/", metricRoutes(parts));
  app.route("/otlp", otlpRoutes(parts));
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
