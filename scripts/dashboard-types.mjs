// Writes the types of the operations that the dashboard calls, as OpenAPI has them, beside the code that uses them.
//
//   node scripts/dashboard-types.mjs [--check]
//
// --check  writes nothing and fails where the file is not what it would be
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const ROOT = path.resolve(import.meta.dirname, "..");
const DASHBOARD = path.join(ROOT, "dashboard");
const FILE = path.join(DASHBOARD, "src/data/openapi.ts");
const HEADER = "// Made by `npm run reference` of the operations that ../../operations.json names.\n";

const built = (file) => import(pathToFileURL(path.join(ROOT, "dist", file)).href);
const [{ openApi }, { catalogue }] = await Promise.all([built("http/openapi.js"), built("tools/registry.js")]);
// The generator needs an older compiler than the rest, which stands beside it.
const { default: openapiTS, astToString } = createRequire(path.join(DASHBOARD, "package.json"))("openapi-typescript");

const names = new Set(JSON.parse(readFileSync(path.join(DASHBOARD, "operations.json"), "utf8")));
const document = openApi(catalogue, "");
const paths = Object.entries(document.paths).filter(([, { post }]) => names.has(post?.operationId));
const ast = await openapiTS({ ...document, paths: Object.fromEntries(paths) }, { emptyObjectsUnknown: true });
const text = HEADER + astToString(ast);

if (!process.argv.includes("--check")) writeFileSync(FILE, text);
else if (readFileSync(FILE, "utf8") !== text) {
  process.stderr.write("dashboard/src/data/openapi.ts is not of these operations: npm run reference\n");
  process.exitCode = 1;
}
