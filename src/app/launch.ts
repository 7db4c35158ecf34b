import { App, type AppOptions } from "./app.js";
import { type Config, type Flags, loadConfig } from "../config.js";
import { type Logger, stderrLogger } from "../runtime/logger.js";
import { conversationKey } from "../base/names.js";
import { soon } from "../runtime/soon.js";
import { redactSecrets } from "../base/secrets/redaction.js";

export interface Launched {
  readonly app: App;
  readonly config: Config;
  readonly logger: Logger;
}

/** Builds a process from flags, environment and files. Throws `BatonError` for invalid configuration. */
export function launch(
  flags: Flags,
  options: Omit<AppOptions, "config" | "logger" | "onActive" | "onDue"> = {},
): Launched {
  const config = loadConfig({ flags, env: process.env, cwd: options.cwd ?? process.cwd() });
  const logger = stderrLogger({ level: config.logLevel, redact: redactSecrets });
  for (const warning of config.warnings) logger.warn(warning);
  const warn = onceInARow((error) => logger.warn("background work failed; retrying", { error }));
  const runBackground = () => {
    app.runBackground().then(() => warn(undefined), warn);
  };
  const onActive = () => startInterval(runBackground, config.settings);
  // A pass under way may have read too early; the pass after it has not.
  const runAnother = () => void app.runBackground().then(runBackground, runBackground);
  // Claude Code's name for its conversation outlives this process.
  const clientSession = conversationKey(process.env["CLAUDE_CODE_SESSION_ID"]);
  const own = { config, logger, onActive, onDue: soon(runAnother, DUE_MS), tracesTo: tracing(process.env) };
  const app: App = new App({ clientSession, ...options, ...own });
  return { app, config, logger };
}

/** The environment, where it names a collector: nothing of traces is loaded elsewhere. */
function tracing(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv | undefined {
  const endpoint = env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] ?? env["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? "";
  return endpoint === "" ? undefined : env;
}

/** Long enough for a commit on its way, short compared to the interval, which finds the same work. */
const DUE_MS = 20;

// Later than the first call, which may be the heartbeat that keeps a task, but sooner than an interval: work may have come due while
// no process ran.
const FIRST_PASS_MS = 50;

/** The only interval of the program. It never keeps the process alive. */
function startInterval(runBackground: () => void, { tick_ms, session_renew_ms }: Config["settings"]): void {
  setTimeout(runBackground, Math.min(FIRST_PASS_MS, tick_ms)).unref();
  setInterval(runBackground, Math.min(tick_ms, session_renew_ms)).unref();
}

/** Logs an error once for each uninterrupted row of the same error. `undefined` ends the row. */
function onceInARow(say: (error: unknown) => void): (error: unknown) => void {
  let said: string | undefined;
  return (error) => {
    const text = error instanceof Error ? error.message : undefined;
    if (text !== undefined && text !== said) say(error);
    said = text;
  };
}
