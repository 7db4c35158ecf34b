import path from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { hasCode } from "../../base/errors.js";
import type { Flags } from "../../config.js";
import { addressFrom, originOf, requireLoopback } from "../../http/address.js";
import { Listener } from "../../http/listener.js";
import { httpServer } from "../../http/server.js";
import { statelessHandler } from "../../mcp/stateless/handler.js";
import { OpenCalls } from "../../runtime/waiting.js";
import { PACKAGE_ROOT } from "../../runtime/package-root.js";
import { VERSION } from "../../runtime/version.js";
import { launch } from "../launch.js";
import { ENVELOPE_BYTES, stopSignal } from "./process.js";

/** From the signal on, at most: waits end at once, and what runs may answer. */
const DRAIN_MS_MAX = 10_000;
/** The same with the end of the session. */
const SHUTDOWN_MS_MAX = 12_000;
/** The name of this process among the sessions. */
const CLIENT = "baton-serve";

/** Serves MCP and the operations over HTTP until a signal comes; then ends the process. */
export async function serveHttp(flags: Flags, where: string): Promise<never> {
  const address = addressFrom(where);
  requireLoopback(address);
  const { app, config, logger } = launch(flags, { cwd: process.cwd() });
  const dispatch = (client: string) => app.remoteDispatch(client);
  const calls = new OpenCalls();
  const bodyBytesMax = config.settings.input_bytes_max + ENVELOPE_BYTES;
  const newRequestId = () => app.newRequestId();
  const shared = { version: VERSION, logger, dispatch, calls, bodyBytesMax, newRequestId };
  const mcp = statelessHandler({
    ...shared,
    toolsets: config.toolsets,
    readOnly: config.readOnly,
    reader: () => app.reader(CLIENT),
  });
  const server = httpServer({
    ...shared,
    reader: () => app.reader(CLIENT),
    heartbeatMs: () => app.settings.progress_every_ms,
    isReady: async () => {
      try {
        await (await app.reader(CLIENT)).read(function* () {});
        return true;
      } catch (error) {
        if (!hasCode(error, "unavailable")) throw error;
        return false;
      }
    },
    dashboard: path.join(PACKAGE_ROOT, "dist/dashboard"),
    mcp: (request) => mcp.fetch(request),
  });
  const listener = await Listener.at(address, server.fetch);
  await app.standBy(CLIENT);
  process.stderr.write(`baton: serving MCP at ${originOf(listener.address)}/mcp\n`);
  await stopSignal();
  calls.stop();
  const shutDown = async () => {
    await Promise.race([listener.close(), after(DRAIN_MS_MAX)]);
    await mcp.close();
    await app.close();
  };
  await Promise.race([shutDown(), after(SHUTDOWN_MS_MAX)]);
  process.exit(0);
}
