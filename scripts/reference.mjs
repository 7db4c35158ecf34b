// Brings docs/operations.md and the table of tools in README.md up to date with the registry of the built server.
//
//   npm run reference
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const ROOT = path.resolve(import.meta.dirname, "..");
const README = path.join(ROOT, "README.md");

const [{ catalogue }, { referencePage, withToolTable }] = await Promise.all([
  import("../dist/tools/registry.js"),
  import("../dist/tools/reference.js"),
]);
mkdirSync(path.join(ROOT, "docs"), { recursive: true });
writeFileSync(path.join(ROOT, "docs/operations.md"), referencePage(catalogue.all));
if (existsSync(README)) writeFileSync(README, withToolTable(readFileSync(README, "utf8"), catalogue.all));
