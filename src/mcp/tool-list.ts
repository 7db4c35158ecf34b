import { readFile } from "node:fs/promises";
import { unlessCode } from "../base/errors.js";
import type { ToolEntry } from "../dispatch/toolsets.js";

/** Made by `npm run build` (scripts/build.mjs) beside the compiled code. */
const GENERATED = new URL("../tools.json", import.meta.url);

/** Every tool in the order of the registry: from the build, or computed where the sources themselves run. */
export async function toolList(): Promise<ToolEntry[]> {
  const text = await unlessCode(readFile(GENERATED, "utf8"), "ENOENT");
  // Written from a ToolEntry[] by the build that wrote this code.
  if (text !== undefined) return JSON.parse(text) as ToolEntry[];
  const [{ catalogue }, { toolEntries }] = await Promise.all([
    import("../tools/registry.js"),
    import("../dispatch/published.js"),
  ]);
  return toolEntries(catalogue.all);
}
