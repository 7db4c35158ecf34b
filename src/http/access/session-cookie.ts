import type { Context } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import type { SignedIn } from "./admission.js";

/** The cookie of a signed-in browser. */
export interface SessionCookie {
  /**
   * With the port, since all ports of a host share its cookies. Behind a proxy with the proxy's: a browser that is signed in at one of
   * several servers is so at all.
   */
  readonly name: string;
  /** Whether it is sent over TLS alone. */
  readonly secure: boolean;
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { "https:": "443", "http:": "80" };

export function cookieOf(port: number, publicUrls: readonly URL[]): SessionCookie {
  const [url] = publicUrls;
  const reached = url === undefined ? port : url.port || DEFAULT_PORTS[url.protocol];
  return { name: `baton_session_${reached}`, secure: publicUrls.some(({ protocol }) => protocol === "https:") };
}

export function giveCookie(context: Context, { name, secure }: SessionCookie, { bearer, expiresAt }: SignedIn): void {
  setCookie(context, name, bearer, {
    path: "/",
    httpOnly: true,
    sameSite: "Strict",
    secure,
    expires: new Date(expiresAt),
  });
}

export function endCookie(context: Context, { name, secure }: SessionCookie): void {
  deleteCookie(context, name, { path: "/", httpOnly: true, sameSite: "Strict", secure });
}
