import { readlinkSync, realpathSync } from "node:fs";
import path from "node:path";
import { ancestorsInProc } from "./ancestry.js";
import { readIfThere } from "./processes.js";

/** Where a process was started from: what is known of who sits there. */
export interface Seat {
  /** The terminal of its input, as `/dev/pts/3`; null where that is none or cannot be told. */
  readonly tty: string | null;
  /** Names of the processes above it, the nearest first. Empty where there is no /proc. */
  readonly ancestry: readonly string[];
  /** Why no person is taken to sit there although there is a terminal; undefined where one is. */
  readonly refused?: string | undefined;
  /** The person's secret was given, which counts wherever the process was started. */
  readonly proof?: "secret";
}

/** Set by assistants for the commands that they run. An editor's own terminal has none of them. */
const ASSISTANTS: Readonly<Record<string, string>> = {
  CLAUDECODE: "Claude Code",
  CODEX_SANDBOX: "Codex",
  CODEX_SANDBOX_NETWORK_DISABLED: "Codex",
  CODEX_THREAD_ID: "Codex",
  GEMINI_CLI: "Gemini CLI",
  CURSOR_AGENT: "Cursor's agent",
  OPENCODE: "opencode",
  CLINE_ACTIVE: "Cline",
  AUGMENT_AGENT: "Augment",
  GOOSE_TERMINAL: "goose",
};
/** Set by the runner for each process of a command step. */
const COMMAND_MARK = "BATON_COMMAND_MARK";

/** Looks at this process's terminal, its variables and the processes above it: a few reads, once per process. */
export function readSeat(env: Readonly<Record<string, string | undefined>>): Seat {
  const above = ancestors();
  const ancestry = above.map(({ name }) => name);
  return { tty: terminal(), ancestry, refused: refusal(env, above) };
}

function refusal(env: Readonly<Record<string, string | undefined>>, above: readonly Ancestor[]): string | undefined {
  if ([env, ...above.map((ancestor) => ancestor.env)].some((variables) => Boolean(variables[COMMAND_MARK])))
    return "it was started by a command step";
  if (above.some(({ isBaton }) => isBaton)) return "it was started below a Baton process";
  const marker = Object.keys(ASSISTANTS).find((name) => Boolean(env[name]));
  return marker && `it was started by an assistant: ${marker} is set, as ${ASSISTANTS[marker]} does`;
}

interface Ancestor {
  readonly name: string;
  /** As it was started with. Empty where it is another user's. */
  readonly env: Readonly<Record<string, string>>;
  readonly isBaton: boolean;
}

function ancestors(): Ancestor[] {
  return ancestorsInProc().map(({ pid, name, commandLine }) => ({
    name,
    env: environmentOf(pid),
    isBaton: commandLine.slice(0, 4).some(isOwnFile),
  }));
}

function environmentOf(pid: number): Record<string, string> {
  const entries = (readIfThere(`/proc/${pid}/environ`) ?? "").split("\0").filter((entry) => entry.includes("="));
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
}

/** Whether an argument of a command line is a file of this installation: its main file, a runner, a supervisor. */
function isOwnFile(argument: string): boolean {
  const own = process.argv[1];
  const [file, main] = [realPath(argument), own === undefined ? undefined : realPath(own)];
  return file !== undefined && main !== undefined && file.startsWith(path.dirname(main) + path.sep);
}

function realPath(file: string): string | undefined {
  try {
    return path.isAbsolute(file) ? realpathSync(file) : undefined;
  } catch {
    return undefined;
  }
}

function terminal(): string | null {
  try {
    return readlinkSync("/proc/self/fd/0");
  } catch {
    return null;
  }
}
