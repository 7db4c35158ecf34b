import type { CommandHost, Opened } from "../app/command-host.js";
import type { Flags } from "../config.js";
import { BatonError } from "../base/errors.js";
import { defined } from "../base/json.js";
import { shownData, shownJson } from "../base/texts/shown-text.js";
import type { ExitCode } from "./failure.js";
import type { Keys } from "./terminal/keys.js";
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
  /** The same without showing what is typed. */
  readonly askHidden: CommandPlace["askLine"];
  /** The keys that are pressed at the terminal, one by one. */
  readonly keys: Keys | undefined;
  /** Says how the process will end. */
  readonly end: (exitCode: ExitCode) => void;
}

/** Context that every command's action receives. */
export interface CommandContext extends CommandPlace {
  /** Opens the program with the first call, with further flags if given. It is closed when the command has ended. */
  readonly open: (options?: { readonly sessionless: boolean; readonly flags?: Flags }) => Promise<Opened>;
  readonly call: TypedCall;
  /**
   * Does what a person may have to do: where it is refused for that, their secret is asked until the signal fires, and it is done again.
   * Later calls of the command are made in their name too.
   */
  readonly asPerson: <T>(act: (opened: Opened) => Promise<T>, signal?: AbortSignal) => Promise<T>;
}

/** The options that every command takes beside its own. */
export interface Shared extends Flags {
  readonly json?: boolean;
}

/** The answer of a command: the data under --json, else the words for a person. */
export interface CommandAnswer {
  readonly data: unknown;
  readonly text: string;
  /** Instead of the words: a document for other programs, as it is. */
  readonly document?: string;
}

/** A command: it is given the words that were typed, then the options, the global ones too. */
export type CommandFunction<Typed> = (context: CommandContext, ...typed: Typed[]) => Promise<CommandAnswer>;
export type Act = (load: () => Promise<CommandFunction<never>>) => (...typed: unknown[]) => Promise<void>;

/** Whether a call was refused because a person's word is needed. */
function asksPerson(error: unknown): boolean {
  if (!(error instanceof BatonError) || error.code !== "not_permitted") return false;
  const permitted = error.details?.["permitted"];
  return Array.isArray(permitted) && permitted.includes("human");
}

/** Runs a command, prints its answer, and closes the program if the command has opened it. */
export async function runCommand(
  place: CommandPlace,
  options: Shared,
  action: (context: CommandContext) => Promise<CommandAnswer>,
): Promise<void> {
  let opening: Promise<Opened> | undefined;
  // Beside the first, which may have a session that runs steps.
  let person: Promise<Opened> | undefined;
  const open: CommandContext["open"] = (how = { sessionless: true }) =>
    (opening ??= place.host.open({ ...options, ...how.flags }, how));
  const asPerson: CommandContext["asPerson"] = async (act, signal) => {
    const opened = await (person ?? open());
    try {
      return await act(opened);
    } catch (error) {
      if (!asksPerson(error) || !opened.asksSecret) throw error;
      const secret = await place.askHidden?.("Secret: ", signal);
      if (secret === undefined || secret === "") throw error;
      const decides = await place.host.open(options, { sessionless: true, secret });
      person = Promise.resolve(decides);
      return act(decides);
    }
  };
  // JSON writes its data as it is; words are made of what may be shown.
  const shown = options.json === true ? <T>(result: T): T => result : shownData;
  // Dispatch has held the result against the schema that the type is inferred from.
  const call: TypedCall = async (name, input, signal) =>
    asPerson(async (opened) => shown((await (await opened.dispatch()).call(name, defined(input))).result), signal);
  try {
    const { data, text, document } = await action({ ...place, open, call, asPerson });
    if (document !== undefined && options.json !== true) place.stdout.write(document);
    else place.stdout.print(`${options.json === true ? shownJson(data, 2) : text}\n`);
  } finally {
    for (const one of [person, opening])
      await one?.then(
        ({ app }) => app.close(),
        () => undefined,
      );
  }
}
