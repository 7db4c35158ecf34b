// Writes what is shipped beside the compiled modules: main.js and a few hundred modules in a few dozen files, because a start
// that opens each module by itself takes half as long again. Packages stay what the lock file says they are.
//
//   node scripts/bundle.mjs DIRECTORY
import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { rolldown } from "rolldown";

const ROOT = path.resolve(import.meta.dirname, "..");
const [directory] = process.argv.slice(2);

const external = (id) => !id.startsWith(".") && !path.isAbsolute(id);
const shared = { platform: "node", tsconfig: path.join(ROOT, "tsconfig.json") };
const GUARD = path.join(ROOT, "src/app/guard/guard.ts");
const CONFIG = path.join(ROOT, "src/config.ts");

/** Leaves a module to the other bundle, which has it as a file in lib/. */
const elsewhere = (module, file) => ({
  name: "elsewhere",
  resolveId: (id, importer) =>
    importer !== undefined && path.resolve(path.dirname(importer), id).replace(/js$/, "ts") === module
      ? { id: file, external: true }
      : undefined,
});

const bundle = await rolldown({
  ...shared,
  input: {
    main: path.join(ROOT, "src/main.ts"),
    config: CONFIG,
    // Started by file: programs, and a thread.
    runner: path.join(ROOT, "src/executors/processes/runner.ts"),
    "wal-thread": path.join(ROOT, "src/store/sqlite/wal-thread.ts"),
    "mcp-supervisor": path.join(ROOT, "src/executors/mcp/supervisor.ts"),
  },
  external,
  plugins: [elsewhere(GUARD, "./lib/guard.js")],
});
// A guard starts at each edit: what it needs is one file, without the schemas that only servers check, and so without zod.
const guard = await rolldown({
  ...shared,
  input: { guard: GUARD },
  external,
  plugins: [elsewhere(CONFIG, "./config.js")],
  treeshake: { moduleSideEffects: false, manualPureFunctions: ["z"] },
});
const written = {
  dir: directory,
  format: "esm",
  sourcemap: true,
  // Two folders deep, as the sources: package.json and templates/ are found from there by the same path.
  entryFileNames: ({ name }) => (name === "main" ? "main.js" : "lib/[name].js"),
  chunkFileNames: "lib/[name]-[hash].js",
};
const output = [...(await bundle.write(written)).output, ...(await guard.write(written)).output];
chmodSync(path.join(directory, "main.js"), 0o755);

// For those who want to know what a start loads. Not shipped.
const chunks = output.flatMap((file) =>
  file.type === "chunk" ? [[file.fileName, file.moduleIds.map((id) => path.relative(ROOT, id))]] : [],
);
writeFileSync(path.join(directory, "chunks.json"), JSON.stringify(Object.fromEntries(chunks), undefined, 1));
