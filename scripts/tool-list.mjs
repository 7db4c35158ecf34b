// Writes tools.jsonl and tools-listed.jsonl beside the compiled code: what clients are shown, so that a server need not load a single operation
// to list them all.
//
//   node scripts/tool-list.mjs DIRECTORY
import { writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [directory] = process.argv.slice(2);
const load = (module) => import(pathToFileURL(path.join(directory, module)).href);

const [{ catalogue }, { toolEntries }, { linesOf }] = await Promise.all([
  load("tools/registry.js"),
  load("dispatch/published.js"),
  load("mcp/tool-list.js"),
]);
const entries = toolEntries(catalogue.all);
const listed = entries.filter((entry) => entry.listed);
writeFileSync(path.join(directory, "tools.jsonl"), linesOf(entries));
writeFileSync(path.join(directory, "tools-listed.jsonl"), linesOf(listed));
