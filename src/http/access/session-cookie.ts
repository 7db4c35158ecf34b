import type { Context } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import type { SignedIn } from "./admission.js";

/** The cookie of a signed-in browser. */
export interface SessionCookie {
  /** With the port: servers on several ports of a machine share its cookies. */
  readonly name: string;
  /** Whether it is sent over TLS alone. */
  readonly secure: boolean;
}

export function cookieOf(port: number, publicUrls: readonly URL[]): SessionCookie {
  return { name: `baton_session_${port}`, secure: publicUrls.some(({ protocol }) => protocol === "https:") };
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
