import path from "node:path";
import { BatonError } from "../base/errors.js";
import { isObject } from "../base/json.js";
import { expandServers } from "../config/mcp-servers.js";
import { absolutePath } from "../config/paths.js";
import { startsBaton, wordsOf } from "./baton-command.js";
import { CLIENTS } from "./clients/catalogue.js";
import type { Client, ClientPlace } from "./clients/client.js";
import { servers } from "./own-servers.js";

/** The database that a client's file gives to its server. */
interface NamedDatabase {
  /** The client's file. Absolute. */
  readonly from: string;
  /** A SQLite file, absolute; undefined where hooks cannot be given what is named. */
  readonly database: string | undefined;
}

/** The databases of the servers that clients have already. A server and its hooks must meet the same, or no lock is seen. */
export interface ServerDatabases {
  /** For the server and the hooks of this client, or for git's hooks. */
  readonly of: (client?: Client) => string | undefined;
  /** Sentences about databases that the hooks do not meet. */
  readonly remarks: readonly string[];
}

const BY_CONFIGURATION =
  "name it as `db` or `database_url` in your own baton.json, which servers and hooks read (docs/configuration.md)";

export function serverDatabases(place: ClientPlace): ServerDatabases {
  const found = CLIENTS.flatMap((client) => {
    const entry = presentServer(client, place);
    return entry === undefined ? [] : [{ client, ...entry }];
  });
  const named = new Map(found.map(({ client, named: database }) => [client.name, database]));
  const files = new Set([...named.values()].map((one) => one?.database));
  const [only] = files.size === 1 ? files : [];
  const unmet = [...named.values()].flatMap((one) => (one !== undefined && one.database === undefined ? one.from : []));
  const remarks = [...new Set(unmet)].map(
    (file) => `${file} gives its server a database that hooks cannot be given: ${BY_CONFIGURATION}.`,
  );
  if (files.size > 1) {
    const each = found.map(({ from, named: one }) => `${from}: ${one?.database ?? (one ? "another" : "the default")}`);
    remarks.push(
      `The servers here use several databases, whose agents do not see each other's locks (${each.join("; ")}): ${BY_CONFIGURATION}, and take it out of these files.`,
    );
  }
  return {
    of: (client) => (client !== undefined && named.has(client.name) ? named.get(client.name)?.database : only),
    remarks,
  };
}

/** The server that a client starts here already: the repository's file counts before the person's own. */
function presentServer(
  client: Client,
  place: ClientPlace,
): { readonly from: string; readonly named: NamedDatabase | undefined } | undefined {
  const own = client.files(place).map(({ file }) => path.join(place.root, file));
  for (const from of [...own, ...client.ownFiles(place)]) {
    const entry = servers(from, place.root).find((one) => startsBaton(one));
    if (entry === undefined) continue;
    const written = writtenDatabase(entry);
    return { from, named: written && { from, database: databaseFile(written, place) } };
  }
  return undefined;
}

interface WrittenDatabase {
  /** Empty for a database that is no file. */
  readonly file: string;
  /** Whether a relative path starts at the directory of the server: that of a variable starts nowhere. */
  readonly mayBeRelative: boolean;
}

/** The database as an entry has it: in its arguments, which count first, or in its variables. */
function writtenDatabase(entry: unknown): WrittenDatabase | undefined {
  const words = wordsOf(entry).slice(1);
  const at = words.findLastIndex((word) => /^--db(?:=|$)/.test(word));
  const [flag = "", next = ""] = words.slice(Math.max(at, 0));
  if (at >= 0) return { file: flag.startsWith("--db=") ? flag.slice("--db=".length) : next, mayBeRelative: true };
  // In a shell's line the word may be quoted, and the address of a server may hold a password.
  if (words.some((word) => /--(?:db|database-url)\b/.test(word))) return { file: "", mayBeRelative: false };
  const env = isObject(entry) && isObject(entry["env"]) ? entry["env"] : {};
  if (isWritten(env["BATON_DATABASE_URL"])) return { file: "", mayBeRelative: false };
  const { BATON_DB: file } = env;
  return isWritten(file) ? { file, mayBeRelative: false } : undefined;
}

function isWritten(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function databaseFile({ file, mayBeRelative }: WrittenDatabase, { env, root }: ClientPlace): string | undefined {
  if (file === "") return undefined;
  try {
    const { baton } = expandServers({ baton: file }, { env, cwd: root }) as { baton: string };
    const base = mayBeRelative ? root : undefined;
    return absolutePath({ name: "db", text: baton, origin: "the server of a client", base });
  } catch (error) {
    if (!(error instanceof BatonError)) throw error;
    return undefined;
  }
}
