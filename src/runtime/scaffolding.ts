import { constants } from "node:fs";
import {
  chmod,
  copyFile,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  symlink,
  unlink,
  writeFile,
} from "node:fs/promises";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { hasCode, messageOf, unlessCode } from "../base/errors.js";
import { isGits, leavesRoot } from "./files/confinement.js";

/** A file that is to be made below a root. */
export interface NewFile {
  /** Relative, with `/`, normalised. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly executable: boolean;
}

/** How the files to be made stand to what is there. Paths, in order. */
export interface Survey {
  /** Not there yet. */
  readonly fresh: readonly string[];
  /** There already, with the very same content. */
  readonly same: readonly string[];
  /** There already, with other content. */
  readonly other: readonly string[];
  /** Files that cannot be made at all, and why. */
  readonly refused: readonly { readonly path: string; readonly message: string }[];
}

/** Looks at everything before anything is written. Writes nothing. */
export async function surveyFiles(root: string, files: readonly NewFile[]): Promise<Survey> {
  const survey = {
    fresh: [] as string[],
    same: [] as string[],
    other: [] as string[],
    refused: [] as Survey["refused"][number][],
  };
  for (const file of files) {
    const standing = await standingOf(root, file);
    if (typeof standing === "string") survey[standing].push(file.path);
    else survey.refused.push({ path: file.path, ...standing });
  }
  return survey;
}

async function standingOf(root: string, file: NewFile): Promise<"fresh" | "same" | "other" | { message: string }> {
  if (leavesRoot(root, file.path)) return { message: "a symbolic link on the way leads outside of the root" };
  if (isGits(root, path.dirname(file.path))) return { message: "would lie in .git, which is git's own" };
  const target = path.join(root, file.path);
  for (let way = path.dirname(file.path); way !== "."; way = path.dirname(way)) {
    const found = await orMissing(lstat(await realpathOr(path.join(root, way))));
    if (found && !found.isDirectory()) return { message: `${way} exists and is not a directory` };
  }
  const found = await orMissing(lstat(target));
  if (!found) return "fresh";
  if (found.isDirectory()) return { message: "is a directory there" };
  if (!found.isFile()) return "other";
  return found.size === file.content.length && Buffer.compare(await readFile(target), file.content) === 0
    ? "same"
    : "other";
}

async function realpathOr(place: string): Promise<string> {
  return (await orMissing(realpath(place))) ?? place;
}

/** Files written so far, until they are kept or undone. */
export interface Written {
  /**
   * Undoes everything: made files are removed, replaced files return, made directories are removed. A file changed
   * since stays. Returns, in words, what could not be undone and where replaced files lie; else undefined.
   */
  undo(): Promise<string | undefined>;
  /** Lets it stand. */
  keep(): Promise<void>;
}

export interface Writing {
  readonly files: readonly NewFile[];
  /** Paths of those that may replace what is there; every other is made only where nothing is. */
  readonly replacing: ReadonlySet<string>;
}

/**
 * Writes files below a root, all or none. Everything is first written to a directory beside its place, so that a full disk or a
 * missing permission is met before anything is in its place, and no file is ever there half. Throws what the file system throws;
 * `EEXIST` where something has come to stand in the way since the look. The error has `leftBehind` if not all could be taken back.
 */
export async function writeFiles(root: string, { files, replacing }: Writing): Promise<Written> {
  const stage = await mkdtemp(path.join(root, ".baton-scaffold-"));
  const writer = new Writer(root, stage);
  try {
    for (const [index, file] of files.entries()) await writer.prepare(index, file);
    for (const [index, file] of files.entries()) await writer.place(index, file, replacing.has(file.path));
  } catch (error) {
    const leftBehind = await writer.undo();
    if (leftBehind !== undefined && error instanceof Error) Object.assign(error, { leftBehind });
    throw error;
  }
  return writer;
}

class InTheWay extends Error {
  readonly code = "EEXIST";

  constructor(place: string) {
    super(`EEXIST: ${place} has come to lead where it may not`);
  }
}

class Writer implements Written {
  /** Steps that undo the writing, in the order in which it was done. */
  readonly #backwards: { readonly of: string; readonly back: () => Promise<void> }[] = [];
  readonly #marks = new Map<number, Mark>();

  constructor(
    readonly root: string,
    readonly stage: string,
  ) {}

