import { createRequire } from "node:module";
import type { Logger as Pino } from "pino";

const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Facts beside a message. An `error` is written with its stack. */
export type LogFacts = Readonly<Record<string, unknown>>;

export interface Logger {
  error(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  debug(message: string, facts?: LogFacts): void;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Takes secrets out of each line. */
  readonly redact: (line: string) => string;
}

/** Lines of JSON on stderr: stdout belongs to the protocol. Pino is loaded with the first line, not with the server. */
export function stderrLogger(options: LoggerOptions): Logger {
  const threshold = LOG_LEVELS.indexOf(options.level);
  let pino: Pino | undefined;
  const write = (level: Exclude<LogLevel, "silent">) => (message: string, facts?: LogFacts) => {
    if (LOG_LEVELS.indexOf(level) > threshold) return;
    pino ??= startPino(options);
    pino[level](facts ?? {}, message);
  };
  return { error: write("error"), warn: write("warn"), info: write("info"), debug: write("debug") };
}

function startPino({ level, redact }: LoggerOptions): Pino {
  const require = createRequire(import.meta.url);
  // `require` is untyped; the cast is to the package's own type.
  const { pino } = require("pino") as typeof import("pino");
  const destination = { write: (line: string) => void process.stderr.write(redact(line)) };
  return pino({ level, base: { pid: process.pid }, errorKey: "error" }, destination);
}

export const silentLogger: Logger = { error() {}, warn() {}, info() {}, debug() {} };
