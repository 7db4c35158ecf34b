import fs from "node:fs";
import path from "node:path";
import { BatonError, codeOf } from "../../base/errors.js";

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const HEADER = "SQLite format 3\0";
const APPLICATION_ID_OFFSET = 68;
/** The bytes "BATN", in the header of every file this server made. */
export const APPLICATION_ID = 0x4241_544e;

/**
 * Makes the directory (0700) and the file (0600; SQLite gives its -wal and -shm the same mode) where they are missing.
 * For queries alone it is only looked at. Throws `BatonError` `unavailable` for a file that SQLite could not keep whole or that holds something else.
 */
export function prepareFile(file: string, readOnly = false): void {
  try {
    if (!readOnly) makeDirectory(path.dirname(path.resolve(file)));
    refuseNetwork(file);
    refuseOddFile(file);
    const handle = readOnly ? fs.openSync(file, "r") : fs.openSync(file, "a+", FILE_MODE);
    try {
      refuseForeign(handle, file);
    } finally {
      fs.closeSync(handle);
    }
    if (!readOnly) fs.accessSync(path.dirname(file), fs.constants.W_OK | fs.constants.X_OK);
  } catch (error) {
    throw error instanceof BatonError ? error : unusable(file, error);
  }
}

/** Not Node's own `recursive`: below a directory whose kernel says "no such file" to mkdir (/proc), that never returns. */
function makeDirectory(directory: string): void {
  if (fs.existsSync(directory)) return;
  makeDirectory(path.dirname(directory));
  try {
    fs.mkdirSync(directory, DIRECTORY_MODE);
  } catch (error) {
    // Another process that starts at the same time was first.
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

function unusable(file: string, error: unknown): BatonError {
  const code = codeOf(error);
  const why = code === undefined ? String(error) : (REASONS[code] ?? code);
  return new BatonError(
    "unavailable",
    `The database file ${file} cannot be used: ${why}. Name another one with BATON_DB, or make its directory writable.`,
    { details: { file, reason: code ?? "unknown" } },
  );
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "no permission to write it or its directory",
  EPERM: "no permission to write it or its directory",
  EROFS: "its file system is read-only",
  ENOTDIR: "a part of its path is not a directory",
  ENOENT: "its directory cannot be made",
  ENOSPC: "the disk is full",
  ELOOP: "its symbolic links lead round in a circle",
};

/**
 * Refuses what is no file, which may block its opener for ever, and a file with another name: SQLite keeps a log beside each name, and
 * what is written through one of them would be lost to the other.
 */
function refuseOddFile(file: string): void {
  const found = fs.statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isFile()) throw notUsable(file, found.isDirectory() ? "EISDIR" : "not_regular");
  if (found.nlink > 1) throw notUsable(file, "hard_link");
}

function notUsable(file: string, reason: keyof typeof ODD_FILES): BatonError {
  const message = `The database file ${file} cannot be used: ${ODD_FILES[reason]}. Name another one with BATON_DB.`;
  return new BatonError("unavailable", message, { details: { file, reason } });
}

const ODD_FILES = {
  EISDIR: "it is a directory",
  not_regular: "it is a pipe, a socket or a device, and no regular file",
  hard_link:
    "it has another name (a hard link), and what is written through one of them would be lost to the other. Remove that name, or make the copy with baton backup",
} as const;

function refuseForeign(handle: number, file: string): void {
  const header = Buffer.alloc(APPLICATION_ID_OFFSET + 4);
  const bytes = fs.readSync(handle, header, 0, header.length, 0);
  // An empty file is a database that nothing was written to yet.
  if (bytes === 0) return;
  if (header.toString("latin1", 0, HEADER.length) !== HEADER) {
    throw corrupt(file, "it is not a database");
  }
  const application = header.readUInt32BE(APPLICATION_ID_OFFSET);
  // A file is 0 here until its first migration has been copied out of the -wal; then its tables decide.
  if (application === 0 || application === APPLICATION_ID) return;
  throw corrupt(file, "it is the database of another program");
}

export function corrupt(file: string, why: string): BatonError {
  return new BatonError(
    "unavailable",
    `The database file ${file} cannot be used: ${why}. Restore it from a backup or name another one with BATON_DB; nothing was changed.`,
    { details: { file, reason: "corrupt" } },
  );
}

function refuseNetwork(file: string): void {
  const type = networkFileSystem(fs.realpathSync(fs.existsSync(file) ? file : path.dirname(file)), mountTable());
  if (type === undefined) return;
  throw new BatonError(
    "unavailable",
    `The database file ${file} lies on a network file system (${type}), where SQLite's locks cannot be relied on. ` +
      "Put it on a local disk, or share a PostgreSQL: BATON_DATABASE_URL=postgres://…",
    { details: { file, reason: "network_file_system", file_system: type } },
  );
}

/** Linux only: elsewhere mounts have no such table, and a share is used at the owner's risk. */
function mountTable(): string {
  const table = "/proc/self/mountinfo";
  return fs.existsSync(table) ? fs.readFileSync(table, "utf8") : "";
}

// 9p is a network share between a virtual machine and its host (WSL's Windows drives), but sandboxes use it for local disks.
const NETWORK_TYPES =
  /^(?:nfs\d?|cifs|smb\d?|smbfs|ncpfs?|afs|coda|ceph|lustre|gpfs|beegfs|ocfs2|gfs2|glusterfs|prl_fs|vboxsf|vmhgfs|davfs)$|^fuse\.(?:sshfs|rclone|s3fs|gcsfuse|glusterfs|ceph.*|davfs2?|smbnetfs|curlftpfs|vmhgfs.*|blobfuse2?|mount-s3|juicefs|goofys)$/;
const NETWORK_9P = /aname=drvfs|trans=(?:virtio|tcp|xen|rdma)/;

/**
 * The type of the network file system that holds `file` (absolute, symlinks resolved), by the text of
 * /proc/self/mountinfo; undefined where it is local. The last of the longest mount points wins, as mounts cover each other.
 */
export function networkFileSystem(file: string, mountinfo: string): string | undefined {
  let best = { point: "", type: "", options: "" };
  for (const mount of mountinfo.split("\n").map(mountOf)) {
    const holds = file === mount.point || file.startsWith(mount.point === "/" ? "/" : `${mount.point}/`);
    if (mount.point !== "" && holds && mount.point.length >= best.point.length) best = mount;
  }
  if (NETWORK_TYPES.test(best.type)) return best.type;
  return best.type === "9p" && NETWORK_9P.test(best.options) ? best.type : undefined;
}

/** A line: `36 35 98:0 /root /mount/point rw - type source options`, with optional fields before the dash. */
function mountOf(line: string): { point: string; type: string; options: string } {
  const [left = "", right = ""] = line.split(" - ");
  const [type = "", ...options] = right.split(" ");
  return { point: unescapeOctal(left.split(" ")[4] ?? ""), type, options: options.join(" ") };
}

/** mountinfo writes blanks and backslashes of a path as `\040`. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