  async prepare(index: number, { content, executable }: NewFile): Promise<void> {
    const staged = this.#staged(index);
    await writeFile(staged, content, { flag: "wx", mode: 0o644 });
    if (executable) await chmod(staged, 0o755);
    this.#marks.set(index, await markOf(staged));
  }

  async place(index: number, file: NewFile, replace: boolean): Promise<void> {
    const target = path.join(this.root, file.path);
    this.#requireOwn(file.path);
    await this.#makeDirectory(path.dirname(file.path));
    this.#requireOwn(file.path);
    if (replace) {
      const old = path.join(this.stage, `old-${index}`);
      await rename(target, old);
      this.#backwards.push({ of: file.path, back: () => putBack(old, target) });
      if ((await lstat(old)).isDirectory()) throw new InTheWay(file.path);
    }
    const linked = await linkOrCopy(this.#staged(index), target);
    const mark = linked ? this.#marks.get(index) : await markOf(target);
    this.#backwards.push({ of: file.path, back: () => unlinkOwn(target, mark) });
  }

  async undo(): Promise<string | undefined> {
    const left: string[] = [];
    for (const { of, back } of this.#backwards.splice(0).reverse()) {
      await back().catch((error: unknown) => left.push(`${of} (${messageOf(error)})`));
    }
    if (left.length === 0) await this.keep().catch((error: unknown) => left.push(messageOf(error)));
    if (left.length === 0) return undefined;
    const more = left.length > SHOWN_MAX ? ` and ${left.length - SHOWN_MAX} more` : "";
    return `Not all could be taken back: ${left.slice(0, SHOWN_MAX).join(", ")}${more}. What was replaced and is not in its place lies in ${this.stage}.`;
  }

  async keep(): Promise<void> {
    await rm(this.stage, { recursive: true, force: true });
  }

  /** Another process may have put a link there since the check. */
  #requireOwn(place: string): void {
    if (leavesRoot(this.root, place) || isGits(this.root, path.dirname(place))) throw new InTheWay(place);
  }

  async #makeDirectory(below: string): Promise<void> {
    if (below === ".") return;
    const directory = path.join(this.root, below);
    if (await orMissing(lstat(directory))) return;
    await this.#makeDirectory(path.dirname(below));
    await mkdir(directory, { mode: 0o755 });
    // Another process may have put a file into it meanwhile; that file stays.
    this.#backwards.push({ of: below, back: () => rmdir(directory).catch(unlessUsed) });
  }

  #staged(index: number): string {
    return path.join(this.stage, `new-${index}`);
  }
}

const SHOWN_MAX = 20;

/** Identifies a file that has not been changed. */
interface Mark {
  readonly ino: bigint;
  readonly mtimeNs: bigint;
  readonly size: bigint;
}

async function markOf(place: string): Promise<Mark> {
  const { ino, mtimeNs, size } = await lstat(place, { bigint: true });
  return { ino, mtimeNs, size };
}

async function unlinkOwn(target: string, mark: Mark | undefined): Promise<void> {
  const found = await orMissing(markOf(target));
  if (found === undefined) return;
  if (!isDeepStrictEqual(found, mark)) throw new Error("was changed since, and stays");
  await unlink(target);
}

/** Never over what has come to stand there. */
async function putBack(old: string, target: string): Promise<void> {
  const found = await lstat(old);
  if (found.isDirectory()) return rename(old, target);
  // A second name of a link is made of what it leads to on some systems.
  if (found.isSymbolicLink()) await symlink(await readlink(old), target);
  else await linkOrCopy(old, target);
  await unlink(old);
}

/** Makes a file where nothing is, whole at once; never over or through what is there. False for a copy. */
async function linkOrCopy(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    // Some file systems have no second names.
    if (!hasCode(error, "EPERM", "ENOTSUP", "ENOSYS", "EMLINK", "EOPNOTSUPP")) throw error;
    await copyFile(from, to, constants.COPYFILE_EXCL);
    return false;
  }
}

function unlessUsed(error: unknown): void {
  if (!hasCode(error, "ENOTEMPTY", "EEXIST", "ENOENT")) throw error;
}

function orMissing<T>(read: Promise<T>): Promise<T | undefined> {
  return unlessCode(read, "ENOENT", "ENOTDIR");
}
