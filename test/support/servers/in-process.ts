import { commandHost } from "../../../src/app/command-host.js";
import { runCommandLine } from "../../../src/cli/program.js";
import type { CommandLineFixture, Ended } from "./command-line.js";

/**
 * Runs `baton …` to its end in this process, with the same parser, commands and host as a process of its own, which would take a
 * quarter of a second of processor time to start. For commands without stdin, signals and terminals; files run them one at a time.
 */
export async function baton(fixture: CommandLineFixture, args: readonly string[]): Promise<Ended> {
  const { env, cwd } = { env: { ...process.env }, cwd: process.cwd() };
  const [stdout, stderr] = [captured(process.stdout), captured(process.stderr)];
  become(fixture.env, fixture.cwd);
  try {
    const code = await runCommandLine(args, commandHost);
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    become(env, cwd);
    stdout.release();
    stderr.release();
  }
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

/**
 * Sets other variables and another working directory for this process. The variables are changed in place: native code
 * reads them too.
 */
function become(env: Readonly<Record<string, string | undefined>>, cwd: string): void {
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  process.chdir(cwd);
}

/** Takes what is written to a stream until it is released, with the listeners that were added meanwhile. */
function captured(stream: NodeJS.WriteStream): { text: () => string; release: () => void } {
  const own = Object.getOwnPropertyDescriptor(stream, "write");
  const listeners = stream.listeners("error");
  let text = "";
  stream.write = (chunk: string | Uint8Array) => {
    text += String(chunk);
    return true;
  };
  const release = () => {
    if (own === undefined) Reflect.deleteProperty(stream, "write");
    else Object.defineProperty(stream, "write", own);
    for (const listener of stream.listeners("error"))
      if (!listeners.includes(listener)) stream.off("error", listener as () => void);
  };
  return { text: () => text, release };
}
