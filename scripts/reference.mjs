// Brings docs/operations.md and the table of tools in README.md up to date with the registry of the built server, and
// schemas/workflow.schema.json and docs/workflows.md with what a definition may hold, and docs/configuration.md with the settings.
//
//   npm run reference
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const ROOT = path.resolve(import.meta.dirname, "..");
const README = path.join(ROOT, "README.md");

const [
  { catalogue },
  { referencePage, withToolTable },
  { workflowSchemaText },
  { workflowPage },
  { configurationPage },
] = await Promise.all([
  import("../dist/tools/registry.js"),
  import("../dist/dispatch/reference/reference.js"),
  import("../dist/engine/definitions/published-schema.js"),
  import("../dist/dispatch/reference/workflow-reference.js"),
  import("../dist/config/settings-reference.js"),
]);
mkdirSync(path.join(ROOT, "docs"), { recursive: true });
writeFileSync(path.join(ROOT, "docs/operations.md"), referencePage(catalogue.all));
writeFileSync(path.join(ROOT, "docs/workflows.md"), workflowPage());
writeFileSync(path.join(ROOT, "docs/configuration.md"), configurationPage());
if (existsSync(README)) writeFileSync(README, withToolTable(readFileSync(README, "utf8"), catalogue.all));
mkdirSync(path.join(ROOT, "schemas"), { recursive: true });
writeFileSync(path.join(ROOT, "schemas/workflow.schema.json"), workflowSchemaText());
