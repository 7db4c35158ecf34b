#!/usr/bin/env node
import { parseArgs } from "node:util";
import { App } from "./app.js";
import { loadConfig } from "./config.js";
import { BatonError } from "./engine/errors.js";
import { createServer } from "./mcp/server.js";
import { StdioTransport } from "./mcp/stdio.js";
import { type Logger, stderrLogger } from "./runtime/logger.js";
import { redactSecrets } from "./store/secrets.js";
import { VERSION } from "./runtime/version.js";

/** From the end of the input to the end of the process, at most. */
const SHUTDOWN_MS_MAX = 900;
/** Of that, for answers that are on their way. */
const DRAIN_MS_MAX = 400;
/** What stands around the arguments in a JSON-RPC line. */
const ENVELOPE_BYTES = 4_096;

async function serve(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      toolsets: { type: "string" },
      "allow-commands": { type: "boolean" },
      "log-level": { type: "string" },
    },
  });
  const flags = { toolsets: values.toolsets, allowCommands: values["allow-commands"], logLevel: values["log-level"] };
  const config = loadConfig({ flags, env: process.env, cwd: process.cwd() });
  const logger = stderrLogger({ level: config.logLevel, redact: redactSecrets });
  const app: App = new App({ config, logger, onActive: () => startBeating(app, logger) });
  const server = createServer({
    version: VERSION,
    toolsets: config.toolsets,
    logger,
    dispatch: (client) => app.dispatch(client),
  });
  const bytesMax = config.settings.input_bytes_max;
  const transport = new StdioTransport({
    lineBytesMax: bytesMax + ENVELOPE_BYTES,
    refusal: async () => (await import("./mcp/tool-call.js")).tooLargeResult(bytesMax),
  });
  await server.connect(transport);
  await Promise.race([transport.ended, stopSignal()]);
  server.stopWaiting();
  const shutDown = async () => {
    await Promise.race([transport.drained(), after(DRAIN_MS_MAX)]);
    await server.close();
    await app.close();
  };
  await Promise.race([shutDown(), after(SHUTDOWN_MS_MAX)]);
  process.exit(0);
}

/** The only interval of the program: it starts with the first write, and never keeps the process alive. */
function startBeating(app: App, logger: Logger): void {
  const { tick_ms, session_renew_ms } = app.config.settings;
  const beat = () => {
    app.beat().catch((error: unknown) => logger.warn("background work failed; it is tried again", { error }));
  };
  setInterval(beat, Math.min(tick_ms, session_renew_ms)).unref();
}

/** Settles when the process is asked to stop. Asked again, it stops at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => resolve());
  });
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

try {
  await serve(process.argv.slice(2).filter((arg) => arg !== "serve"));
} catch (error) {
  if (!(error instanceof BatonError)) throw error;
  process.stderr.write(`baton: ${error.message}\n`);
  process.exit(2);
}
