import { createHash } from "node:crypto";
import { lstat, readlink } from "node:fs/promises";
import path from "node:path";
import { createTwoFilesPatch } from "diff";
import { BatonError } from "../../base/errors.js";
import { readProjectFile } from "../files/project-file.js";
import { type CommittedFile, contentsOf, filesOf, headOf, presentFiles } from "./git-reader.js";

export interface DiffRequest {
  /** Directory that the paths are relative to. */
  readonly root: string;
  /** The commit to compare with; null for none, so that every file is new. */
  readonly base: string | null;
  /** Whether a path, relative to the root, is among the files that are compared. */
  readonly isOwn: (path: string) => boolean;
}

/** A diff with the commit that was checked out, or why there is none. */
export type OwnDiff = { readonly text: string; readonly commit: string | null } | { readonly why: string };

const FILES_MAX = 5_000;
const FILE_BYTES_MAX = 512 * 1024;
const TEXT_BYTES_MAX = 512 * 1024;
/** Lines that may differ before a file is named in place of being compared: the comparison takes their square. */
const EDITS_MAX = 2_000;

/** A file as it is on disk. */
export interface PresentFile {
  readonly data: Buffer;
  readonly mode: string;
}

/**
 * Compares files of a work tree, as they are on disk, with those of a commit: committed since, changed or new. Git is asked for objects
 * and names; files are read and compared here, so that nothing that a repository configures is run. Of the same files the text is the same,
 * whatever else was committed. Files that are binary, or too large to show, are named with the hash of their content.
 */
export async function ownDiff({ root, base, isOwn }: DiffRequest): Promise<OwnDiff> {
  const commit = await headOf(root);
  if (commit === undefined) return { why: `there is no git repository at ${root}, or git cannot read it` };
  const before = base === null ? [] : await filesOf(root, base);
  if (before === undefined) return { why: `the commit ${base} from which the work began is gone` };
  const present = await presentFiles(root);
  if (present === undefined) return { why: `git cannot list the files at ${root}` };
  const known = new Map(before.filter((file) => isOwn(file.path)).map((file) => [file.path, file]));
  const paths = [...new Set([...known.keys(), ...present.filter(isOwn)])].sort();
  if (paths.length > FILES_MAX)
    return { why: `its scope has ${paths.length} files, and at most ${FILES_MAX} are compared` };
  const changed: ChangedFile[] = [];
  for (const file of paths) {
    const change = await changeOf(root, file, known.get(file));
    if (change) changed.push(change);
  }
  const contents = await contentsOf(root, [...new Set(changed.flatMap(({ before: was }) => was?.object ?? []))]);
  if (contents === undefined) return { why: `git cannot read the commit ${base}` };
  return { text: wordsOf(changed, contents), commit };
}

interface ChangedFile {
  readonly path: string;
  readonly before: CommittedFile | undefined;
  /** Undefined for one that is gone; a text for one that is not read, which says why. */
  readonly after: PresentFile | string | undefined;
}

/** A file that is on disk otherwise than in a commit; undefined where it is the same. */
export async function changeOf(
  root: string,
  file: string,
  before: CommittedFile | undefined,
): Promise<ChangedFile | undefined> {
  const after = await readPresent(root, file);
  if (after === undefined && before === undefined) return undefined;
  const isSame = typeof after === "object" && after.mode === before?.mode && isContent(after.data, before.object);
  return isSame ? undefined : { path: file, before, after };
}

async function readPresent(root: string, file: string): Promise<ChangedFile["after"]> {
  const place = path.join(root, file);
  try {
    const state = await lstat(place);
    if (state.isSymbolicLink()) return { data: Buffer.from(await readlink(place)), mode: "120000" };
    if (!state.isFile()) return undefined;
    if (state.size > FILE_BYTES_MAX * 16) return `${state.size} bytes, changed at ${state.mtime.toISOString()}`;
    const { data } = await readProjectFile(root, file, FILE_BYTES_MAX * 16);
    // The executable bit of its owner.
    return { data, mode: (state.mode & 0o100) === 0 ? "100644" : "100755" };
  } catch (error) {
    if (error instanceof BatonError) return "not read: it lies outside the project, or is no regular file";
    return undefined;
  }
}

/** Whether a content has a name in git, as it is or with the line ends that a checkout may have changed. */
function isContent(data: Buffer, object: string): boolean {
  if (objectName(data, object) === object) return true;
  if (!data.includes("\r\n") || data.includes(0)) return false;
  return objectName(Buffer.from(data.toString("latin1").replaceAll("\r\n", "\n"), "latin1"), object) === object;
}

/** The name that git gives to a content, in the hash of the repository. */
function objectName(data: Buffer, like: string): string {
  const hash = createHash(like.length === 64 ? "sha256" : "sha1");
  return hash.update(`blob ${data.length}\0`).update(data).digest("hex");
}

function wordsOf(changed: readonly ChangedFile[], contents: ReadonlyMap<string, Buffer>): string {
  const parts: string[] = [];
  let bytes = 0;
  for (const file of changed) {
    const part = patchOf(file, contents.get(file.before?.object ?? ""));
    if (part === undefined) continue;
    const shown =
      bytes + part.length > TEXT_BYTES_MAX ? namedOnly(file, "the diff is longer than what is shown") : part;
    bytes += shown.length;
    parts.push(shown);
  }
  return parts.length === 0 ? "No file of its scope has changed.\n" : parts.join("");
}

/** The patch of one file; undefined where only ends of lines differ, as a checkout may write them. */
function patchOf(file: ChangedFile, was: Buffer = Buffer.alloc(0)): string | undefined {
  const { path: name, before, after } = file;
  if (typeof after === "string") return `File ${name}: ${after}\n`;
  const now = after?.data ?? Buffer.alloc(0);
  const mode = modeChange(file);
  if (was.includes(0) || now.includes(0)) return mode + namedOnly(file, "binary");
  if (Math.max(was.length, now.length) > FILE_BYTES_MAX) return mode + namedOnly(file, "large");
  const old = was.toString("utf8");
  const text = old.includes("\r") ? now.toString("utf8") : now.toString("utf8").replaceAll("\r\n", "\n");
  if (old === text && before && after) return mode === "" ? undefined : mode;
  const names = [before ? `a/${name}` : "/dev/null", after ? `b/${name}` : "/dev/null"] as const;
  const patch = createTwoFilesPatch(...names, old, text, undefined, undefined, PATCH_OPTIONS);
  return mode + (patch ?? namedOnly(file, "many lines differ"));
}

const PATCH_OPTIONS = { context: 3, maxEditLength: EDITS_MAX } as const;

function modeChange({ path: name, before, after }: ChangedFile): string {
  if (before === undefined || typeof after !== "object" || before.mode === after.mode) return "";
  return `mode of ${name}: ${before.mode} to ${after.mode}\n`;
}

function namedOnly({ path: name, after }: ChangedFile, why: string): string {
  if (typeof after !== "object") return `File ${name} is gone (${why})\n`;
  const hash = createHash("sha256").update(after.data).digest("hex");
  return `File ${name} has changed (${why}): ${after.data.length} bytes, sha256 ${hash}\n`;
}
