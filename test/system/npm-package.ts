import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";

const CACHE = path.resolve(import.meta.dirname, "../../.build/system");

/** A program of another project, as people install it. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
}

/**
 * Installs a package once, and returns the directory of its programs; undefined where npm cannot, which is said, since the tests that
 * need it are then skipped.
 */
export function programsOf({ name, version }: NpmPackage): string | undefined {
  const prefix = path.join(CACHE, `${name}-${version}`);
  const programs = path.join(prefix, "node_modules/.bin");
  if (existsSync(path.join(programs, name))) return programs;
  mkdirSync(prefix, { recursive: true });
  const args = ["install", "--no-audit", "--no-fund", "--no-save", "--prefix", prefix, `${name}@${version}`];
  const { status, stderr } = spawnSync("npm", args, { encoding: "utf8", timeout: 100_000 });
  if (status === 0 && existsSync(path.join(programs, name))) return programs;
  process.stderr.write(`SKIPPED: all tests with ${name}@${version}, which npm cannot install: ${stderr.trim()}\n`);
  return undefined;
}

/** The directory of a program that is installed on this machine; undefined where it is none, which is said. */
export function installed(name: string): string | undefined {
  const directories = (process.env["PATH"] ?? "").split(path.delimiter);
  const found = directories.find((directory) => spawnSync(path.join(directory, name), ["--version"]).status === 0);
  if (found === undefined) process.stderr.write(`SKIPPED: all tests with ${name}, which is not installed\n`);
  return found;
}
