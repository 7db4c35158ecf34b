import { execFile } from "node:child_process";
import path from "node:path";

/** A place from which git is asked: its directory, its options before the verb, and the variables the line gives to it. */
export interface GitPlace {
  readonly cwd: string;
  readonly globals: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A path that differs from the commit, in the letters of `git status --porcelain`. */
export interface PathChange {
  readonly path: string;
  readonly staged: boolean;
  readonly unstaged: boolean;
  readonly untracked: boolean;
}

const BYTES_MAX = 16 * 1024 * 1024;
const PATHS_MAX = 100_000;

/** A work tree as git sees it. Git takes no lock for these questions, and none is asked past the limit. */
export class WorkTree {
  readonly #place: GitPlace;
  readonly #limit: AbortSignal;

  constructor(place: GitPlace, limit: AbortSignal) {
    this.#place = place;
    this.#limit = limit;
  }

  /** Another work tree, asked within the same limit. */
  at(cwd: string): WorkTree {
    return new WorkTree({ cwd, globals: [], env: {} }, this.#limit);
  }

  /** The root, and the place of the directory in it; undefined outside of a work tree. */
  async root(): Promise<{ readonly top: string; readonly prefix: string } | undefined> {
    const text = await this.ask(["rev-parse", "--show-toplevel", "--show-prefix"]);
    const [top = "", prefix = ""] = text?.split("\n") ?? [];
    return top === "" ? undefined : { top: path.normalize(top), prefix };
  }

  /** Paths that differ from HEAD or the index, with those that git does not know. */
  async changes(pathspecs: readonly string[] = []): Promise<readonly PathChange[]> {
    const text = await this.ask(["status", "--porcelain=v1", "-z", "-uall", "--no-renames", "--", ...pathspecs]);
    return (text ?? "")
      .split("\0")
      .slice(0, PATHS_MAX)
      .filter((line) => line.length > 3)
      .map((line) => {
        const untracked = line.startsWith("?");
        return {
          path: line.slice(3),
          staged: !untracked && line[0] !== " ",
          unstaged: !untracked && line[1] !== " ",
          untracked,
        };
      });
  }

  /** Paths that a command of git lists, parted by zeros, relative to the root. */
  async paths(args: readonly string[]): Promise<readonly string[]> {
    const text = await this.ask(args);
    return [
      ...new Set(
        (text ?? "")
          .split(/\0+\n?/)
          .map((file) => file.trimStart())
          .filter((file) => file !== ""),
      ),
    ].slice(0, PATHS_MAX);
  }

  /** Paths that differ between two sides, as `git diff` takes them. */
  async differing(...sides: readonly string[]): Promise<readonly string[]> {
    return this.paths(["diff", "--name-only", "--no-renames", "-z", ...sides]);
  }

  /** The paths of a stash. `git stash show` refuses one that has a path both as a change and as a file that git did not know. */
  async stashed(name: string): Promise<readonly string[]> {
    const [changed, untracked] = await Promise.all([
      this.differing(`${name}^1`, name, "--"),
      this.paths(["ls-tree", "-r", "--name-only", "--full-tree", "-z", `${name}^3`]),
    ]);
    return [...new Set([...changed, ...untracked])];
  }

  /** The id of a commit, undefined where the name is none. */
  async commit(name: string): Promise<string | undefined> {
    return (await this.ask(["rev-parse", "--verify", "-q", `${name}^{commit}`]))?.trim();
  }

  /** The output of git, undefined where it fails or takes too long. */
  async ask(args: readonly string[]): Promise<string | undefined> {
    if (this.#limit.aborted) return undefined;
    const { cwd, globals, env } = this.#place;
    const options = {
      cwd,
      signal: this.#limit,
      maxBuffer: BYTES_MAX,
      windowsHide: true,
      env: { ...process.env, ...env, GIT_OPTIONAL_LOCKS: "0", LC_ALL: "C" },
    };
    return new Promise((resolve) => {
      execFile("git", [...globals, "-c", "core.fsmonitor=false", ...args], options, (error, stdout) => {
        // The beginning of what is too long is better than nothing.
        const isCut = error?.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER";
        resolve(error === null || isCut ? stdout : undefined);
      });
    });
  }
}
