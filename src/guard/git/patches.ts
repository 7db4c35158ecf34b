import { closeSync, openSync, readSync } from "node:fs";

const BYTES_MAX = 2 * 1024 * 1024;

/** The beginning of a file that holds a patch; empty where it cannot be read. */
export function patchIn(file: string): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, "r");
    const bytes = Buffer.alloc(BYTES_MAX);
    return bytes.toString("utf8", 0, readSync(descriptor, bytes, 0, BYTES_MAX, 0));
  } catch {
    return "";
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** The files that a patch in git's form changes, without the first `strip` segments of their names. */
export function changesWithin(patch: string, strip: number): readonly string[] {
  const names = [...patch.matchAll(/^(?:(?:---|\+\+\+) (?!\/dev\/null)([^\t\n\r]+)|rename (?:from|to) ([^\n\r]+))/gm)];
  return names
    .map(([, file, renamed]) => renamed ?? file?.split("/").slice(strip).join("/") ?? "")
    .filter((file) => file !== "" && !file.split("/").includes(".."))
    .slice(0, 10_000);
}
