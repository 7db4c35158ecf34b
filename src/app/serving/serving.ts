import type { Flags } from "../../config.js";

export interface ServeFlags extends Flags {
  /** The address to listen at; without one the client is on stdin and stdout. */
  readonly http?: string | undefined;
  /** Addresses under which others reach it, through a proxy. */
  readonly publicUrl?: readonly string[] | undefined;
  /** An OAuth issuer that vouches for callers. */
  readonly oauthIssuer?: string | undefined;
}

/** Serves until its clients are gone or a signal comes. Each way loads only what it needs. */
export async function serve({ http, publicUrl = [], oauthIssuer, ...flags }: ServeFlags): Promise<never> {
  if (http === undefined) return (await import("./stdio.js")).serveStdio(flags);
  return (await import("./http.js")).serveHttp(flags, { address: http, publicUrls: publicUrl, issuer: oauthIssuer });
}
