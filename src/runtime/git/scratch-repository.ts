import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { askGit, type GitQuery } from "./git-reader.js";

/** Where the objects of a scratch repository come from. */
export interface ScratchSource {
  /** The git directory that the worktrees of the repository share. */
  readonly common: string;
  /** The attributes in force. */
  readonly attributes: string;
  /** A commit of it: tells the hash that it uses. */
  readonly commit: string;
}

/** Settings of this machine do not count here: they may name programs. */
const OWN_SETTINGS = { GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: os.devNull };

/**
 * A repository without a work tree that sees the objects of another and writes its own beside them, so that commits are tried without a
 * trace in the other. It has no settings: no driver, filter or hook of the other is run.
 */
export class ScratchRepository {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async of(source: ScratchSource): Promise<ScratchRepository> {
    const scratch = new ScratchRepository(await mkdtemp(path.join(os.tmpdir(), "baton-merge-")));
    try {
      await scratch.#begin(source);
    } catch (error) {
      await scratch.remove();
      throw error;
    }
    return scratch;
  }

  async #begin({ common, attributes, commit }: ScratchSource): Promise<void> {
    const directory = this.#directory;
    const isNewHash = commit.length === 64;
    const format = isNewHash
      ? "repositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n"
      : "repositoryformatversion = 0\n";
    await mkdir(path.join(directory, "objects", "info"), { recursive: true });
    await mkdir(path.join(directory, "refs"));
    await mkdir(path.join(directory, "info"));
    await Promise.all([
      writeFile(path.join(directory, "HEAD"), "ref: refs/heads/none\n"),
      writeFile(path.join(directory, "config"), `[core]\n\tbare = true\n\t${format}`),
      writeFile(path.join(directory, "objects", "info", "alternates"), `${path.join(common, "objects")}\n`),
      writeFile(path.join(directory, "info", "attributes"), attributes),
      copyFile(path.join(common, "shallow"), path.join(directory, "shallow")).catch(() => undefined),
    ]);
  }

  ask(args: readonly string[], query: GitQuery): Promise<Buffer | undefined> {
    return askGit(this.#directory, [`--git-dir=${this.#directory}`, ...args], { ...query, env: OWN_SETTINGS });
  }

  async remove(): Promise<void> {
    // A git that was ended may still write there.
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 });
  }
}

const ATTRIBUTES_MAX = 64 * 1024;

/** The attributes at the root of a work tree and of its repository: built-in ways of merging, such as union, are asked for there. */
export async function attributesOf(workTree: string, common: string): Promise<string> {
  const places = [path.join(workTree, ".gitattributes"), path.join(common, "info", "attributes")];
  const texts = await Promise.all(places.map((place) => readFile(place, "utf8").catch(() => "")));
  return texts.map((text) => text.slice(0, ATTRIBUTES_MAX)).join("\n");
}
