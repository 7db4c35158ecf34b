// Writes tools.json beside the compiled code: what clients are shown, so that a server need not load a single operation
// to list them all.
//
//   node scripts/tool-list.mjs DIRECTORY
import { writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [directory] = process.argv.slice(2);
const load = (module) => import(pathToFileURL(path.join(directory, module)).href);

const [{ catalogue }, { toolEntries }] = await Promise.all([load("tools/registry.js"), load("dispatch/published.js")]);
writeFileSync(path.join(directory, "tools.json"), JSON.stringify(toolEntries(catalogue.all)));
