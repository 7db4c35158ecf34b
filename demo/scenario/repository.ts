import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { environmentOf, type Place } from "../team/baton.js";
import { runGit } from "../team/git.js";
import { TESTS } from "./texts.js";

const OUTSIDE = { name: "scenario", conversation: "" };

/** A new git repository in a temporary directory, with the tests that the library must pass. */
export async function makeRepository(home: string): Promise<Place> {
  const directory = await mkdtemp(path.join(os.tmpdir(), "baton-team-"));
  const place = { home, repository: path.join(directory, "repository"), database: path.join(directory, "baton.db") };
  await mkdir(path.join(place.repository, "test"), { recursive: true });
  await writeFile(path.join(place.repository, "test/money.test.mjs"), TESTS);
  await git(place, "init", "--quiet");
  await git(place, "add", "--all");
  await git(place, "commit", "--quiet", "--message", "The tests");
  return place;
}

/** Runs git in the repository, with none of your configuration, and returns what it prints. */
export async function git(place: Place, ...args: readonly string[]): Promise<string> {
  const author = ["-c", "user.name=Baton demo", "-c", "user.email=demo@localhost"];
  return runGit([...author, ...args], { cwd: place.repository, env: environmentOf(place, OUTSIDE) });
}
