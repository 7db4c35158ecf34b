import { CLIENT_NAMES } from "../base/statuses.js";
import { accessSync, constants, realpathSync } from "node:fs";
import path from "node:path";
import { isObject, type JsonObject } from "../base/json.js";
import { shellWord } from "../base/texts/shell-word.js";

/** The script beside the program, which `baton` on the path is. */
const SCRIPT = "baton.cjs";

type Env = Readonly<Record<string, string | undefined>>;

/** The command that clients start: `baton` where the one on the path is this program, else Node with its file. */
export interface BatonCommand {
  readonly words: readonly [string, ...string[]];
  /** Absolute. */
  readonly program: string;
  readonly isOnPath: boolean;
  /** The SQLite file that servers and hooks are given. Absolute; undefined: both take the one of the person's configuration. */
  readonly database?: string | undefined;
}

export function batonCommand(program: string, env: Env): BatonCommand {
  // A client on Windows cannot start the .cmd file that npm puts on the path.
  const found = process.platform === "win32" ? undefined : programOnPath("baton", env);
  // The one on the path is a script beside it.
  const isOnPath = found !== undefined && path.dirname(realpathSync(found)) === path.dirname(realpathSync(program));
  return { words: isOnPath ? ["baton"] : ["node", program], program, isOnPath };
}

/** The file that a shell would start under this name. */
export function programOnPath(name: string, env: Env): string | undefined {
  const endings = process.platform === "win32" ? (env["PATHEXT"] ?? ".EXE;.CMD").split(";") : [""];
  for (const directory of (env["PATH"] ?? env["Path"] ?? "").split(path.delimiter)) {
    const file = endings
      .map((ending) => path.join(directory, name + ending))
      .find((one) => path.isAbsolute(one) && isProgram(one));
    if (file !== undefined) return file;
  }
  return undefined;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A line for a shell: POSIX, and on Windows both Git Bash and PowerShell, which take slashes in paths. */
export function shellLine({ words }: BatonCommand, ...more: readonly string[]): string {
  return [...words, ...more].map((word) => wordOf(word)).join(" ");
}

/** The words that choose the database of a server and of a hook. */
function databaseWords({ database }: BatonCommand): string[] {
  return database === undefined ? [] : ["--db", database];
}

/** The command and the arguments of a server. */
export function serverWords(command: BatonCommand): { readonly command: string; readonly args: string[] } {
  const [program, ...args] = command.words;
  return { command: program, args: [...args, ...databaseWords(command)] };
}

/** The program that hooks start: they run at each edit, and a script starts sooner. Absolute. */
export function hookScript({ program }: BatonCommand): string {
  return path.join(path.dirname(program), SCRIPT);
}

/** The line of a hook: of a client by its name, or of git. */
export function guardLine(command: BatonCommand, ...hook: readonly string[]): string {
  const words = command.isOnPath ? command.words : (["node", hookScript(command)] as const);
  return shellLine({ ...command, words }, "guard", ...hook, ...databaseWords(command));
}

/** The line of a client's hook. Without Baton the work goes on: clients take code 2 for a denial, and Copilot any failure. */
export function hookLine(command: BatonCommand, client: string): string {
  const line = guardLine(command, client);
  // PowerShell 5, which clients may use on Windows, reads no such list.
  return process.platform === "win32" ? line : `${line} || true`;
}

/** A word for the shells of this platform: those of Windows have quotes in common that a POSIX shell reads otherwise. */
export function wordOf(word: string): string {
  if (process.platform !== "win32") return shellWord(word);
  const plain = word.replaceAll("\\", "/");
  return shellWord(plain) === plain ? plain : `"${plain}"`;
}

const GUARDED = [...CLIENT_NAMES, "git"].join("|");
const HOOK = new RegExp(String.raw`(?:^|[\s/\\'"])(?:baton(?:\.cjs)?|main\.js)['"]?\s+guard\s+(?:${GUARDED})\b`);
/** Where a hook of a client has its command, by client and shell. */
const COMMANDS = ["command", "bash", "powershell"];

export function isHookOfBaton(handler: unknown): boolean {
  if (isToolHook(handler)) return true;
  return isObject(handler) && COMMANDS.some((key) => typeof handler[key] === "string" && HOOK.test(handler[key]));
}

/** Whether a hook calls the tool of Baton's server. */
export function isToolHook(handler: unknown): boolean {
  return isObject(handler) && handler["type"] === "mcp_tool" && handler["server"] === "baton";
}

/** An MCP server in a client's file. */
export interface ServerEntry {
  readonly fresh: JsonObject;
  /** Returns a present entry with the program as it is now, flags and all other keys as they are; undefined for another program. */
  readonly update: (present: unknown) => JsonObject | undefined;
}

export function serverEntry(command: BatonCommand, fresh: JsonObject): ServerEntry {
  return { fresh, update: (present) => updatedServer(present, command, fresh) };
}

const FILE = /[\\/]dist[\\/]main\.js(?=['"\s]|$)/;
const ON_PATH = /(?:^|[\s/\\])baton(?:\.cmd|\.exe)?(?:\s|$)/;
const FROM_NPM = /^baton-mcp(?:@|$)/;

/** Whether a client's entry for a server starts Baton, in whatever form. */
export function startsBaton(entry: unknown): boolean {
  return wordsOf(entry).some((word) => FILE.test(word) || ON_PATH.test(word) || FROM_NPM.test(word));
}

/** The command of an entry and its arguments. */
export function wordsOf(entry: unknown): string[] {
  if (!isObject(entry)) return [];
  const args = Array.isArray(entry["args"]) ? (entry["args"] as unknown[]) : [];
  return [entry["command"], ...args].filter((word) => typeof word === "string");
}

function updatedServer(
  present: unknown,
  { program, isOnPath }: BatonCommand,
  fresh: JsonObject,
): JsonObject | undefined {
  if (!isObject(present) || !startsBaton(present)) return undefined;
  const words = wordsOf(present);
  if (words.some((word) => FILE.test(word))) {
    const renew = (word: unknown): unknown => (typeof word === "string" ? renewed(word, program) : word);
    const args = Array.isArray(present["args"]) ? { args: present["args"].map(renew) } : {};
    return { ...present, command: renew(present["command"]), ...args };
  }
  // A package of npm is the same from every place.
  return isOnPath || words.some((word) => FROM_NPM.test(word)) ? present : { ...present, ...fresh };
}

/** A word that is the path of a Baton, or a shell's line that holds one. */
function renewed(word: string, program: string): string {
  if (path.isAbsolute(word)) return FILE.test(word) ? program : word;
  return word.replace(/(['"]?)([^'"\s]*[\\/]dist[\\/]main\.js)\1|'[^']*[\\/]dist[\\/]main\.js'/, () => wordOf(program));
}
