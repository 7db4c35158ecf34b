import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";

const CACHE = path.resolve(import.meta.dirname, "../../.build/system");

/** The largest, some 110 MB, takes half a minute on an idle machine. */
const INSTALL_MS_MAX = 400_000;

/** A program of another project, as people install it. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** Its command, where that is not its name. */
  readonly program?: string;
}

/**
 * Installs a package once, and returns the directory of its installation; undefined where npm cannot, which is said, since the tests that
 * need it are then skipped.
 */
export function directoryOf({ name, version, program = name }: NpmPackage): string | undefined {
  const prefix = path.join(CACHE, `${name.replace(/^@.*\//, "")}-${version}`);
  const isThere = () => existsSync(path.join(prefix, "node_modules/.bin", program));
  if (isThere()) return prefix;
  mkdirSync(prefix, { recursive: true });
  const args = ["install", "--no-audit", "--no-fund", "--no-save", "--prefix", prefix, `${name}@${version}`];
  const { status, stderr } = spawnSync("npm", args, { encoding: "utf8", timeout: INSTALL_MS_MAX });
  if (status === 0 && isThere()) return prefix;
  process.stderr.write(`SKIPPED: all tests with ${name}@${version}, which npm cannot install: ${stderr.trim()}\n`);
  return undefined;
}

/** The directory of its programs. */
export function programsOf(wanted: NpmPackage): string | undefined {
  const directory = directoryOf(wanted);
  return directory && path.join(directory, "node_modules/.bin");
}

const NODE = { name: "node", version: "22.23.3" } as const;

/** A Node of this version or later: the one that runs the tests, or npm's. */
export function nodeOf(major: number): string | undefined {
  if (Number(process.versions.node.split(".")[0]) >= major) return process.execPath;
  const programs = programsOf(NODE);
  return programs && path.join(programs, NODE.name);
}

/** The directory of a program that is installed on this machine; undefined where it is none, which is said. */
export function installed(name: string): string | undefined {
  const directories = (process.env["PATH"] ?? "").split(path.delimiter);
  const found = directories.find((directory) => spawnSync(path.join(directory, name), ["--version"]).status === 0);
  if (found === undefined) process.stderr.write(`SKIPPED: all tests with ${name}, which is not installed\n`);
  return found;
}
