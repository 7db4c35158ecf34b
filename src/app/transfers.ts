import fs from "node:fs";
import path from "node:path";
import type { ContentFiles } from "../runtime/files/content-files.js";
import { systemRuntime } from "../runtime/runtime.js";
import { VERSION } from "../runtime/version.js";
import { iso } from "../base/time.js";
import { BatonError, codeOf } from "../base/errors.js";
import type { DatabaseConfig } from "../config/database.js";
import { allInFiles, takeIntoRows } from "../store/artifacts/contents.js";
import { type FileContents, exportRows } from "../store/exports/read.js";
import { EXPORT_FORMAT, type ExportHeader } from "../store/exports/tables.js";
import { importRows } from "../store/exports/write.js";
import type { Store } from "../store/tx.js";
import type { App } from "./app.js";
import { contentFilesOf } from "./connection.js";
import { requireDatabase } from "./maintenance.js";
import { type JsonLine, JsonLines, linesOf } from "./json-lines.js";

// The whole database goes to a file and back.

/** A copy that was made. */
export interface Transferred {
  readonly file: string;
  readonly bytes: number;
}

export interface Exported extends Transferred {
  readonly rows: number;
}

/** Copies a live SQLite database into a new file. Errors: `conflict` where there is one; `not_found`; `invalid_input` on PostgreSQL. */
export async function backUp(database: DatabaseConfig, to: string): Promise<Transferred> {
  if (database.kind === "postgres") throw backedUpElsewhere(database.url, to);
  requireDatabase(database, "back up");
  const { copySqlite } = await import("../store/sqlite/backup.js");
  const files = await contentFilesOf(database);
  return intoNewFile(to, async (file) => {
    await copySqlite(database.file, file);
    if (files?.isThere() === true) await takeContentsIn(file, files);
  });
}

/** Puts contents that lie beside the database into the rows of its copy, which so is one file. */
async function takeContentsIn(file: string, files: ContentFiles): Promise<void> {
  const { openSqlite } = await import("../store/sqlite/sqlite.js");
  const copy = await openSqlite({ file, synchronous: "FULL", runtime: systemRuntime() });
  try {
    for (const hash of await copy.read(allInFiles)) {
      const data = files.read(hash);
      if (data !== undefined) await copy.transact(() => takeIntoRows(hash, data));
    }
  } finally {
    await copy.close();
  }
}

function backedUpElsewhere(url: string, to: string): BatonError {
  const bare = new URL(url);
  bare.password = "";
  return new BatonError(
    "invalid_input",
    `baton backup copies SQLite files, and this database is PostgreSQL. Copy it with its own tool: pg_dump --format=custom --file='${to}' '${bare.href}' ` +
      "(and back with pg_restore), or write its rows with baton export FILE.",
  );
}

/** Writes every row into a new file, as lines of JSON. Errors: `conflict` where the file is there; `not_found` without a database. */
export async function exportTo(app: App, to: string): Promise<Exported> {
  requireDatabase(app.config.database, "export");
  return exportStore(await app.store(), to, await contentFilesOf(app.config.database));
}

/** `files` are the contents of artifacts beside the database. */
export async function exportStore(store: Store, to: string, files?: FileContents): Promise<Exported> {
  let rows = 0;
  const written = await intoNewFile(to, async (file) => {
    rows = await store.snapshot(function* (ctx) {
      // Each try begins with an empty file.
      const lines = new JsonLines(file);
      try {
        const { schemaVersion: schema } = store.info;
        const at = iso(ctx.now);
        lines.write({ baton: "export", format: EXPORT_FORMAT, schema, version: VERSION, at } satisfies ExportHeader);
        const count = yield* exportRows((line) => lines.write(line), files);
        lines.write({ end: true, rows: count });
        lines.save();
        return count;
      } finally {
        lines.close();
      }
    });
  });
  return { ...written, rows };
}

/** Writes a document into a new file. Errors as of `exportTo`. */
export function saveDocument(document: string, to: string): Promise<Transferred> {
  return intoNewFile(to, (file) => fs.promises.writeFile(file, document));
}

/** Whether a file says of itself that it is an export. */
export function isExport(file: string): boolean {
  // The next reader says that it is not there.
  if (!fs.existsSync(file) || !fs.statSync(file).isFile()) return false;
  const handle = fs.openSync(file, "r");
  try {
    const head = Buffer.alloc(FIRST.length);
    return fs.readSync(handle, head, 0, head.length, 0) === head.length && head.toString("latin1") === FIRST;
  } finally {
    fs.closeSync(handle);
  }
}

const FIRST = '{"baton":"export"';

/** Writes the rows of an export into the empty database. Errors: see `importRows`; each names the line. */
export async function importStore(store: Store, from: string): Promise<Omit<Exported, "bytes">> {
  let at = 0;
  const values = function* (lines: Iterable<JsonLine>) {
    for (const { number, value } of lines) {
      at = number;
      yield value;
    }
  };
  try {
    const rows = await store.transact(() => importRows(store.info, values(linesOf(from))));
    return { file: from, rows };
  } catch (error) {
    throw named(error, from, at);
  }
}

/** A refusal with its line. What the database itself refuses is no fault of the program either: the file says so. */
function named(error: unknown, file: string, lastRead: number): unknown {
  const isOfRow =
    error instanceof BatonError ? error.code === "invalid_input" : /^(?:SQLITE_|2[23]|42)/.test(codeOf(error) ?? "");
  if (!isOfRow || !(error instanceof Error)) return error;
  // A line that is no JSON was not read.
  const given = error instanceof BatonError ? error.details?.["line"] : undefined;
  const line = typeof given === "number" ? given : lastRead;
  const what =
    error instanceof BatonError
      ? error.message
      : `or one of the rows before it was refused by the database: ${error.message}`;
  return new BatonError("invalid_input", `${file}: line ${line} ${what}. Nothing was imported.`, {
    details: { file, line },
  });
}

/** Has a file made beside its place and puts it there whole, readable by its owner alone. */
async function intoNewFile(to: string, make: (file: string) => Promise<unknown>): Promise<Transferred> {
  const partial = path.join(path.dirname(to), `.${path.basename(to)}.${process.pid}.partial`);
  try {
    if (fs.existsSync(to)) throw exists(to);
    fs.closeSync(fs.openSync(partial, "wx", 0o600));
    await make(partial);
    // Unlike a rename, a link never replaces a file.
    fs.linkSync(partial, to);
    return { file: to, bytes: fs.statSync(to).size };
  } catch (error) {
    throw codeOf(error) === "EEXIST" ? exists(to) : unwritable(error, to);
  } finally {
    fs.rmSync(partial, { force: true });
  }
}

function exists(file: string): BatonError {
  return new BatonError("conflict", `${file} exists already and is left as it is: name a file that does not.`, {
    details: { file },
  });
}

function unwritable(error: unknown, file: string): unknown {
  const code = codeOf(error);
  if (error instanceof BatonError || code === undefined || !/^E[A-Z]+$/.test(code)) return error;
  return new BatonError(
    "invalid_input",
    `${file} cannot be written (${code}): name a file in a directory that is yours.`,
    {
      details: { file, reason: code },
    },
  );
}
