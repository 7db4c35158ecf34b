import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { SCHEMA_VERSION } from "../../../src/store/migrations/index.js";
import { temporaryDirectory } from "../databases/databases.js";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const INDEX = "src/store/migrations/index.ts";
const NEXT = `  {
    version: ${SCHEMA_VERSION + 1},
    name: "next",
    statements: ["ALTER TABLE tasks ADD COLUMN of_next_version TEXT", "CREATE INDEX of_next ON tasks (of_next_version)"],
  },
];

export const SCHEMA_VERSION`;

/**
 * Builds these sources with one migration more, as the next version will have it: a column and an index on the table that all write to.
 * Returns its program.
 */
export function buildNextVersion(): string {
  const root = temporaryDirectory();
  for (const part of ["src", "package.json", "tsconfig.json", "scripts/bundle.mjs"])
    cpSync(path.join(ROOT, part), path.join(root, part), { recursive: true });
  const index = path.join(root, INDEX);
  const [before, after, ...more] = readFileSync(index, "utf8").split("];\n\nexport const SCHEMA_VERSION");
  if (after === undefined || more.length > 0) throw new Error(`${INDEX} no longer ends with its list and its version`);
  writeFileSync(index, `${before}${NEXT}${after}`);
  // The program reads these at run time; its data folders and packages are those of this one.
  mkdirSync(path.join(root, "dist"));
  for (const name of readdirSync(path.join(ROOT, "dist")).filter((file) => file.endsWith(".jsonl")))
    cpSync(path.join(ROOT, "dist", name), path.join(root, "dist", name));
  for (const name of ["node_modules", "templates", "criteria", "schemas", "encodings", "grammars"])
    symlinkSync(path.join(ROOT, name), path.join(root, name));
  execFileSync(process.execPath, ["scripts/bundle.mjs", path.join(root, "dist")], { cwd: root });
  return path.join(root, "dist/main.js");
}
