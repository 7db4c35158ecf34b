import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { environmentOf, type Place } from "./baton.js";
import { CLIENTS } from "./orders.js";

const COPIED = ["src", "scripts", "package.json", "tsconfig.json", "LICENSE"];

const NOBODY = { name: "demo", conversation: "" };

/** Copies this repository's own source into a new git repository in a temporary directory, and has `baton init` set that up. */
export async function makeWorkspace(home: string): Promise<Place> {
  const directory = await mkdtemp(path.join(os.tmpdir(), "baton-demo-"));
  const repository = path.join(directory, "repository");
  await mkdir(repository);
  for (const name of COPIED) await cp(path.join(home, name), path.join(repository, name), { recursive: true });
  const place = { home, repository, database: path.join(directory, "baton.db") };
  const env = environmentOf(place, NOBODY);
  const run = (command: string, ...args: string[]) => promisify(execFile)(command, args, { cwd: repository, env });
  await run("git", "init", "--quiet");
  await run("git", "add", "--all");
  const author = ["-c", "user.name=Baton demo", "-c", "user.email=demo@localhost"];
  await run("git", ...author, "commit", "--quiet", "--message", "The source");
  // The clients' commits are those that this tag does not reach.
  await run("git", "tag", "start");
  const clients = CLIENTS.flatMap((name) => ["--client", name]);
  await run(process.execPath, path.join(home, "dist/main.js"), "init", ...clients, "--yes");
  return place;
}

/** The top of this repository, whether this file runs compiled or not. */
export function homeOf(directory: string): string {
  return existsSync(path.join(directory, "package.json")) ? directory : homeOf(path.dirname(directory));
}

/** Where everything of a run lies: the copy, the database, the pictures. */
export function directoryOf(place: Place): string {
  return path.dirname(place.database);
}

export async function removeWorkspace(place: Place): Promise<void> {
  await rm(directoryOf(place), { recursive: true, force: true });
}
