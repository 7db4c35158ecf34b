#!/usr/bin/env node
import { parseArgs } from "node:util";
import { App } from "./app.js";
import { loadConfig } from "./config.js";
import { BatonError } from "./engine/errors.js";
import { createServer } from "./mcp/server.js";
import { StdioTransport } from "./mcp/stdio.js";
import { stderrLogger } from "./runtime/logger.js";
import { redactSecrets } from "./store/secrets.js";
import { VERSION } from "./runtime/version.js";

const DRAIN_MS_MAX = 400;
const CLOSE_MS_MAX = 900;
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
  const app = new App({ config, logger });
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
  await transport.ended;
  server.stopWaiting();
  await Promise.race([transport.drained(), after(DRAIN_MS_MAX)]);
  await server.close();
  await Promise.race([app.close(), after(CLOSE_MS_MAX)]);
  process.exit(0);
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

try {
  await serve(process.argv.slice(2).filter((arg) => arg !== "serve"));
} catch (error) {
  if (!(error instanceof BatonError)) throw error;
  process.stderr.write(`baton: ${error.message}\n`);
  process.exit(2);
}
