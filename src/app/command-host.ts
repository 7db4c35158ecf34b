import os from "node:os";
import type { ServeFlags } from "./serving/serving.js";
import { type Config, type Flags, loadConfig } from "../config.js";
import { type DatabaseConfig, ownDirectories } from "../config/database.js";
import { BatonError } from "../base/errors.js";
import { isName, NAME_RULE, nameFrom } from "../base/names.js";
import { PACKAGE_ROOT } from "../runtime/package-root.js";
import { VERSION } from "../runtime/version.js";
import { readSeat, type Seat } from "../runtime/seat.js";
import { PersonSecret } from "../runtime/person-secret.js";
import { systemClock } from "../runtime/clock.js";
import type { App } from "./app.js";

/** Everything that the command line can reach beyond its own terminal. Each part is loaded when it is needed. */
export const commandHost = {
  version: VERSION,
  packageRoot: PACKAGE_ROOT,
  /** Milliseconds since the epoch. */
  now: () => systemClock.now(),
  open,
  seat: () => seatOf(undefined),
  /** Found anew each time: it depends on the environment. */
  get personSecret() {
    return new PersonSecret(ownDirectories().config);
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

/**
 * Where the caller sits. A person at a terminal decides as a human; a program that calls `baton` has no terminal, or makes one. Once a
 * secret is set that alone counts. Errors: `not_permitted` for another secret.
 */
function seatOf(given: string | undefined): Seat | undefined {
  const secret = commandHost.personSecret;
  const isTerminal = process.stdin.isTTY && process.stderr.isTTY;
  if (given !== undefined && given !== "" && secret.isSet) {
    if (!secret.isMatchedBy(given))
      throw new BatonError("not_permitted", "That is not the secret of the person. Nothing was done.", {});
    return { ...readSeat(process.env), refused: undefined, proof: "secret" };
  }
  if (!isTerminal) return undefined;
  const seat = readSeat(process.env);
  return secret.isSet ? { ...seat, refused: "its person has set a secret, which was not given" } : seat;
}

/** The same in each call, so that a task claimed by one can be completed by the next: BATON_AGENT, or the user's name. */
function ownHandle(reserved: ReadonlySet<string>): string {
  const named = process.env["BATON_AGENT"];
  if (named !== undefined && named !== "") {
    if (isName(named) && !reserved.has(named)) return named;
    const why = isName(named) ? "the name is reserved" : `it needs ${NAME_RULE}`;
    throw new BatonError("invalid_input", `BATON_AGENT="${named}" cannot be an agent's name: ${why}.`);
  }
  const user = nameFrom(userName(), "user");
  return reserved.has(user) ? `${user}-user` : user;
}

function userName(): string {
  try {
    return os.userInfo().username;
  } catch (error) {
    // A container's user need not stand in /etc/passwd.
    if (error instanceof Error && "code" in error) return "";
    throw error;
  }
}
