import { codeOf, messageOf } from "../../base/errors.js";
import fs from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import type { Finding } from "../driver/inspection.js";
import { SCHEMA_VERSION } from "../migrations/index.js";
import { prepareFile } from "./file.js";

/** The file and what SQLite keeps beside it. */
const SUFFIXES = ["", "-wal", "-shm", "-journal"] as const;
const PROBLEMS_SHOWN_MAX = 5;
/** For a lock, at most: a server that writes gives it back within milliseconds. */
const BUSY_MS = 2_000;
const OPEN_TO_OTHERS = 0o077;

/** Looks a SQLite file over without changing it, and without making one that is not there. */
export function inspectSqlite({ file, isDefault }: { readonly file: string; readonly isDefault: boolean }): Finding[] {
  const directory = path.dirname(file);
  if (!isDefault && !fs.existsSync(directory)) {
    const remedy = `make it (mkdir -p '${directory}'), or name another file with BATON_DB`;
    return [{ check: "file", verdict: "fail", says: `there is no directory ${directory} for ${file}`, remedy }];
  }
  if (!fs.existsSync(file)) {
    return [{ check: "file", verdict: "ok", says: `${file} is not there yet: the first call that writes makes it` }];
  }
  try {
    prepareFile(file);
  } catch (error) {
    return [{ check: "file", verdict: "fail", says: messageOf(error) }];
  }
  const bytes = filesOf(file).reduce((sum, one) => sum + fs.statSync(one).size, 0);
  const found: Finding = { check: "file", verdict: "ok", says: `${file}, ${bytes} bytes, on a local file system` };
  return [found, permissions(file), ...contents(file)];
}

function permissions(file: string): Finding {
  const open = filesOf(file).filter((one) => (fs.statSync(one).mode & OPEN_TO_OTHERS) !== 0);
  // Windows has no such bits: what stat gives there says nothing.
  if (open.length === 0 || process.platform === "win32") {
    return { check: "permissions", verdict: "ok", says: "only its owner can read it (0600)" };
  }
  const remedy = `chmod 600 ${open.map((one) => `'${one}'`).join(" ")}`;
  return { check: "permissions", verdict: "warn", says: `others can read ${open.join(", ")}`, remedy };
}

function contents(file: string): Finding[] {
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { fileMustExist: true, timeout: BUSY_MS });
    return [schema(database), journal(database), integrity(database), writing(database)];
  } catch (error) {
    const remedy = "restore it from a backup, or start afresh with `baton reset`";
    return [{ check: "contents", verdict: "fail", says: `SQLite cannot read it: ${messageOf(error)}`, remedy }];
  } finally {
    database?.close();
  }
}

function schema(database: Database.Database): Finding {
  const version = Number(database.pragma("user_version", { simple: true }));
  if (version > SCHEMA_VERSION) {
    const says = `schema ${version} is newer than this program, which understands up to ${SCHEMA_VERSION}`;
    return { check: "schema", verdict: "fail", says, remedy: "update baton-mcp" };
  }
  const says =
    version === SCHEMA_VERSION ? `schema ${version}, current` : `schema ${version}: the next call updates it`;
  return { check: "schema", verdict: "ok", says };
}

function journal(database: Database.Database): Finding {
  const mode = String(database.pragma("journal_mode", { simple: true }));
  if (mode === "wal") return { check: "journal", verdict: "ok", says: "write-ahead log" };
  return { check: "journal", verdict: "warn", says: `journal mode ${mode}: readers and writers wait for each other` };
}

function integrity(database: Database.Database): Finding {
  const rows = database.pragma(`quick_check(${PROBLEMS_SHOWN_MAX})`) as readonly { quick_check: string }[];
  const problems = rows.map((row) => row.quick_check).filter((text) => text !== "ok");
  if (problems.length === 0) return { check: "integrity", verdict: "ok", says: "quick_check finds nothing" };
  const remedy = "stop the servers, keep a copy, and restore a backup or start afresh with `baton reset`";
  return { check: "integrity", verdict: "fail", says: problems.join("; "), remedy };
}

function writing(database: Database.Database): Finding {
  const startedAt = performance.now();
  try {
    database.exec("BEGIN IMMEDIATE; ROLLBACK");
  } catch (error) {
    const busy = codeOf(error)?.startsWith("SQLITE_BUSY") === true;
    const says = busy ? `another process has kept it locked for ${BUSY_MS} ms` : messageOf(error);
    return { check: "writing", verdict: busy ? "warn" : "fail", says };
  }
  const ms = Math.round(performance.now() - startedAt);
  return { check: "writing", verdict: "ok", says: `a write would begin after ${ms} ms` };
}

/** Deletes the file and what stands beside it; gives the paths that were there. */
export function removeSqlite(file: string): string[] {
  const there = [...filesOf(file), ...[contentsBeside(file)].filter((one) => fs.existsSync(one))];
  for (const one of there) fs.rmSync(one, { recursive: true });
  return there;
}

/** Bytes on disk, the log and contents of artifacts included. */
export function sizeOfSqlite(file: string): number {
  const beside = contentsBeside(file);
  const names = fs.existsSync(beside) ? fs.readdirSync(beside, { recursive: true, encoding: "utf8" }) : [];
  const found = names.map((name) => fs.statSync(path.join(beside, name), { throwIfNoEntry: false }));
  const bytes = found.reduce((sum, one) => sum + (one?.isFile() === true ? one.size : 0), 0);
  return filesOf(file).reduce((sum, one) => sum + fs.statSync(one).size, bytes);
}

/** The directory with large contents of artifacts; see `ContentFiles`. */
function contentsBeside(file: string): string {
  return `${file}-artifacts`;
}

function filesOf(file: string): string[] {
  return SUFFIXES.map((suffix) => file + suffix).filter((one) => fs.existsSync(one));
}
