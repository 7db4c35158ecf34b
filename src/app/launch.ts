import { App, type AppOptions } from "./app.js";
import { type Config, type Flags, loadConfig } from "../config.js";
import { type Logger, stderrLogger } from "../runtime/logger.js";
import { soon } from "../runtime/soon.js";
import { redactSecrets } from "../store/redaction.js";

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
  const warn = onceInARow((error) => logger.warn("background work failed; it is tried again", { error }));
  const beat = () => {
    app.beat().then(() => warn(undefined), warn);
  };
  const onActive = () => startBeating(beat, config.settings);
  // A beat under way may have looked already: the one after it has not.
  const beatAnew = () => void app.beat().then(beat, beat);
  const app: App = new App({ ...options, config, logger, onActive, onDue: soon(beatAnew, DUE_MS) });
  return { app, config, logger };
}

/** Long enough for a commit on its way, short beside the second after which the interval finds the same. */
const DUE_MS = 20;

// After the call that began it, which may be the sign of life that keeps a task; but what came due while no process was up is not
// to wait for a whole interval.
const FIRST_BEAT_MS = 50;

/** The only interval of the program: it starts with the first write, and never keeps the process alive. */
function startBeating(beat: () => void, { tick_ms, session_renew_ms }: Config["settings"]): void {
  setTimeout(beat, Math.min(FIRST_BEAT_MS, tick_ms)).unref();
  setInterval(beat, Math.min(tick_ms, session_renew_ms)).unref();
}

/** Says what is wrong when it begins, not with each interval that finds it unchanged. Told of nothing, it is well again. */
function onceInARow(say: (error: unknown) => void): (error: unknown) => void {
  let said: string | undefined;
  return (error) => {
    const text = error instanceof Error ? error.message : undefined;
    if (text !== undefined && text !== said) say(error);
    said = text;
  };
}
