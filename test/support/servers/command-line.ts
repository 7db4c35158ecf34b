import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { onTestFinished } from "vitest";
import { PersonSecret } from "../../../src/runtime/person-secret.js";
import { temporaryDirectory } from "../databases/databases.js";
import { QUICK_TICK } from "./quick-tick.js";

export const MAIN = path.resolve(import.meta.dirname, "../../../dist/main.js");

/** A person's place: a home, a working directory and a database of its own. */
export interface CommandLineFixture {
  readonly database: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export function startCommandLineFixture(
  more: { cwd?: string; database?: string; env?: Readonly<Record<string, string>> } = {},
): CommandLineFixture {
  const home = temporaryDirectory();
  const database = more.database ?? path.join(home, "baton.db");
  return {
    database,
    cwd: more.cwd ?? temporaryDirectory(),
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: home,
      XDG_CONFIG_HOME: home,
      XDG_DATA_HOME: home,
      BATON_AGENT: "anna",
      BATON_SQLITE_SYNCHRONOUS: "NORMAL",
      ...QUICK_TICK,
      ...(database.startsWith("postgres") ? { BATON_DATABASE_URL: database } : { BATON_DB: database }),
      ...more.env,
    },
  };
}

const SECRET = "correct horse";

/** The file that holds the person's secret. */
export function secretFileOf({ env }: CommandLineFixture): string {
  const mac = path.join(env["HOME"] ?? "", "Library/Preferences");
  return path.join(process.platform === "darwin" ? mac : (env["XDG_CONFIG_HOME"] ?? ""), "baton/person-secret");
}

/** The same place of a person who has set a secret and gives it: they decide from wherever they start `baton`, without a terminal too. */
export function withSecret(fixture: CommandLineFixture): CommandLineFixture {
  new PersonSecret(path.dirname(secretFileOf(fixture))).set(SECRET);
  return { ...fixture, env: { ...fixture.env, BATON_PERSON_SECRET: SECRET } };
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `baton …` that goes on. Killed when the test has finished. */
export interface Started {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<Ended>;
}

export function startBaton(
  fixture: CommandLineFixture,
  args: readonly string[],
  command: readonly string[] = [],
): Started {
  const [program, ...rest] = [...command, process.execPath, MAIN, ...args];
  const child = spawn(program!, rest, { cwd: fixture.cwd, env: fixture.env, stdio: ["pipe", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => {});
  const ended = new Promise<Ended>((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}

/** Runs `baton …` to its end. */
export async function baton(fixture: CommandLineFixture, args: readonly string[], input = ""): Promise<Ended> {
  const started = startBaton(fixture, args);
  started.child.stdin!.end(input);
  return started.ended;
}

/** The one document on stdout; fails where anything else stands there or on stderr. */
export async function batonJson(
  fixture: CommandLineFixture,
  args: readonly string[],
): Promise<Record<string, unknown>> {
  const { stdout, stderr } = await baton(fixture, [...args, "--json"]);
  if (stderr !== "") throw new Error(`stderr: ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** As one word of a POSIX shell: the command that pseudo-terminals of util-linux are given is a shell's. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** The same on a pseudo-terminal of the given size. Needs `script` of util-linux. */
export function startOnTerminal(
  fixture: CommandLineFixture,
  args: readonly string[],
  size: { columns: number; rows: number },
): Started {
  const line = [process.execPath, MAIN, ...args].map(quoted).join(" ");
  const shell = `stty cols ${size.columns} rows ${size.rows}; exec ${line}`;
  const child = spawn("script", ["-qefc", shell, "/dev/null"], {
    cwd: fixture.cwd,
    env: { ...fixture.env, TERM: "xterm-256color", SHELL: "/bin/sh" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => {});
  const ended = new Promise<Ended>((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}
