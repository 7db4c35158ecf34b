import { z } from "zod";
import type { ClientKind } from "../../engine/guard/hook-sessions.js";
import { CLIENT_NAMES } from "../../base/statuses.js";
import type { Settings } from "../../base/settings.js";
import type { Store } from "../../store/tx.js";
import { VERSION } from "../../runtime/version.js";
import { type HookAsks, type HookRequest, type HookResponse, REQUEST_FILES_MAX } from "./hook-asks.js";
import { hookDatabase, hookEngine } from "./hook-database.js";
import { thisHost } from "./hook-sockets.js";

const CLIENTS = [...CLIENT_NAMES, "copilot"] as const satisfies readonly ClientKind[];
const ANCESTORS_MAX = 64;

const absolute = z.string().startsWith("/").max(4_096);
const seen = z.strictObject({ pid: z.int().nonnegative(), processStartedAt: z.number() });
const workplace = z.strictObject({
  cwd: absolute,
  gitRoot: absolute.nullable(),
  worktreeOf: absolute.nullable(),
  caseInsensitive: z.boolean(),
  gitDirectory: z.string().max(200).nullable(),
  repository: z.string().max(200).nullable(),
});
const requestSchema = z.strictObject({
  version: z.string(),
  host: z.string(),
  database: z.string(),
  origin: z.strictObject({
    client: z.enum(CLIENTS).optional(),
    conversation: z.string().max(1_000).optional(),
    ancestors: z.array(seen).max(ANCESTORS_MAX),
    process: seen.optional(),
    ownHandle: z.string().max(200).optional(),
  }),
  ask: z.enum(["holdings", "take", "free", "noteAtStart", "workLeft"]),
  places: z
    .array(z.strictObject({ workplace, files: z.array(absolute).max(REQUEST_FILES_MAX) }))
    .max(REQUEST_FILES_MAX),
});

/** The database that this process has open. */
export interface OpenDatabase {
  /** As `databaseIdentity` tells it. */
  readonly identity: string;
  readonly store: () => Promise<Store>;
  readonly settings: () => Settings;
}

/** Answers a line of a hook. Rejects what is no request of a hook of this version, machine and database. */
export async function answerHook(line: string, { identity, store, settings }: OpenDatabase): Promise<HookResponse> {
  const { version } = z.looseObject({ version: z.string() }).parse(JSON.parse(line));
  if (version !== VERSION) return { error: `this server is of version ${VERSION}` };
  const { host, database, origin, ask, places } = requestSchema.parse(JSON.parse(line)) as HookRequest;
  if (host !== thisHost() || database !== identity) return { error: "this server has another database" };
  const asks = hookDatabase(hookEngine(await store(), settings), origin);
  return { value: await answered(asks, ask, places) };
}

async function answered(asks: HookAsks, ask: keyof HookAsks, places: HookRequest["places"]): Promise<unknown> {
  if (ask === "holdings" || ask === "take" || ask === "free") return asks[ask](places);
  const [place] = places;
  if (place === undefined) throw new Error("a place is missing");
  return asks[ask](place.workplace);
}
