import type { Context, MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import type { Env } from "../env.js";
import { refusal, refused } from "../problems.js";
import type { Admissions, Credential, Visitor } from "./admission.js";
import { isSameOrigin, type KnownHosts } from "./hosts.js";
import type { OpenVisits } from "./open-visits.js";
import { Rates } from "./rates.js";
import { metadataUrl, type ProtectedResource } from "./resource-metadata.js";
import { endCookie, type SessionCookie } from "./session-cookie.js";

export interface EntranceParts {
  readonly admissions: Admissions;
  readonly cookie: SessionCookie;
  readonly hosts: KnownHosts;
  /** Whether everyone shows who they are; else a program on this machine need not. */
  readonly asksAll: boolean;
  /** Present where an issuer vouches for callers. */
  readonly resource?: ProtectedResource | undefined;
  /** How often each caller may call. */
  readonly rates: Rates;
  /** Requests that are being answered. */
  readonly visits: OpenVisits;
}

/** Paths that everyone may read: they tell nothing of what the database holds. */
const OPEN = /^\/(?:$|healthz$|readyz$|assets\/|favicon\.|\.well-known\/)/;
const SAFE_METHODS = new Set(["GET", "HEAD"]);
const MCP = "/mcp";

/**
 * Refuses what a page of another site sends through a browser. It names itself in `Origin`, browsers say in `Sec-Fetch-Site` where a
 * request comes from, and where the page has bent a name of its own to this machine (DNS rebinding) that name stands in `Host`.
 * Programs send neither `Origin` nor `Sec-Fetch-Site`.
 */
export function onlyKnownHosts(hosts: KnownHosts): MiddlewareHandler<Env> {
  return async (context, next) => {
    const host = context.req.header("host") ?? "";
    const forbid = (detail: string) => refused(context, { code: "not_permitted", status: 403, detail });
    if (!hosts.has(host))
      return forbid(
        "This server is not known under the name in Host. Started with --public-url it is known under that.",
      );
    const origin = context.req.header("origin");
    if (origin !== undefined && !isSameOrigin(origin, host))
      return forbid("Pages of other sites may not call this server.");
    const site = context.req.header("sec-fetch-site") ?? "none";
    if (site !== "none" && site !== "same-origin" && !isVisit(context))
      return forbid("Pages of other sites may not call this server.");
    await next();
    return undefined;
  };
}

/** Whether a person follows a link here: the page is loaded, and nothing else. */
function isVisit({ req }: Context<Env>): boolean {
  return (
    req.method === "GET" && req.header("sec-fetch-mode") === "navigate" && req.header("sec-fetch-dest") === "document"
  );
}

/** Refused credentials of an address, a second: each costs a look into the database. */
const REFUSED_PER_SECOND = 10;

/** Finds out who sends a request, and turns away those that it is not for. */
export function entrance(parts: EntranceParts): MiddlewareHandler<Env> {
  const refusals = new Rates(REFUSED_PER_SECOND);
  return async (context, next) => {
    const credential = credentialOf(context, parts.cookie.name);
    if (credential === undefined) {
      context.set("visitor", { by: "nothing" });
      parts.visits.enter(context.get("visitor"), context.env.outgoing);
      if (isOpen(context, parts)) return next();
      parts.admissions.missed();
      return unauthorized(context, parts, { detail: MISSING });
    }
    const address = context.env.incoming.socket.remoteAddress ?? "";
    const pause = parts.admissions.knows(credential) ? undefined : refusals.wait(address);
    if (pause !== undefined) return tooOften(context, pause);
    const visitor = await admitted(context, parts, credential);
    if (visitor instanceof Response ? visitor.status === UNAUTHORIZED : visitor.by === "nothing")
      refusals.take(address);
    if (visitor instanceof Response) return visitor;
    const wait = parts.rates.take(visitor.access?.id ?? address);
    if (wait !== undefined) return tooOften(context, wait);
    context.set("visitor", visitor);
    parts.visits.enter(visitor, context.env.outgoing);
    return next();
  };
}

/** Whether this may be asked for without showing who one is. */
function isOpen({ req }: Context<Env>, { asksAll }: EntranceParts): boolean {
  return !asksAll || OPEN.test(req.path);
}

const UNAUTHORIZED = 401;

/** The visitor of a credential, or the answer that turns it away. */
async function admitted(
  context: Context<Env>,
  parts: EntranceParts,
  credential: Credential,
): Promise<Visitor | Response> {
  try {
    const visitor = await parts.admissions.admit(credential);
    if ("refused" in visitor) {
      if (credential.from === "cookie") endCookie(context, parts.cookie);
      // A browser sends a cookie that is over by itself: of another database at this port, say, or from before a night.
      if (credential.from === "cookie" && isOpen(context, parts)) return { by: "nothing" };
      return unauthorized(context, parts, { detail: visitor.refused, error: "invalid_token" });
    }
    const objection = objectionTo(context, visitor);
    if (objection === undefined) return visitor;
    return refused(context, { code: "not_permitted", status: 403, detail: objection });
  } catch (error) {
    return refusal(context, error);
  }
}

function tooOften(context: Context<Env>, seconds: number): Response {
  context.header("Retry-After", String(seconds));
  const detail = `This caller calls too often. In ${seconds} s it may again. Nothing was done.`;
  return refused(context, { code: "limit_exceeded", status: 429, detail });
}

const MISSING =
  "This server asks who you are: send Authorization: Bearer TOKEN. A person makes a token at a terminal: baton token create --role worker.";

/** Why a visitor may not send this, whatever it asks for. */
function objectionTo(context: Context<Env>, { by, access }: Visitor): string | undefined {
  if (access?.role === "human" && isMcp(context.req.path))
    return "A person's token decides as that person, and an assistant is none: make one for it, as baton token create --role worker does.";
  // A cookie goes along with whatever a browser sends: a change comes from a page of this server, which says so.
  const isFromHere =
    context.req.header("origin") !== undefined || context.req.header("sec-fetch-site") === "same-origin";
  if (by === "browser" && !SAFE_METHODS.has(context.req.method) && !isFromHere)
    return "A signed-in browser changes something from a page of this server alone. A program uses a token.";
  return undefined;
}

function isMcp(path: string): boolean {
  return path === MCP || path.startsWith(`${MCP}/`);
}

/** The header counts before the cookie. */
function credentialOf(context: Context<Env>, cookie: string): Credential | undefined {
  const header = context.req.header("authorization");
  if (header !== undefined) return { from: "header", text: header.replace(/^Bearer +/i, "") };
  const text = getCookie(context, cookie);
  return text === undefined ? undefined : { from: "cookie", text };
}

function unauthorized(
  context: Context<Env>,
  { resource }: EntranceParts,
  { detail, error }: { readonly detail: string; readonly error?: string },
): Response {
  const facts = {
    realm: "baton",
    error,
    error_description: detail,
    resource_metadata: resource && metadataUrl(resource, context.req.path),
  };
  const challenge = Object.entries(facts).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value}"`],
  );
  context.header("WWW-Authenticate", `Bearer ${challenge.join(", ")}`);
  return refused(context, { code: "unauthenticated", status: 401, detail });
}
