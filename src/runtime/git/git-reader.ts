import { spawn } from "node:child_process";
import { once } from "node:events";

const BYTES_MAX = 64 * 1024 * 1024;
const ASKED_MS = 20_000;

/**
 * Settings under which git starts no program that a repository names: no monitor, no hook, no transport. What is asked for are objects and
 * names alone, so that no filter, textconv, external diff or pager comes into it either.
 */
const SAFE = [
  "--no-pager",
  "--no-replace-objects",
  "--literal-pathspecs",
  "-c",
  "core.fsmonitor=false",
  "-c",
  "core.hooksPath=/dev/null",
  "-c",
  "core.untrackedCache=false",
  "-c",
  "protocol.allow=never",
];

/** Variables of this process, without those that would point git elsewhere. */
function ownVariables(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_"));
  return {
    ...Object.fromEntries(kept),
    GIT_OPTIONAL_LOCKS: "0",
    GIT_NO_LAZY_FETCH: "1",
    GIT_ALLOW_PROTOCOL: "none",
    GIT_TERMINAL_PROMPT: "0",
    LC_ALL: "C",
  };
}

/** A question to git. */
export interface GitQuery {
  readonly input?: string | Buffer;
  /** Codes of its exit beside 0 that are an answer. */
  readonly codes?: readonly number[];
  readonly env?: NodeJS.ProcessEnv;
  /** Settings for this question, `name=value`. */
  readonly settings?: readonly string[];
  /** Ends the question. Default: 20 seconds from now. */
  readonly signal?: AbortSignal;
}

/** Asks git below a directory. Returns its output; undefined where it fails, takes too long or says too much. */
export async function askGit(cwd: string, args: readonly string[], query: GitQuery = {}): Promise<Buffer | undefined> {
  const { input = "", codes = [], settings = [], signal = AbortSignal.timeout(ASKED_MS) } = query;
  try {
    const child = spawn("git", [...SAFE, ...settings.flatMap((one) => ["-c", one]), ...args], {
      cwd,
      env: { ...ownVariables(), ...query.env },
      windowsHide: true,
      signal,
      stdio: ["pipe", "pipe", "ignore"],
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > BYTES_MAX) child.kill();
      else chunks.push(chunk);
    });
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const [code] = (await once(child, "close")) as [number | null];
    return (code === 0 || codes.includes(code ?? -1)) && bytes <= BYTES_MAX ? Buffer.concat(chunks) : undefined;
  } catch {
    return undefined;
  }
}

/** The commit that is checked out below a directory: null before the first one, undefined where there is no repository. */
export async function headOf(cwd: string, query: GitQuery = {}): Promise<string | null | undefined> {
  const inside = await askGit(cwd, ["rev-parse", "--is-inside-work-tree"], query);
  if (inside?.toString("utf8").trim() !== "true") return undefined;
  const head = await askGit(cwd, ["rev-parse", "--verify", "-q", "HEAD^{commit}"], query);
  return head === undefined ? null : head.toString("utf8").trim();
}

/**
 * Settings by which no filter of this machine or of a repository is run. Git compares a file that was written in the same moment as its index
 * by content, and would filter it for that. Undefined where git does not say which there are.
 */
export async function filtersOff(cwd: string, query: GitQuery = {}): Promise<string[] | undefined> {
  const text = await askGit(cwd, ["config", "-z", "--list", "--name-only"], query);
  const names = new Set(
    text
      ?.toString("utf8")
      .split("\0")
      .flatMap((name) => /^(filter\..+)\.[^.]+$/s.exec(name)?.[1] ?? []),
  );
  // A name with this sign cannot be set so.
  if (text === undefined || [...names].some((name) => name.includes("="))) return undefined;
  return [...names].flatMap((name) => [`${name}.clean=`, `${name}.process=`, `${name}.required=false`]);
}

/** A file of a commit. */
export interface CommittedFile {
  readonly path: string;
  readonly mode: string;
  readonly object: string;
}

/** The files of a commit below a directory, relative to it. Undefined where the commit is not there. */
export async function filesOf(cwd: string, commit: string): Promise<CommittedFile[] | undefined> {
  const text = await askGit(cwd, ["ls-tree", "-r", "-z", commit]);
  return text
    ?.toString("utf8")
    .split("\0")
    .flatMap((line): CommittedFile[] => {
      const [, mode, type, object, path] = /^(\d+) (\w+) ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
      if (mode === undefined || type !== "blob" || object === undefined || path === undefined) return [];
      return [{ path, mode, object }];
    });
}

/** Files of a work tree below a directory that git knows, or would not ignore. */
export async function presentFiles(cwd: string): Promise<string[] | undefined> {
  const text = await askGit(cwd, ["ls-files", "-z", "-c", "-o", "--exclude-standard"]);
  return (
    text && [
      ...new Set(
        text
          .toString("utf8")
          .split("\0")
          .filter((path) => path !== ""),
      ),
    ]
  );
}

/** The contents of objects, by their names. */
export async function contentsOf(
  cwd: string,
  objects: readonly string[],
  query: GitQuery = {},
): Promise<Map<string, Buffer> | undefined> {
  const found = new Map<string, Buffer>();
  if (objects.length === 0) return found;
  const output = await askGit(cwd, ["cat-file", "--batch"], { ...query, input: `${objects.join("\n")}\n` });
  if (output === undefined) return undefined;
  for (let at = 0; at < output.length;) {
    const end = output.indexOf(10, at);
    const [object = "", type, size] = output.toString("utf8", at, end).split(" ");
    at = end + 1;
    if (type !== "blob" || size === undefined) continue;
    found.set(object, output.subarray(at, at + Number(size)));
    at += Number(size) + 1;
  }
  return found;
}
