import { realpath, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { liesWithin } from "../../base/directories.js";
import { BatonError } from "../../base/errors.js";

/**
 * The directory a command runs in: `path` (relative to `root`, or absolute inside it) with every symlink resolved.
 * Errors: `invalid_input` when it is no existing directory or lies outside the root, by its name or through a symlink.
 */
export async function confinedDirectory(root: string, path = "."): Promise<string> {
  if (path.includes("\0")) throw new BatonError("invalid_input", "cwd contains NUL");
  const realRoot = await existing(root, "the project root");
  const named = resolve(realRoot, path);
  // Also the root as it was named is a way to say "inside", when it is a symlink itself.
  if (!liesWithin(realRoot, named) && !liesWithin(resolve(root), named)) throw outside(path, named);
  const real = await existing(named, "cwd");
  if (!liesWithin(realRoot, real)) throw outside(path, real);
  if (!(await stat(real)).isDirectory()) throw new BatonError("invalid_input", `cwd: ${path} is not a directory`);
  return real;
}

function outside(path: string, resolved: string): BatonError {
  return new BatonError("invalid_input", `cwd: ${path} is outside the project root`, { details: { path, resolved } });
}

async function existing(path: string, what: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    const why = code === "ENOENT" ? "does not exist" : `cannot be read (${code})`;
    throw new BatonError("invalid_input", `${what} ${path} ${why}`, { details: { path } });
  }
}
