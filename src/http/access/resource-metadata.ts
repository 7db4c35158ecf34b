import { Hono } from "hono";
import type { Env } from "../env.js";
import { SCOPES } from "./issuer.js";

const PATH = "/.well-known/oauth-protected-resource";

/** A resource whose callers an issuer vouches for. */
export interface ProtectedResource {
  readonly issuer: string;
  /** Under which it is known, without a path. */
  readonly origin: string;
}

/** The names of the resource: of all of it, and of MCP at it. */
export function audiencesOf(origin: string): readonly string[] {
  return [origin, `${origin}/`, `${origin}/mcp`];
}

/** Where a client that has no token yet reads who gives one. */
export function metadataUrl({ origin }: ProtectedResource, path: string): string {
  return `${origin}${PATH}${path === "/mcp" ? path : ""}`;
}

/** The metadata of the resource (RFC 9728). */
export function metadataRoutes({ issuer, origin }: ProtectedResource): Hono<Env> {
  const routes = new Hono<Env>();
  for (const path of ["", "/mcp"])
    routes.get(`${PATH}${path}`, (context) =>
      context.json({
        resource: `${origin}${path}`,
        resource_name: "Baton",
        authorization_servers: [issuer],
        bearer_methods_supported: ["header"],
        scopes_supported: SCOPES,
      }),
    );
  return routes;
}
