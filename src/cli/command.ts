import type { Flags } from "../config.js";
import { type TypedCall, typedCalls } from "./typed-calls.js";
import type { ExitCode } from "./failure.js";
import type { CommandHost, Opened } from "./host.js";
import type { Terminal } from "./terminal/terminal.js";

/** Context that every command's action receives. */
export interface CommandContext {
  readonly host: CommandHost;
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads all of stdin. */
  readonly stdin: () => string;
  /** Asks a person at the terminal for a line; undefined where there is none. */
  readonly askLine: ((question: string) => Promise<string>) | undefined;
  /** Says how the process will end. */
  end(exitCode: ExitCode): void;
}

/** The options that every command takes beside its own. */
export interface Shared {
  readonly json?: boolean;
  readonly db?: string;
  readonly databaseUrl?: string;
  readonly logLevel?: string;
}

export function flagsOf({ db, databaseUrl, logLevel }: Shared): Flags {
  return { db, databaseUrl, logLevel };
}

/** Opens the program for a command that ends with its answer, and closes it. */
export async function withApp<T>(
  context: CommandContext,
  shared: Shared,
  use: (call: TypedCall, opened: Opened) => Promise<T>,
): Promise<T> {
  const opened = await context.host.open(flagsOf(shared), { sessionless: true });
  try {
    return await use(typedCalls(await opened.dispatch()), opened);
  } finally {
    await opened.app.close();
  }
}

/** The answer: the data under --json, else the words for a person. */
export function answer(
  context: CommandContext,
  { json }: Shared,
  said: { readonly data: unknown; readonly text: string },
): void {
  context.stdout.stream.write(`${json === true ? JSON.stringify(said.data, undefined, 2) : said.text}\n`);
}
