import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

const BYTES_MAX = 2 * 1024 * 1024;

/** The beginning of a regular file; undefined for any other, such as a pipe, which may never end, and for one that cannot be read. */
export function regularText(file: string): string | undefined {
  let descriptor: number | undefined;
  try {
    // The open of a pipe would wait for its writer.
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const facts = fstatSync(descriptor);
    if (!facts.isFile()) return undefined;
    const bytes = Buffer.alloc(Math.min(facts.size, BYTES_MAX));
    return bytes.toString("utf8", 0, readSync(descriptor, bytes, 0, bytes.length, 0));
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
