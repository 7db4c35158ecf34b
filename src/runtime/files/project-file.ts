import { constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import path from "node:path";
import { liesWithin } from "../../base/directories.js";
import { BatonError, codeOf } from "../../base/errors.js";
import { isGits, realPlace } from "./confinement.js";

/** A file of a project. */
export interface ProjectFile {
  /** Relative to the root, with `/`. */
  readonly path: string;
  readonly data: Buffer;
}

/**
 * Reads a file below a root, wherever links lead within it. Errors: `invalid_input` for one that lies elsewhere, is git's own or no
 * regular file, or cannot be read; `limit_exceeded` above the bound.
 */
export async function readProjectFile(root: string, written: string, bytesMax: number): Promise<ProjectFile> {
  const realRoot = realPlace(root);
  const place = written.includes("\0") || realRoot === undefined ? undefined : realPlace(path.resolve(root, written));
  if (place === undefined || realRoot === undefined || !liesWithin(realRoot, place))
    throw refused(written, `lies outside the project's root ${root}`);
  const relative = path.relative(realRoot, place);
  if (isGits(realRoot, relative)) throw refused(written, "is git's own");
  try {
    // Opening a pipe to read would wait for a writer.
    const handle = await open(place, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const opened = await handle.stat({ bigint: true });
      if (!opened.isFile()) throw refused(written, "is no regular file");
      if (opened.size > bytesMax) throw tooLarge(written, Number(opened.size), bytesMax);
      const named = await stat(place, { bigint: true });
      // A directory on the way may have been exchanged for a link meanwhile.
      if (realPlace(place) !== place || named.ino !== opened.ino || named.dev !== opened.dev)
        throw refused(written, "was exchanged while it was opened");
      const data = await handle.readFile();
      if (data.length > bytesMax) throw tooLarge(written, data.length, bytesMax);
      return { path: relative.split(path.sep).join("/"), data };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = codeOf(error);
    if (error instanceof BatonError || code === undefined) throw error;
    throw refused(written, code === "ENOENT" ? "does not exist" : `cannot be read (${code})`);
  }
}

function refused(written: string, why: string): BatonError {
  const message = `The file "${written}" ${why}. Give the path of a regular file inside the project, or the content itself. Nothing was stored.`;
  return new BatonError("invalid_input", message, { details: { path: "path", given: written } });
}

function tooLarge(written: string, bytes: number, max: number): BatonError {
  const message = `The file "${written}" has ${bytes} bytes, and an artifact at most ${max} (artifact_bytes_max). Nothing was stored. Keep it as a file of the project, and put a summary with its path.`;
  return new BatonError("limit_exceeded", message, { details: { path: "path", bytes, max } });
}
