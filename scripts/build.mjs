// Builds dist/ beside the old one and then swaps them, so that a failed build leaves the last good one, and a server
// that runs from dist/ never sees half of it.
//
//   node scripts/build.mjs [--if-stale] [--keep-going]
//
// --if-stale    does nothing when dist/ was made from exactly these sources
// --keep-going  takes the compiler's output in spite of type errors
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

const ROOT = path.resolve(import.meta.dirname, "..");
const DIST = path.join(ROOT, "dist");
// Beside dist/: a rename within a file system is one step, and the package's settings hold there too.
const WORK = path.join(ROOT, ".build");
const STAGE = path.join(WORK, `stage-${process.pid}`);
const OLD = path.join(WORK, `old-${process.pid}`);
const STAMP = ".inputs";
const DASHBOARD = path.join(ROOT, "dashboard");
const DASHBOARD_INPUTS = ["src", "index.html", "run-app.html", "package.json", "tsconfig.json"].concat([
  "vite.config.ts",
  "vite.app.config.ts",
]);
const INPUTS = ["src", "scripts", "package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json"].concat(
  DASHBOARD_INPUTS.map((name) => `dashboard/${name}`),
);
const SWAPS_MAX = 10;

/** What is made from the compiled code, in order: each is a script that is given the directory of the new build. */
const GENERATORS = ["scripts/tool-list.mjs", "scripts/bundle.mjs"];

const options = new Set(process.argv.slice(2));
const inputs = hashOfInputs();

if (!options.has("--if-stale") || inputs !== stampOf(DIST)) build();

function build() {
  try {
    mkdirSync(WORK, { recursive: true });
    if (!compile() || !GENERATORS.every((script) => run([path.join(ROOT, script), STAGE])) || !buildPages()) {
      process.exitCode = 1;
      return;
    }
    writeFileSync(path.join(STAGE, STAMP), inputs);
    swap();
  } finally {
    rmSync(STAGE, { recursive: true, force: true });
    rmSync(OLD, { recursive: true, force: true });
  }
}

function compile() {
  const compiler = path.join(ROOT, "node_modules/typescript/bin/tsc");
  const sound = run([compiler, "-p", path.join(ROOT, "tsconfig.build.json"), "--outDir", STAGE]);
  return sound || (options.has("--keep-going") && existsSync(STAGE));
}

/** The dashboard, and the page of a run for clients that show MCP Apps. */
function buildPages() {
  return buildPage("vite.config.ts", "dashboard") && buildPage("vite.app.config.ts", "apps");
}

function buildPage(config, directory) {
  const vite = path.join(ROOT, "node_modules/vite/bin/vite.js");
  const outDir = path.join(STAGE, directory);
  // A test that builds has another environment, in which React would be its larger self for developers.
  const env = { ...process.env, NODE_ENV: "production" };
  const where = ["--config", path.join(DASHBOARD, config), "--outDir", outDir, "--emptyOutDir"];
  return run([vite, "build", DASHBOARD, ...where, "--logLevel", "warn"], env);
}

function run(args, env = process.env) {
  return spawnSync(process.execPath, args, { cwd: ROOT, stdio: "inherit", env }).status === 0;
}

function hashOfInputs() {
  const hash = createHash("sha256");
  for (const input of INPUTS.flatMap(filesIn)) {
    hash
      .update(`${input}\0`)
      .update(readFileSync(path.join(ROOT, input)))
      .update("\0");
  }
  return hash.digest("hex");
}

function filesIn(input) {
  const entries = readdirSync(path.join(ROOT, path.dirname(input)), { withFileTypes: true });
  const entry = entries.find(({ name }) => name === path.basename(input));
  if (entry === undefined) return [];
  if (entry.isFile()) return [input];
  return readdirSync(path.join(ROOT, input))
    .sort()
    .flatMap((name) => filesIn(path.join(input, name)));
}

function stampOf(directory) {
  const stamp = path.join(directory, STAMP);
  return existsSync(stamp) ? readFileSync(stamp, "utf8") : undefined;
}

// Two builds may end at once: whoever finds dist/ occupied again moves it away again.
function swap() {
  for (let tries = 1; ; tries++) {
    if (existsSync(DIST)) renameSync(DIST, OLD);
    try {
      renameSync(STAGE, DIST);
      return;
    } catch (error) {
      if (tries >= SWAPS_MAX || !["ENOTEMPTY", "EEXIST"].includes(error.code)) throw error;
      rmSync(OLD, { recursive: true, force: true });
    }
  }
}
