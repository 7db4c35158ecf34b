import { existsSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { databaseIsThere } from "../../config/database.js";
import { isName } from "../../base/names.js";
import type { Caller } from "../../engine/context.js";
import { type Engine, engineFor } from "../../engine/engine.js";
import { type GuardedFiles, holdingsOf } from "../../engine/guard/guarded-files.js";
import type { HookOrigin } from "../../engine/guard/hook-origin.js";
import type { ClientKind } from "../../engine/guard/hook-sessions.js";
import type { Brief } from "../../engine/claims/brief.js";
import type { GuardHost } from "../../guard/judgement.js";
import { startNote, workLeft } from "../../guard/wording.js";
import { ancestors, clientAmong } from "../../runtime/ancestry.js";
import { PATH_CHARS_MAX, realPlace } from "../../runtime/files/confinement.js";
import { gitRootAbove } from "../../runtime/files/git-root.js";
import { readWorkplace } from "../../runtime/files/workplace.js";
import { type Runtime, systemRuntime } from "../../runtime/runtime.js";
import { VERSION } from "../../runtime/version.js";
import type { Store } from "../../store/tx.js";
import { type GuardConfig, guardConfig } from "./guard-config.js";

const BUSY_MS = 1_000;

/** The client, conversation and directory that a guard is asked from. */
export interface GuardOrigin {
  readonly client: ClientKind | undefined;
  readonly conversation: string | undefined;
  readonly cwd: string;
  /** The SQLite file that the hook was given. */
  readonly db?: string | undefined;
}

/** Asks the engine within a time. Undefined where there is no database, and so nothing is held. */
export async function withEngine<T>(
  from: GuardOrigin,
  ms: number,
  ask: (host: GuardHost) => Promise<T>,
): Promise<T | undefined> {
  const config = await guardConfig(from.cwd, from.db);
  if (!databaseIsThere(config)) return undefined;
  // On macOS a process lists them: it runs while the database is opened.
  const above = ancestors();
  return within(ms, async () => {
    const runtime = systemRuntime();
    const store = await openStore(config, runtime);
    try {
      return await ask(hostOf(engineOn(store, config, runtime.clock), from, await above));
    } finally {
      await store.close();
    }
  });
}

async function within<T>(ms: number, work: () => Promise<T>): Promise<T> {
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

async function openStore({ database }: GuardConfig, runtime: Runtime): Promise<Store> {
  const shared = { runtime, busyMs: BUSY_MS };
  if (database.kind === "postgres") {
    const { openPostgres } = await import("../../store/postgres/postgres.js");
    return openPostgres({ ...shared, url: database.url, poolSize: 1 });
  }
  const { openSqlite } = await import("../../store/sqlite/sqlite.js");
  return openSqlite({ ...shared, file: database.file, synchronous: database.synchronous });
}

function engineOn(store: Store, config: GuardConfig, clock: Runtime["clock"]): Engine {
  const caller: Caller = {
    agent: "guard",
    session: null,
    clientSession: null,
    host: os.hostname(),
    workplace: { cwd: "/", gitRoot: null, caseInsensitive: false },
    channel: "agent",
  };
  const { settings } = config;
  return engineFor(store, caller, { version: VERSION, settings: () => settings, now: () => clock.now(), effects: [] });
}

function hostOf(
  engine: Engine,
  { client, conversation, cwd }: GuardOrigin,
  above: Awaited<ReturnType<typeof ancestors>>,
): GuardHost {
  const own = process.env["BATON_AGENT"];
  const origin: HookOrigin = {
    client,
    conversation,
    ancestors: above,
    process: clientAmong(above),
    ownHandle: own !== undefined && isName(own) ? own : undefined,
  };
  const notes = async () => {
    const { sessionNotes } = await import("../../engine/guard/session-notes.js");
    return engine.read((ctx) => sessionNotes(ctx, origin, readWorkplace(cwd)));
  };
  return {
    holdings: (files) => engine.read((ctx) => holdingsOf(ctx, origin, placesOf(files))),
    take: async (files) => {
      const { takeEditedFiles } = await import("../../engine/guard/edits.js");
      return engine.transact((ctx) => takeEditedFiles(ctx, origin, placesOf(files)));
    },
    free: async (files) => {
      const { freeEditedFiles } = await import("../../engine/guard/edits.js");
      return engine.transact((ctx) => freeEditedFiles(ctx, origin, placesOf(files)));
    },
    usesOf: async (command, from) => (await import("../../guard/git/uses.js")).usesOf(command, from),
    noteAtStart: async () => {
      const [found, { heldBrief, othersAtWork }] = await Promise.all([
        notes(),
        import("../../engine/guard/session-notes.js"),
      ]);
      const others = await engine.read((ctx) => othersAtWork(ctx, origin, readWorkplace(cwd)));
      const [task] = found.tasks;
      const brief = task && (await engine.read((ctx) => heldBrief(ctx, task)));
      return startNote({ ...found, others }, brief && (await briefText(brief)));
    },
    workLeft: async () => workLeft(await notes()),
  };
}

/** Clients keep a longer text of a hook out of the conversation. */
const BRIEF_BYTES_MAX = 7_000;

async function briefText(brief: Brief): Promise<string> {
  const [{ claimAnswer }, { renderResult }] = await Promise.all([
    import("../../tools/claims.js"),
    import("../../dispatch/render.js"),
  ]);
  return renderResult(claimAnswer({ outcome: "claimed", brief }), BRIEF_BYTES_MAX).text;
}

/** More files than these are looked for in the project of their repository, which meets the locks of projects inside of it. */
const DIRECTORIES_MAX = 8;

/** Files by the place that they lie in, with their real paths. */
function placesOf(files: readonly string[]): GuardedFiles[] {
  const places = new Map<string, { workplace: GuardedFiles["workplace"]; files: string[] }>();
  const byDirectory = new Map<string, GuardedFiles["workplace"]>();
  for (const file of files) {
    if (file.length > PATH_CHARS_MAX) continue;
    const real = realPlace(file);
    if (real === undefined) continue;
    const near = directoryOf(real);
    const directory = files.length > DIRECTORIES_MAX ? (gitRootAbove(near) ?? near) : near;
    const workplace = byDirectory.get(directory) ?? readWorkplace(directory);
    byDirectory.set(directory, workplace);
    const place = places.get(workplace.cwd) ?? { workplace, files: new Array<string>() };
    place.files.push(real);
    places.set(workplace.cwd, place);
  }
  return [...places.values()];
}

/** The nearest directory above a file that is there. */
function directoryOf(file: string): string {
  let directory = path.dirname(file);
  while (!existsSync(directory)) directory = path.dirname(directory);
  return directory;
}
