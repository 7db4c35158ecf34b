import { readFile } from "node:fs/promises";
import { isObject, type JsonObject } from "../base/json.js";

/** The extension by which a client shows pages of a server (MCP Apps, SEP-1865). */
const EXTENSION = "io.modelcontextprotocol/ui";
const MIME_TYPE = "text/html;profile=mcp-app";

/** The page of one run. It belongs to every tool that returns one. */
export const RUN_APP = "ui://baton/run";

/** Made by `npm run build` (dashboard/vite.app.config.ts) beside the compiled code. */
const DOCUMENT = new URL("../apps/run-app.html", import.meta.url);

/** The page asks no server for anything: it calls tools through the client alone. */
const META = { ui: { csp: { connectDomains: [], resourceDomains: [] }, prefersBorder: true } };

/** Whether a client shows apps, by the capabilities that it declares. */
export function showsApps(capabilities: unknown): boolean {
  const extensions = isObject(capabilities) ? capabilities["extensions"] : undefined;
  const settings = isObject(extensions) ? extensions[EXTENSION] : undefined;
  const types = isObject(settings) ? settings["mimeTypes"] : undefined;
  return Array.isArray(types) && types.includes(MIME_TYPE);
}

/** A tool of the list, as JSON, with the page that shows its answer. */
export function withRunApp(tool: string): string {
  // Made by the build that made this code.
  const { _meta, ...shown } = JSON.parse(tool) as JsonObject;
  return JSON.stringify({ ...shown, _meta: { ...(isObject(_meta) && _meta), ui: { resourceUri: RUN_APP } } });
}

/** The page, as clients list it that show it. */
export const runApp = {
  uri: RUN_APP,
  name: "run_app",
  title: "A run, live",
  description: "Page for clients that show MCP Apps: how a run stands, with its tasks as list and graph.",
  mimeType: MIME_TYPE,
  _meta: META,
};

/** The contents of the page. */
export async function readRunApp() {
  return { contents: [{ uri: RUN_APP, mimeType: MIME_TYPE, text: await readFile(DOCUMENT, "utf8"), _meta: META }] };
}
