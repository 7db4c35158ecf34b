import { App, type AppOptions } from "./app.js";
import { type Config, type Flags, loadConfig } from "./config.js";
import { type Logger, stderrLogger } from "./runtime/logger.js";
import { soon } from "./runtime/soon.js";
import { redactSecrets } from "./store/secrets.js";

export interface Launched {
  readonly app: App;
  readonly config: Config;
  readonly logger: Logger;
}

/** Puts a process together from what the person said and what the environment says. Throws `BatonError` for what is wrong there. */
export function launch(
  flags: Flags,
  options: Omit<AppOptions, "config" | "logger" | "onActive" | "onDue"> = {},
): Launched {
  const config = loadConfig({ flags, env: process.env, cwd: process.cwd() });
  const logger = stderrLogger({ level: config.logLevel, redact: redactSecrets });
  const beat = () => {
    app.beat().catch((error: unknown) => logger.warn("background work failed; it is tried again", { error }));
  };
  const onActive = () => startBeating(beat, config.settings);
  const app: App = new App({ ...options, config, logger, onActive, onDue: soon(beat, DUE_MS) });
  return { app, config, logger };
}

/** Long enough for a commit on its way, short beside the second after which the interval finds the same. */
const DUE_MS = 20;

/** The only interval of the program: it starts with the first write, and never keeps the process alive. */
function startBeating(beat: () => void, { tick_ms, session_renew_ms }: Config["settings"]): void {
  setInterval(beat, Math.min(tick_ms, session_renew_ms)).unref();
}
