import { Hono, type Context, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Logger } from "../runtime/logger.js";
import { LOOPBACK_HOSTS } from "./address.js";
import { dashboardRoutes } from "./dashboard.js";
import type { Env } from "./env.js";
import { CLIENT, operationRoutes, type OperationParts } from "./operations.js";
import { answered, problem, type Refused } from "./problems.js";
import { streamRoutes, type StreamParts } from "./streams/routes.js";

export interface HttpParts extends OperationParts, StreamParts {
  readonly version: string;
  readonly logger: Logger;
  readonly calls: OperationParts["calls"];
  /** Largest body, in bytes. */
  readonly bodyBytesMax: number;
  /** Whether the database answers. */
  isReady(): Promise<boolean>;
  /** The folder of the dashboard's build. */
  readonly dashboard: string;
  /** Serves MCP. */
  mcp(request: Request): Promise<Response>;
}

/** Everything that is served over HTTP, as a function from a request to its answer. */
export function httpServer(parts: HttpParts): Hono<Env> {
  const app = new Hono<Env>();
  app.use(async (context, next) => {
    context.set("request", parts.newRequestId());
    await next();
    context.header("X-Request-Id", context.get("request"));
  });
  app.use(onlyKnownHosts);
  app.use(async (context, next) => {
    await next();
    // A client that keeps its connection would be served on it for as long as it calls.
    if (parts.calls.isStopping) context.header("Connection", "close");
  });
  app.get("/healthz", (context) => context.json({ status: "ok", version: parts.version }));
  app.get("/readyz", async (context) =>
    (await parts.isReady()) ? context.json({ status: "ready" }) : context.json({ status: "no database" }, 503),
  );
  app.use(
    bodyLimit({
      maxSize: parts.bodyBytesMax,
      onError: (context: Context<Env>) => {
        // The rest of the body is not read, so nothing can follow it.
        context.header("Connection", "close");
        const detail = `The body is over ${parts.bodyBytesMax} bytes. Nothing was done.`;
        return refused(context, { code: "too_large", status: 413, detail });
      },
    }),
  );
  app.all("/mcp", (context) => parts.mcp(context.req.raw));
  app.route("/api/v1", operationRoutes(parts));
  app.route("/api/v1", streamRoutes(parts, CLIENT));
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

function refused(context: Context<Env>, refusal: Omit<Refused, "request">): Response {
  return answered(context, problem({ ...refusal, request: context.get("request") }));
}

/**
 * Refuses what a page of another site sends through a browser: it names itself in `Origin`, and where it has bent a name of its own to
 * this machine (DNS rebinding) that name stands in `Host`. Programs send no `Origin`.
 */
const onlyKnownHosts: MiddlewareHandler<Env> = async (context, next) => {
  const named = context.req.header("host") ?? "";
  const host = hostnameOf(`http://${named}`);
  if (!LOOPBACK_HOSTS.some((known) => known === host))
    return refused(context, { ...FORBIDDEN, detail: "This server is not known under the name in Host." });
  const origin = context.req.header("origin");
  // With its port: another server on this machine is another site.
  if (origin !== undefined && !isSame(origin, named))
    return refused(context, { ...FORBIDDEN, detail: "Pages of other sites may not call this server." });
  await next();
  return undefined;
};

const FORBIDDEN = { code: "not_permitted", status: 403 } as const;

function isSame(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === new URL(`http://${host}`).host;
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}
