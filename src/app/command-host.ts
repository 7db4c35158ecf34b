import type { ServeFlags } from "./serving/serving.js";
import { type Config, type Flags, loadConfig } from "../config.js";
import { type DatabaseConfig, ownDirectories } from "../config/database.js";
import { PACKAGE_ROOT } from "../runtime/package-root.js";
import { VERSION } from "../runtime/version.js";
import { systemClock } from "../runtime/clock.js";
import type { App } from "./app.js";
import { ownHandle, personSecret, seatOf } from "./person-seat.js";

/** Everything that the command line can reach beyond its own terminal. Each part is loaded when it is needed. */
export const commandHost = {
  version: VERSION,
  packageRoot: PACKAGE_ROOT,
  /** Milliseconds since the epoch. */
  now: () => systemClock.now(),
  open,
  seat: () => seatOf(undefined),
  get personSecret() {
    return personSecret();
  },
  get dataDirectory() {
    return ownDirectories().data;
  },
  /** The configuration that `open` would take. */
  readConfig: (flags: Flags) => loadConfig({ flags, env: process.env, cwd: process.cwd() }),
  serve: async (flags: ServeFlags) => (await import("./serving/serving.js")).serve(flags),
  inspectDatabase: async (database: DatabaseConfig) => (await import("./maintenance.js")).inspectDatabase(database),
  liveSessions: async (app: App) => (await import("./maintenance.js")).liveSessions(app),
  prune: async (app: App) => (await import("./maintenance.js")).prune(app, CLIENT),
  backUp: async (database: DatabaseConfig, to: string) => (await import("./transfers.js")).backUp(database, to),
  exportTo: async (app: App, to: string) => (await import("./transfers.js")).exportTo(app, to),
  saveDocument: async (document: string, to: string) => (await import("./transfers.js")).saveDocument(document, to),
  importFrom: async (app: App, from: string) => (await import("./transfers.js")).importStore(await app.store(), from),
  isExport: async (file: string) => (await import("./transfers.js")).isExport(file),
  testNotifications: async (config: Config, targets: Config["notifications"]) =>
    (await import("./maintenance.js")).testNotifications(config, targets),
  sendNotifications: async (app: App) => (await import("./maintenance.js")).sendNotifications(app, CLIENT),
  removeDatabase: async (database: DatabaseConfig) => (await import("./maintenance.js")).removeDatabase(database),
};
export type CommandHost = typeof commandHost;
export type Opened = Awaited<ReturnType<typeof open>>;

const CLIENT = "baton";

export interface Opening {
  /** For a command that ends with its answer. Leases then last by time. */
  readonly sessionless: boolean;
  /** The person's secret, as it was typed. Default: BATON_PERSON_SECRET. */
  readonly secret?: string | undefined;
}

async function open(flags: Flags, { sessionless, secret }: Opening) {
  const seat = seatOf(secret ?? process.env["BATON_PERSON_SECRET"]);
  const channel = seat !== undefined && seat.refused === undefined ? "human" : "agent";
  const [{ launch }, { RESERVED_HANDLES }] = await Promise.all([
    import("./launch.js"),
    import("../engine/agents/agents.js"),
  ]);
  const launched = launch(flags, {
    sessionless,
    servesOneRun: true,
    channel,
    seat,
    agent: ownHandle(RESERVED_HANDLES),
  });
  return {
    ...launched,
    /** Whether a person is taken to sit here, who may decide. */
    decides: channel === "human",
    /** Whether the secret would make a person of who sits here. */
    asksSecret: channel !== "human" && commandHost.personSecret.isSet,
    dispatch: () => launched.app.dispatch(CLIENT),
    /** Lets this process take command and tool steps of a run and its child runs from now on, where it may. */
    serveRun: (run: string) => launched.app.serveRun(CLIENT, run),
  };
}
