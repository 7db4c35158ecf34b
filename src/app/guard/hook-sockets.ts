import { lstatSync, readdirSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { DatabaseConfig } from "../../config/database.js";

/** The first line of a server to each hook that connects: a stopped process writes nothing. */
export const GREETING = "baton\n";

/** Kernels take no longer path of a socket (macOS; Linux has 108), and cut it off. */
const PATH_BYTES_MAX = 103;
/** Rights of other users in the directory: none. */
const OTHERS = 0o077;

/** Variables that say what a URL leaves open. Passwords are left out. */
const POSTGRES_VARIABLES = ["PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGDATABASE", "PGOPTIONS"];
const SECRET_PARAMETER = /password/i;

/**
 * A text by which two processes of this machine know that they mean the same database; undefined where that cannot be told. A file is told
 * by its place on the disk, so that a file put in its place is another one. It holds no password: the hash of a socket's name is seen by all
 * users.
 */
export function databaseIdentity(database: DatabaseConfig): string | undefined {
  if (database.kind === "postgres") return postgresIdentity(database.url);
  const found = statSync(database.file, { throwIfNoEntry: false, bigint: true });
  return found && `sqlite ${found.dev} ${found.ino}`;
}

function postgresIdentity(written: string): string | undefined {
  if (!URL.canParse(written)) return undefined;
  const url = new URL(written);
  const parameters = [...url.searchParams].filter(([name]) => !SECRET_PARAMETER.test(name));
  const variables = POSTGRES_VARIABLES.map((name) => process.env[name] ?? null);
  return `postgres ${JSON.stringify([url.username, url.host, url.pathname, parameters, variables])}`;
}

/**
 * The directory of the sockets, the same for a server and a hook of one user whose environments differ, as clients hand few variables on to
 * their servers. Undefined on Windows, whose pipes any user may open.
 */
export function socketDirectory(): string | undefined {
  const user = process.getuid?.();
  if (user === undefined) return undefined;
  const { XDG_RUNTIME_DIR: given = "" } = process.env;
  if (path.isAbsolute(given)) return path.join(given, "baton");
  const runtime = `/run/user/${user}`;
  return isOwnAlone(runtime) ? path.join(runtime, "baton") : `/tmp/baton-${user}`;
}

/** Whether a directory belongs to this user, and no other may enter it. */
export function isOwnAlone(directory: string): boolean {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === process.getuid?.() && (found.mode & OTHERS) === 0;
}

/** The path of a server's socket in a directory; undefined where it would be too long. */
export function socketPath(directory: string, identity: string, server: string): string | undefined {
  const file = path.join(directory, `${hashOf(identity)}-${server}`);
  return Buffer.byteLength(file) > PATH_BYTES_MAX ? undefined : file;
}

/** The sockets of a database's servers, first a different one for each process, so that hooks spread over them. */
export function socketsOf(directory: string, identity: string): string[] {
  if (!isOwnAlone(directory)) return [];
  const start = `${hashOf(identity)}-`;
  const names = readdirSync(directory).filter((name) => name.startsWith(start));
  const first = names.length === 0 ? 0 : process.pid % names.length;
  return [...names.slice(first), ...names.slice(0, first)].map((name) => path.join(directory, name));
}

/** The machine, as sessions name it: in a container that shares the directory it is another one. */
export function thisHost(): string {
  return os.hostname();
}

/** A short name for a text (cyrb53). It keeps nothing secret, and both sides compare the text itself. */
function hashOf(text: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return (4_294_967_296 * (2_097_151 & low) + (high >>> 0)).toString(36);
}
