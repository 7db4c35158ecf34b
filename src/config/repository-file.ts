import fs from "node:fs";
import path from "node:path";
import { messageOf } from "../base/errors.js";
import type { Settings } from "../base/settings.js";

/**
 * Settings that a repository's own file may lower: they bound what the process started there takes. Everything else
 * reaches work of other projects, the person, or what is kept.
 */
export const LOWERABLE: readonly (keyof Settings)[] = [
  "open_tasks_max",
  "depth_max",
  "payload_bytes_max",
  "input_bytes_max",
  "artifact_bytes_max",
  "patterns_max",
  "max_concurrent_commands",
  "max_concurrent_tool_calls",
  "wait_max_ms",
  "wait_max_with_progress_ms",
];

const BYTES_MAX = 1_048_576;
const ROOT_USER = 0;

export interface RepositoryFile {
  readonly file: string;
  readonly text: string;
}

/**
 * Reads the file of this name nearest to `cwd`, up to the git root, outside git in `cwd` alone. It came with the repository:
 * only a regular file of at most 1 MB that belongs to this user or root is read; any other is left out with a warning.
 */
export function readRepositoryFile(
  cwd: string,
  name: string,
): { readonly found?: RepositoryFile; readonly warning?: string } {
  const file = findUpwards(cwd, name);
  if (file === undefined) return {};
  try {
    const text = readOwn(file);
    return typeof text === "string" ? { found: { file, text } } : { warning: `${file} is left out: ${text.why}` };
  } catch (error) {
    return { warning: `${file} is left out: ${messageOf(error)}` };
  }
}

function readOwn(file: string): string | { readonly why: string } {
  if (!fs.lstatSync(file).isFile()) return { why: "it is not a regular file" };
  const handle = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  try {
    // The opened file is asked, because the name may stand for another by now.
    const found = fs.fstatSync(handle);
    if (!found.isFile()) return { why: "it is not a regular file" };
    if (found.size > BYTES_MAX) return { why: `it is larger than ${BYTES_MAX} bytes` };
    const user = process.getuid?.();
    if (user !== undefined && found.uid !== user && found.uid !== ROOT_USER)
      return { why: `it belongs to user ${found.uid}, not to the one who started this process` };
    const content = Buffer.alloc(found.size);
    const bytes = fs.readSync(handle, content, 0, found.size, 0);
    return content.toString("utf8", 0, bytes);
  } finally {
    fs.closeSync(handle);
  }
}

function findUpwards(cwd: string, name: string): string | undefined {
  const start = path.resolve(cwd);
  const top = gitRootOf(start) ?? start;
  for (let directory = start; ; directory = path.dirname(directory)) {
    const file = path.join(directory, name);
    if (fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined) return file;
    if (directory === top) return undefined;
  }
}

/** The nearest directory, from this one up, that holds a `.git`. */
export function gitRootOf(start: string): string | undefined {
  for (let directory = start; ; directory = path.dirname(directory)) {
    if (fs.existsSync(path.join(directory, ".git"))) return directory;
    if (directory === path.dirname(directory)) return undefined;
  }
}
