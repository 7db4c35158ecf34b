import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { liesWithin } from "../base/directories.js";
import { utf8Text } from "../base/texts/text-file.js";
import { realPlace, unlessMissing } from "../runtime/files/confinement.js";
import { unfit } from "./editors/file-editor.js";

/** A file as it is on disk. */
export interface FileState {
  /** Where it lies in truth. Absolute. */
  readonly file: string;
  readonly bytes: Buffer | undefined;
  /** Without its byte order mark. */
  readonly text: string | undefined;
  readonly mode: number | undefined;
}

const BYTES_MAX = 1_048_576;
const MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const OWNER_WRITES = 0o200;

/** Reads a file that may be written to, if it lies in one of the directories whatever links lead to it. Throws `unfit`. */
export function readState(file: string, directories: readonly string[]): FileState {
  const real = realPlace(file);
  if (real === undefined) throw unfit("it is a symbolic link that leads round");
  if (!directories.some((directory) => liesWithin(realPlace(directory) ?? directory, real)))
    throw unfit(
      real === file ? "it lies outside of the repository" : `a symbolic link leads out of the repository, to ${real}`,
    );
  const facts = unlessMissing(() => statSync(real));
  if (facts === undefined) return { file: real, bytes: undefined, text: undefined, mode: undefined };
  if (!facts.isFile()) throw unfit(facts.isDirectory() ? "it is a directory" : "it is no file");
  if (facts.size > BYTES_MAX) throw unfit(`it has ${facts.size} bytes, and files up to ${BYTES_MAX} are changed`);
  const bytes = readFileSync(real);
  return { file: real, bytes, text: utf8Text(bytes, "it"), mode: facts.mode & 0o7777 };
}

/** The bytes of a changed text: with the mark that the file had. */
export function bytesOf(text: string, { bytes }: FileState): Buffer {
  return bytes?.subarray(0, MARK.length).equals(MARK) === true
    ? Buffer.concat([MARK, Buffer.from(text)])
    : Buffer.from(text);
}

/** Throws `unfit` for a file that its owner may not write: a rename would replace it all the same. */
export function requireWritable({ mode }: FileState): void {
  if (mode !== undefined && (mode & OWNER_WRITES) === 0) throw unfit("it is read-only");
}

/** The directories that are to be made for a file, outermost first. */
export function missingDirectories(file: string): string[] {
  const missing: string[] = [];
  for (let one = path.dirname(file); unlessMissing(() => lstatSync(one)) === undefined; one = path.dirname(one))
    missing.unshift(one);
  return missing;
}

/** Replaces a file as a whole, or removes it. Throws `unfit` where it is no longer as it was read, or a link now leads elsewhere. */
export function replaceFile(state: FileState, bytes: Buffer | undefined, mode: number): void {
  if (realPlace(state.file) !== state.file) throw unfit("a directory on the way was replaced by a symbolic link");
  const present = unlessMissing(() => readFileSync(state.file));
  if (present === undefined ? state.bytes !== undefined : state.bytes?.equals(present) !== true)
    throw unfit("it has been changed since it was read");
  if (bytes === undefined) return rmSync(state.file, { force: true });
  mkdirSync(path.dirname(state.file), { recursive: true });
  writeWhole(state.file, bytes, mode);
}

/** Puts a file in place as a whole, so that no reader meets half of it. */
export function writeWhole(file: string, bytes: Uint8Array | string, mode: number): void {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(draft, bytes, { mode, flag: "wx" });
    // The mask of the process does not hold for a file that was there.
    chmodSync(draft, mode);
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
