import { existsSync } from "node:fs";
import path from "node:path";
import { setTimeout as after } from "node:timers/promises";
import type { Flags } from "../../config.js";
import { databaseIsThere } from "../../config/database.js";
import { type Launched, launch } from "../launch.js";
import { ancestors, clientAmong } from "../../runtime/ancestry.js";
import { createServer, type ServerParts } from "../../mcp/server.js";
import { ENVELOPE_BYTES, stopSignal } from "./process.js";
import type { ConnectedHooks } from "../guard/connected-hooks.js";
import { stdioBytes, StdioTransport } from "../../mcp/transport/stdio.js";
import { VERSION } from "../../runtime/version.js";

/** From the end of the input to the end of the process, at most. */
const SHUTDOWN_MS_MAX = 900;
/** Part of that time, for answers that are being sent. */
const DRAIN_MS_MAX = 650;
const AT_A_TERMINAL =
  "baton: serving MCP on stdin and stdout, for a client that starts it. `baton --help` says what a person can do. Ctrl-D ends it.\n";

/** Serves MCP over stdio until the input ends or a signal comes; then ends the process. */
export async function serveStdio(flags: Flags): Promise<never> {
  const launched = launch(flags, {
    cwd: projectDirectory(process.env),
    // At once: a wrapper between the client and this process may end, and its children move up.
    clientProcess: ancestors().then(clientAmong),
    transferred: stdioBytes,
  });
  const { app, config, logger } = launched;
  if (process.stdin.isTTY) process.stderr.write(AT_A_TERMINAL);
  const server = createServer({
    version: VERSION,
    toolsets: config.toolsets,
    readOnly: config.readOnly,
    logger,
    dispatch: (client, conversation) => app.dispatch(client, conversation),
    reader: (client) => app.reader(client),
    elicitationHost: (client) => app.elicitationHost(client),
    newRequestId: () => app.newRequestId(),
    answerHook: connectedHooks(launched),
    onInitialized: (client) => standBySoon(launched, client),
  });
  const bytesMax = config.settings.input_bytes_max;
  const transport = new StdioTransport({
    lineBytesMax: bytesMax + ENVELOPE_BYTES,
    refusal: async () => (await import("../../mcp/tool-call.js")).tooLargeResult(bytesMax),
  });
  await server.connect(transport);
  await Promise.race([transport.ended, stopSignal(), parentChange()]);
  server.stopWaiting();
  const shutDown = async () => {
    await Promise.race([transport.drained(), after(DRAIN_MS_MAX)]);
    await server.close();
    await app.close();
  };
  await Promise.race([shutDown(), after(SHUTDOWN_MS_MAX)]);
  process.exit(0);
}

/** Where the client works: it says so, where it starts its servers elsewhere. */
function projectDirectory(env: NodeJS.ProcessEnv): string {
  const said = env["CLAUDE_PROJECT_DIR"] ?? "";
  return path.isAbsolute(said) && existsSync(said) ? said : process.cwd();
}

/**
 * Delay before background work starts: a client that only lists the tools has left by then, and work that came due
 * while no process was up is not delayed further.
 */
const STAND_BY_MS = 300;
const STAND_BY_AGAIN_MS = 10_000;

function standBySoon(launched: Launched, client: string): void {
  const { app, logger } = launched;
  const standBy = () => {
    app.standBy(client).catch((error: unknown) => {
      logger.warn("what is due is not looked after yet", { error });
      setTimeout(standBy, STAND_BY_AGAIN_MS).unref();
    });
  };
  setTimeout(() => {
    standBy();
    answerHooks(launched);
  }, STAND_BY_MS).unref();
}

/** Answers hooks that call a tool of this server. */
function connectedHooks({ app }: Launched): ServerParts["answerHook"] {
  let hooks: Promise<ConnectedHooks> | undefined;
  return async (client, conversation, document) => {
    hooks ??= import("../guard/connected-hooks.js").then((loaded) => new loaded.ConnectedHooks());
    const engine = () => app.hookEngine(client, conversation);
    return (await hooks).answer(engine, document, projectDirectory(process.env));
  };
}

const DATABASE_POLL_MS = 1_000;

/** Answers hooks of clients as soon as there is a database. */
function answerHooks({ app, config, logger }: Launched): void {
  if (config.readOnly) return;
  if (!databaseIsThere(config)) {
    setTimeout(() => answerHooks({ app, config, logger }), DATABASE_POLL_MS).unref();
    return;
  }
  import("../guard/hook-server.js")
    .then(({ serveHooks }) => serveHooks(config.database, { store: () => app.store(), settings: () => app.settings }))
    .catch((error: unknown) => logger.warn("hooks ask the database themselves", { error }));
}

const PARENT_POLL_MS = 1_000;

/** Settles when the process that started this one is gone: another of its children may hold the pipe open. POSIX alone tells. */
function parentChange(): Promise<void> {
  const parent = process.ppid;
  return new Promise((resolve) => {
    if (process.platform === "win32") return;
    const poll = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(poll);
      resolve();
    }, PARENT_POLL_MS);
    poll.unref();
  });
}
