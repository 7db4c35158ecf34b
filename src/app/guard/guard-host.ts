import { existsSync } from "node:fs";
import path from "node:path";
import { databaseIsThere } from "../../config/database.js";
import type { GuardedFiles } from "../../engine/guard/guarded-files.js";
import type { HookOrigin } from "../../engine/guard/hook-origin.js";
import type { ClientKind } from "../../engine/guard/hook-sessions.js";
import type { GuardHost } from "../../guard/judgement.js";
import { usesNoFiles } from "../../guard/shell/plain-line.js";
import { ancestors, clientAmong } from "../../runtime/ancestry.js";
import { PATH_CHARS_MAX, placeOfLink, realPlace } from "../../runtime/files/confinement.js";
import { gitRootAbove } from "../../runtime/files/git-root.js";
import { readWorkplace } from "../../runtime/files/workplace.js";
import { chosenDatabase } from "./guard-config.js";
import type { HookAsks } from "./hook-asks.js";
import { type RunningServer, runningServers } from "./running-server.js";

/** The client, conversation and directory that a guard is asked from. */
export interface GuardOrigin {
  readonly client: ClientKind | undefined;
  readonly conversation: string | undefined;
  readonly cwd: string;
  /** The SQLite file that the hook was given. */
  readonly db?: string | undefined;
}

type Ask<T> = (host: GuardHost) => Promise<T>;

/**
 * Asks a server that runs, else the database itself, within a time. Undefined where there is no database, and so nothing is held. A
 * question may be asked twice: what it changes is the same the second time.
 */
export function withHost<T>(from: GuardOrigin, ms: number, ask: Ask<T>): Promise<T | undefined> {
  // Looked up while a server takes the connection, or the database is opened.
  let above: ReturnType<typeof ancestors> | undefined;
  const origin = async () => originOf(from, await (above ??= ancestors()));
  return within(ms, async () => {
    const database = chosenDatabase(from.cwd, from.db);
    if (database !== undefined && !databaseIsThere({ database })) return undefined;
    for (const server of database === undefined ? [] : runningServers(database, origin)) {
      const answered = await overServer(server, from.cwd, ask);
      if (answered !== undefined) return answered.value;
    }
    const { askOwnDatabase } = await import("./own-database.js");
    return askOwnDatabase(from, origin, (own) => ask(hostOver(own, from.cwd)));
  });
}

async function overServer<T>(
  server: RunningServer,
  cwd: string,
  ask: Ask<T>,
): Promise<{ readonly value: T } | undefined> {
  try {
    return { value: await ask(hostOver(server.asks, cwd)) };
  } catch {
    // The next server decides, or the database itself, which also says what is wrong.
    return undefined;
  } finally {
    server.close();
  }
}

/** Rejects what takes longer. */
export async function within<T>(ms: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function originOf({ client, conversation }: GuardOrigin, above: Awaited<ReturnType<typeof ancestors>>): HookOrigin {
  return {
    client,
    conversation,
    ancestors: above.map(({ pid, processStartedAt }) => ({ pid, processStartedAt })),
    process: clientAmong(above),
    ownHandle: process.env["BATON_AGENT"],
  };
}

/** The answers of a database about files as a guard names them. */
export function hostOver(database: HookAsks, cwd: string): GuardHost {
  return {
    holdings: (files) => database.holdings(placesOf(files)),
    take: (files) => database.take(placesOf(files)),
    free: (files) => database.free(placesOf(files)),
    usesOf: async (command, from) =>
      usesNoFiles(command) ? [] : (await import("../../guard/git/uses.js")).usesOf(command, from),
    noteAtStart: () => database.noteAtStart(readWorkplace(cwd)),
    workLeft: () => database.workLeft(readWorkplace(cwd)),
  };
}

/** More files than these are looked for in the project of their repository, which meets the locks of projects inside of it. */
const DIRECTORIES_MAX = 8;

/** Files by the place that they lie in, with the real paths of their directories: what follows a link has followed it. */
function placesOf(files: readonly string[]): GuardedFiles[] {
  const places = new Map<string, { workplace: GuardedFiles["workplace"]; files: string[] }>();
  const byDirectory = new Map<string, GuardedFiles["workplace"]>();
  const real = files.length > DIRECTORIES_MAX ? placesOfLinks() : placeOfLink;
  const roots = new Map<string, string>();
  for (const file of files) {
    const found = file.length > PATH_CHARS_MAX ? undefined : real(file);
    if (found === undefined) continue;
    const above = path.dirname(found);
    const directory = roots.get(above) ?? (files.length > DIRECTORIES_MAX ? rootOf(above) : nearestIn(above));
    roots.set(above, directory);
    const workplace = byDirectory.get(directory) ?? readWorkplace(directory);
    byDirectory.set(directory, workplace);
    const place = places.get(workplace.cwd) ?? { workplace, files: new Array<string>() };
    place.files.push(found);
    places.set(workplace.cwd, place);
  }
  return [...places.values()];
}

/** Looks each directory up once: a command of git may take many thousand files. */
function placesOfLinks(): (file: string) => string | undefined {
  const directories = new Map<string, string | undefined>();
  return (file) => {
    const above = path.dirname(file);
    if (!directories.has(above)) directories.set(above, realPlace(above));
    const directory = directories.get(above);
    return directory === undefined ? undefined : path.join(directory, path.basename(file));
  };
}

function rootOf(above: string): string {
  const near = nearestIn(above);
  return gitRootAbove(near) ?? near;
}

/** The nearest directory that is there, from this one up. */
function nearestIn(above: string): string {
  let directory = above;
  while (!existsSync(directory)) directory = path.dirname(directory);
  return directory;
}
