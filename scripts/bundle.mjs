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
const MAIN = path.join(ROOT, "src/main.ts");
const CONFIG = path.join(ROOT, "src/config.ts");
const GUARD = path.join(ROOT, "src/app/guard/guard.ts");
/** What a hook loads only where no server answers it, or for a line of a shell and git. */
const GUARD_PARTS = {
  "guard-database": path.join(ROOT, "src/app/guard/own-database.ts"),
  "guard-shell": path.join(ROOT, "src/guard/git/uses.ts"),
  "guard-git": path.join(ROOT, "src/guard/git/hook-uses.ts"),
};

/** Leaves modules to another bundle, which has them as files in lib/. */
const elsewhere = (files) => ({
  name: "elsewhere",
  resolveId: (id, importer) => {
    if (importer === undefined || !id.startsWith(".")) return undefined;
    const file = files[path.resolve(path.dirname(importer), id).replace(/js$/, "ts")];
    return file && { id: file, external: true };
  },
});

/** Loads other scripts as scripts: `import()` would take each for a module first. */
const requiredParts = {
  name: "required-parts",
  renderChunk: (code) => ({
    code: code.replaceAll(/\bimport\(("\.\/[\w/-]+\.cjs")\)/g, "Promise.resolve().then(() => require($1))"),
    map: null,
  }),
};

/** Started by file: programs, and threads. */
const BY_FILE = {
  runner: path.join(ROOT, "src/executors/processes/runner.ts"),
  "wal-thread": path.join(ROOT, "src/store/sqlite/wal-thread.ts"),
  "text-thread-worker": path.join(ROOT, "src/compaction/thread.ts"),
  "mcp-supervisor": path.join(ROOT, "src/executors/mcp/supervisor.ts"),
};

/** What modules import before they run, by module. */
const imports = new Map();
const remembering = { name: "imports", moduleParsed: ({ id, importedIds }) => void imports.set(id, importedIds) };

function loadedBy(...modules) {
  const loaded = new Set();
  const load = (id) => {
    if (loaded.has(id) || !imports.has(id)) return;
    loaded.add(id);
    imports.get(id).forEach(load);
  };
  modules.forEach(load);
  return loaded;
}

/**
 * Files for what is always loaded together, since each that is opened takes a start a millisecond: a start over stdio, beneath it that of any
 * process, beneath that its configuration. What is started by file has its own, and so has what every command loads.
 */
const START = [
  { name: "configuration", modules: [CONFIG] },
  { name: "launch", modules: [path.join(ROOT, "src/app/launch.ts")] },
  {
    name: "serving-stdio",
    modules: [path.join(ROOT, "src/app/serving/serving.ts"), path.join(ROOT, "src/app/serving/stdio.ts")],
  },
];

function startGroups() {
  const apart = loadedBy(MAIN, ...Object.values(BY_FILE));
  const taken = new Set(apart);
  return START.map(({ name, modules }) => {
    const own = [...loadedBy(...modules)].filter((id) => !taken.has(id));
    own.forEach((id) => taken.add(id));
    return { name, ids: new Set(own) };
  });
}
let groups;
const groupOf = (id) => (groups ??= startGroups()).find(({ ids }) => ids.has(id))?.name ?? null;

const bundle = await rolldown({
  ...shared,
  input: { main: MAIN, config: CONFIG, ...BY_FILE },
  external,
  // Files of a group export what others need of it, entries too.
  preserveEntrySignatures: "allow-extension",
  plugins: [remembering],
});
// A guard starts at each edit: what it needs is one file, without the schemas that only servers check, and so without zod. It is no
// module: Node loads its own parts faster into a script.
const guardOptions = { ...shared, external, treeshake: { moduleSideEffects: false, manualPureFunctions: ["z"] } };
const partFiles = Object.entries(GUARD_PARTS).map(([name, module]) => [module, `./${name}.cjs`]);
const guard = await rolldown({
  ...guardOptions,
  input: { guard: GUARD },
  plugins: [elsewhere({ [CONFIG]: "./config.js", ...Object.fromEntries(partFiles) }), requiredParts],
});
const program = await rolldown({
  ...guardOptions,
  input: { baton: path.join(ROOT, "src/baton.ts") },
  plugins: [elsewhere({ [GUARD]: "./lib/guard.cjs", [MAIN]: "./main.js" }), requiredParts],
});
const guardParts = await rolldown({
  ...guardOptions,
  input: GUARD_PARTS,
  plugins: [elsewhere({ [CONFIG]: "./config.js" })],
});
const written = {
  dir: directory,
  format: "esm",
  sourcemap: true,
  // Two folders deep, as the sources: package.json and templates/ are found from there by the same path.
  entryFileNames: ({ name }) => (name === "main" ? "main.js" : "lib/[name].js"),
  chunkFileNames: "lib/[name]-[hash].js",
};
const script = { ...written, format: "cjs", entryFileNames: "lib/[name].cjs", chunkFileNames: "lib/[name]-[hash].cjs" };
const output = [
  ...(
    await bundle.write({
      ...written,
      codeSplitting: { groups: [{ name: groupOf, debugName: "start" }], includeDependenciesRecursively: false },
    })
  ).output,
  ...(await guard.write(script)).output,
  ...(await program.write({ ...script, entryFileNames: "[name].cjs" })).output,
  ...(await guardParts.write(script)).output,
];
for (const name of ["main.js", "baton.cjs"]) chmodSync(path.join(directory, name), 0o755);

// For those who want to know what a start loads. Not shipped.
const chunks = output.flatMap((file) =>
  file.type === "chunk" ? [[file.fileName, file.moduleIds.map((id) => path.relative(ROOT, id))]] : [],
);
writeFileSync(path.join(directory, "chunks.json"), JSON.stringify(Object.fromEntries(chunks), undefined, 1));
