import { App, type AppOptions } from "./app.js";
import { type Config, type Flags, loadConfig } from "./config.js";
import { type Logger, stderrLogger } from "./runtime/logger.js";
import { redactSecrets } from "./store/secrets.js";

export interface Launched {
  readonly app: App;
  readonly config: Config;
  readonly logger: Logger;
}

/** Puts a process together from what the person said and what the environment says. Throws `BatonError` for what is wrong there. */
export function launch(flags: Flags, options: Omit<AppOptions, "config" | "logger" | "onActive"> = {}): Launched {
  const config = loadConfig({ flags, env: process.env, cwd: process.cwd() });
  const logger = stderrLogger({ level: config.logLevel, redact: redactSecrets });
  const app: App = new App({ ...options, config, logger, onActive: () => startBeating(app, logger) });
  return { app, config, logger };
}

// After the call that began it, which may be the sign of life that keeps a task; but what came due while no process was up is not
// to wait for a whole interval.
const FIRST_BEAT_MS = 50;

/** The only interval of the program: it starts with the first write, and never keeps the process alive. */
function startBeating(app: App, logger: Logger): void {
  const { tick_ms, session_renew_ms } = app.config.settings;
  const beat = () => {
    app.beat().catch((error: unknown) => logger.warn("background work failed; it is tried again", { error }));
  };
  setTimeout(beat, Math.min(FIRST_BEAT_MS, tick_ms)).unref();
  setInterval(beat, Math.min(tick_ms, session_renew_ms)).unref();
}
