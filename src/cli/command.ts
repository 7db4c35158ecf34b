import type { CommandHost, Opened } from "../app/command-host.js";
import type { Flags } from "../config.js";
import { defined } from "../base/json.js";
import { shownData, shownJson } from "../base/texts/shown-text.js";
import type { ExitCode } from "./failure.js";
import type { Terminal } from "./terminal/terminal.js";
import type { TypedCall } from "./typed-calls.js";

/** The process and the terminal that a command was typed at. */
export interface CommandPlace {
  readonly host: CommandHost;
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads all of stdin. */
  readonly stdin: () => string;
  /** Asks a person at the terminal for a line: undefined where they give none. Undefined itself where there is no terminal. */
  readonly askLine: ((question: string, signal?: AbortSignal) => Promise<string | undefined>) | undefined;
  /** Says how the process will end. */
  readonly end: (exitCode: ExitCode) => void;
}

/** Context that every command's action receives. */
export interface CommandContext extends CommandPlace {
  /** Opens the program with the first call, with further flags if given. It is closed when the command has ended. */
  readonly open: (options?: { readonly sessionless: boolean; readonly flags?: Flags }) => Promise<Opened>;
  readonly call: TypedCall;
}

/** The options that every command takes beside its own. */
export interface Shared extends Flags {
  readonly json?: boolean;
}

/** The answer of a command: the data under --json, else the words for a person. */
export interface CommandAnswer {
  readonly data: unknown;
  readonly text: string;
}

/** A command: it is given the words that were typed, then the options, the global ones too. */
export type CommandFunction<Typed> = (context: CommandContext, ...typed: Typed[]) => Promise<CommandAnswer>;
export type Act = (load: () => Promise<CommandFunction<never>>) => (...typed: unknown[]) => Promise<void>;

/** Runs a command, prints its answer, and closes the program if the command has opened it. */
export async function runCommand(
  place: CommandPlace,
  options: Shared,
  action: (context: CommandContext) => Promise<CommandAnswer>,
): Promise<void> {
  let opening: Promise<Opened> | undefined;
  const open: CommandContext["open"] = (how = { sessionless: true }) =>
    (opening ??= place.host.open({ ...options, ...how.flags }, how));
  // JSON writes its data as it is; words are made of what may be shown.
  const shown = options.json === true ? <T>(result: T): T => result : shownData;
  // Dispatch has held the result against the schema that the type is inferred from.
  const call: TypedCall = async (name, input) =>
    shown((await (await (await open()).dispatch()).call(name, defined(input))).result);
  try {
    const { data, text } = await action({ ...place, open, call });
    place.stdout.print(`${options.json === true ? shownJson(data, 2) : text}\n`);
  } finally {
    await opening?.then(
      ({ app }) => app.close(),
      () => undefined,
    );
  }
}
