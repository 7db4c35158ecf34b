// Packs the package, installs the tarball into an empty folder as a stranger would, and runs a shipped example there.
//
//   node scripts/try-package.mjs
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const ROOT = path.resolve(import.meta.dirname, "..");
const place = mkdtempSync(path.join(tmpdir(), "baton-package-"));
const home = path.join(place, "home");
const project = path.join(place, "project");

try {
  const [packed] = JSON.parse(run(["npm", "pack", "--json", "--pack-destination", place], ROOT));
  process.stdout.write(
    `${packed.filename}: ${kb(packed.size)}, ${kb(packed.unpackedSize)} unpacked, ${packed.entryCount} files\n`,
  );
  for (const folder of [home, project]) mkdirSync(folder);
  // Only the package itself may compile at install.
  const manifest = { name: "stranger", private: true, allowScripts: { "better-sqlite3": true } };
  writeFileSync(path.join(project, "package.json"), JSON.stringify(manifest));
  run(["npm", "install", "--no-audit", "--no-fund", path.join(place, packed.filename)], project);
  run(["git", "init", "--quiet"], project);
  const example = "node_modules/baton-mcp/examples/fan-out.yaml";
  const told = run(["npx", "--no-install", "baton-mcp", "run", example, "--allow-commands"], project, {
    HOME: home,
    XDG_DATA_HOME: home,
    XDG_CONFIG_HOME: home,
    BATON_DB: path.join(home, "baton.db"),
  });
  process.stdout.write(told);
  if (!/succeeded/.test(told)) throw new Error("the example did not succeed");
} finally {
  rmSync(place, { recursive: true, force: true });
}

function run([program, ...args], cwd, env = {}) {
  return execFileSync(program, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
}

function kb(bytes) {
  return `${Math.round(bytes / 1024)} KB`;
}
