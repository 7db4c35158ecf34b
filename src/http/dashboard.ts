import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { type Context, Hono } from "hono";
import type { Env } from "./env.js";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".md": "text/markdown; charset=utf-8",
};

/** The page loads nothing but its own files and asks nothing but this server; no script or style stands in the document. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const HEADERS = {
  "Content-Security-Policy": POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

const PAGE = "/index.html";
/** The build names these by their content. */
const HASHED = "/assets/";

interface DashboardFile {
  readonly type: string;
  readonly plain: Buffer<ArrayBuffer>;
  readonly gzipped: Buffer<ArrayBuffer>;
}

/** The files of the dashboard's build, read when the first of them is asked for: no path of a request ever reaches the disk. */
export function dashboardRoutes(directory: string): Hono<Env> {
  const routes = new Hono<Env>();
  let files: ReadonlyMap<string, DashboardFile> | undefined;
  const answer = (context: Context<Env>, name: string): Response | undefined => {
    files ??= filesIn(directory);
    const file = files.get(name);
    if (file === undefined) return undefined;
    const isGzipped = /\bgzip\b/.test(context.req.header("accept-encoding") ?? "");
    return context.body(isGzipped ? file.gzipped : file.plain, 200, {
      ...HEADERS,
      "Content-Type": file.type,
      "Cache-Control": name.startsWith(HASHED) ? "public, max-age=31536000, immutable" : "no-cache",
      Vary: "Accept-Encoding",
      ...(isGzipped && { "Content-Encoding": "gzip" }),
    });
  };
  routes.get("/", (context) => answer(context, PAGE) ?? context.notFound());
  routes.get("/assets/:name", (context) => answer(context, HASHED + context.req.param("name")) ?? context.notFound());
  return routes;
}

function filesIn(directory: string): Map<string, DashboardFile> {
  const names = existsSync(directory) ? readdirSync(directory, { recursive: true, encoding: "utf8" }) : [];
  return new Map(
    names.flatMap((name) => {
      const type = TYPES[path.extname(name)];
      if (type === undefined) return [];
      const plain = readFileSync(path.join(directory, name));
      return [[`/${name.replaceAll(path.sep, "/")}`, { type, plain, gzipped: gzipSync(plain) }] as const];
    }),
  );
}
