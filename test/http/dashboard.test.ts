import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { startHttpServer } from "../support/http/http-server.js";
import { shared } from "../support/lifetime.js";

const BUILD = path.resolve(import.meta.dirname, "../../dist/dashboard");
/** Budget of the first view: document, scripts and styles that it loads, as they are sent. */
const FIRST_VIEW_BYTES_MAX = 130 * 1024;

describe("the dashboard at /", () => {
  const server = shared(() => startHttpServer());

  test("is a document without scripts or styles in it, under a policy that allows none and no other server", async () => {
    const response = await fetch(server().origin);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-cache");
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|data:|\*/);
    const html = await response.text();
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/);
    expect(html).toContain("This page needs JavaScript");
  });

  test("has files that are named by their content, and kept by browsers", async () => {
    const html = await (await fetch(server().origin)).text();
    const [, script] = /src="(\/assets\/[\w.-]+)"/.exec(html)!;
    const response = await fetch(server().origin + script);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/javascript; charset=utf-8"]);
    expect(response.headers.get("cache-control")).toContain("immutable");
    expect(response.headers.get("content-encoding")).toBe("gzip");
    expect(await response.text()).toBe(readFileSync(path.join(BUILD, script!), "utf8"));
  });

  test.each(["/assets/none.js", "/assets/..%2f..%2fpackage.json", "/assets/%2e%2e/%2e%2e/package.json", "/index.htm"])(
    "has nothing at %s",
    async (name) => {
      expect((await fetch(server().origin + name)).status).toBe(404);
    },
  );

  test(`takes at most ${FIRST_VIEW_BYTES_MAX / 1024} KB for its first view`, () => {
    const html = readFileSync(path.join(BUILD, "index.html"), "utf8");
    const loaded = Array.from(html.matchAll(/(?:src|href)="\/(assets\/[\w.-]+)"/g), ([, name]) => name!);
    const bytes = ["index.html", ...loaded].map((name) => gzipSync(readFileSync(path.join(BUILD, name))).length);
    expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(FIRST_VIEW_BYTES_MAX);
    expect(loaded.length).toBeGreaterThan(2);
    expect(readdirSync(path.join(BUILD, "assets"))).toEqual(
      expect.arrayContaining(loaded.map((name) => path.basename(name))),
    );
  });
});
