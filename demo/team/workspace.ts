import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { Place } from "./baton.js";

const COPIED = ["src", "scripts", "package.json", "tsconfig.json", "LICENSE"];

/** Copies this repository's own source into a new git repository in a temporary directory. */
export async function makeWorkspace(home: string): Promise<Place> {
  const directory = await mkdtemp(path.join(os.tmpdir(), "baton-demo-"));
  const repository = path.join(directory, "repository");
  await mkdir(repository);
  for (const name of COPIED) await cp(path.join(home, name), path.join(repository, name), { recursive: true });
  const git = (...args: string[]) => promisify(execFile)("git", args, { cwd: repository });
  await git("init", "--quiet");
  await git("add", "--all");
  // Your own identity, hooks and signing keys have no part in it.
  const own = ["user.name=Baton demo", "user.email=demo@localhost", "commit.gpgsign=false", "core.hooksPath=/dev/null"];
  await git(...own.flatMap((setting) => ["-c", setting]), "commit", "--quiet", "--message", "The source");
  // The clients' commits are those that this tag does not reach.
  await git("tag", "start");
  return { home, repository, database: path.join(directory, "baton.db") };
}

/** Where everything of a run lies: the copy, the database, the pictures. */
export function directoryOf(place: Place): string {
  return path.dirname(place.database);
}

export async function removeWorkspace(place: Place): Promise<void> {
  await rm(directoryOf(place), { recursive: true, force: true });
}
