import { execFileSync } from "node:child_process";
import path from "node:path";

/** The directory that is set up, and what git says about it. */
export interface Repository {
  /** Root of the working tree, else the directory itself. Absolute. */
  readonly root: string;
  readonly git:
    | {
        /** Git's own directory, common to all working trees. Absolute. */
        readonly directory: string;
        /** Where git looks for hooks. Absolute. */
        readonly hooks: string;
        readonly exclude: string;
        /** Of these files, those that git tracks. */
        readonly tracked: (files: readonly string[]) => ReadonlySet<string>;
        readonly ignored: (files: readonly string[]) => ReadonlySet<string>;
      }
    | undefined;
}

export function repositoryAt(cwd: string): Repository {
  const top = gitSays(cwd, ["rev-parse", "--show-toplevel"]);
  if (top === undefined) return { root: cwd, git: undefined };
  const root = path.resolve(top);
  const said = gitSays(root, ["rev-parse", "--git-common-dir", "--git-path", "hooks", "--git-path", "info/exclude"]);
  const [directory, hooks, exclude] = (said ?? "").split("\n").map((place) => path.resolve(root, place));
  if (directory === undefined || hooks === undefined || exclude === undefined) return { root, git: undefined };
  return { root, git: { directory, hooks, exclude, ...listings(root) } };
}

function listings(root: string): Pick<NonNullable<Repository["git"]>, "tracked" | "ignored"> {
  const listed = (args: readonly string[], files: readonly string[]): ReadonlySet<string> => {
    const relative = files.map((file) => path.relative(root, file)).filter((file) => !file.startsWith(".."));
    const out = relative.length === 0 ? undefined : gitSays(root, [...args, "--", ...relative]);
    return new Set(
      (out ?? "")
        .split("\0")
        .filter(Boolean)
        .map((file) => path.join(root, file)),
    );
  };
  return {
    tracked: (files) => listed(["ls-files", "-z"], files),
    ignored: (files) => listed(["check-ignore", "-z"], files),
  };
}

/** A pipe in place of one of its files holds git up for ever. */
const GIT_MS_MAX = 10_000;

/** Undefined where git refuses, takes too long, or is not there. */
function gitSays(cwd: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync("git", ["--literal-pathspecs", ...args], {
      cwd,
      encoding: "utf8",
      timeout: GIT_MS_MAX,
      stdio: ["ignore", "pipe", "ignore"],
    }).trimEnd();
  } catch {
    return undefined;
  }
}
