import { readInput } from "./hook-input.js";
import { isUtf8 } from "node:buffer";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ownDirectories } from "../../config/database.js";
import { CLIENT_NAMES } from "../../base/statuses.js";
import { messageOf } from "../../base/errors.js";
import { shownJson } from "../../base/texts/shown-text.js";
import type { ClientKind } from "../../engine/guard/hook-sessions.js";
import { answerOf } from "../../guard/hooks/hook-answer.js";
import { type HookCall, readHookCall } from "../../guard/hooks/hook-call.js";
import { editedAt, judge, judgeUse } from "../../guard/judgement.js";
import { editDenied, unguarded } from "../../guard/wording.js";
import { type GuardOrigin, within, withHost } from "./guard-host.js";

/** A document of a hook that is longer is not read: an edit carries the whole file. */
const DOCUMENT_BYTES_MAX = 32 * 1024 * 1024;
/** A document, and then the answer to it, has so long: after it the work goes on. Hooks that `baton init` writes are given both times. */
const TIME_MAX_MS = 2_500;
const USAGE = `Usage: baton guard ${CLIENT_NAMES.join("|")}, with the document of a hook on standard input; baton guard git, in a hook of git; baton guard check PATH…. Each takes --db FILE behind it.\n`;

/** The texts that a guard writes, and the code it ends with. */
interface Ending {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

const SILENT: Ending = { stdout: "", stderr: "", code: 0 };

/** Carries out `baton guard …`. Whatever fails in it lets the work go on. */
export async function guard(args: readonly string[]): Promise<void> {
  const ending = await endingOf(args);
  process.exitCode = ending.code;
  if (ending.stderr !== "") process.stderr.write(ending.stderr);
  // The process ends also while a connection to the database still hangs.
  if (ending.stdout === "") process.exit();
  process.stdout.write(ending.stdout, () => process.exit());
}

async function endingOf([kind = "", ...given]: readonly string[]): Promise<Ending> {
  // It is the last that `baton init` writes: a path that is checked may have any name.
  const isGiven = given.at(-2) === "--db";
  const db = isGiven ? given.at(-1) : undefined;
  const rest = isGiven ? given.slice(0, -2) : given;
  if (kind === "--help" || kind === "-h") return { ...SILENT, stdout: USAGE };
  if (kind === "git") return guardGit(rest[0], shellOrigin(db));
  if (kind === "check" && rest.length > 0) return checkWords(rest, shellOrigin(db));
  if (!CLIENT_NAMES.some((name) => name === kind)) return { ...SILENT, stderr: USAGE, code: 2 };
  const call = await readCall();
  if (call === undefined) {
    const said = await sayOnce(`unknown ${kind} ${process.ppid}`, "");
    return said === ""
      ? SILENT
      : {
          ...SILENT,
          stderr: `baton: a hook of ${kind} sent a document that is not known here, or not whole within ${TIME_MAX_MS} ms; the work goes on.\n`,
        };
  }
  if (call.event === "other" || (call.event === "stop" && call.again)) return SILENT;
  try {
    const verdict = await withHost({ ...call, db }, TIME_MAX_MS, (host) => judge(call, host));
    return { ...SILENT, stdout: answerOf(call, verdict) };
  } catch (error) {
    return { ...SILENT, stdout: await downAnswer(call, messageOf(error)) };
  }
}

async function readCall(): Promise<HookCall | undefined> {
  try {
    const input = await within(TIME_MAX_MS, () => readInput(DOCUMENT_BYTES_MAX));
    if (input === undefined || !isUtf8(input)) return undefined;
    const text = input.toString("utf8");
    // PowerShell may put a byte order mark before it.
    return readHookCall(JSON.parse(text.startsWith("\uFEFF") ? text.slice(1) : text), process.cwd());
  } catch {
    return undefined;
  }
}

/** Clients whose every hook may tell the person something. */
const TOLD_BY_MESSAGE: ReadonlySet<HookCall["client"]> = new Set(["claude-code", "codex", "vscode", "gemini"]);

/** Tells a conversation once that Baton cannot be asked. */
async function downAnswer({ client, conversation }: HookCall, why: string): Promise<string> {
  const text = await sayOnce(`down ${conversation ?? process.ppid}`, unguarded(why));
  return text === "" || !TOLD_BY_MESSAGE.has(client) ? "" : `${shownJson({ systemMessage: text })}\n`;
}

/** Returns a text once for each subject; empty afterwards, and where it cannot be noted that it was said. */
async function sayOnce(subject: string, text: string): Promise<string> {
  try {
    const { createHash } = await import("node:crypto");
    const directory = path.join(ownDirectories().data, "guard");
    const file = path.join(directory, createHash("sha256").update(subject).digest("hex").slice(0, 32));
    if (existsSync(file)) return "";
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(file, "", { flag: "wx", mode: 0o600 });
    return text === "" ? "said" : text;
  } catch {
    return "";
  }
}

/** Judges a hook of git: code 1 keeps git from going on. */
async function guardGit(hook: string | undefined, origin: GuardOrigin): Promise<Ending> {
  try {
    if (hook === "post-commit") return await freeCommitted(origin);
    // A hook that is not known keeps nothing from going on: git would abort each change of a branch.
    if (hook !== undefined && hook !== "pre-commit") return { ...SILENT, stderr: USAGE };
    const { commitInHook } = await import("../../guard/git/hook-uses.js");
    const { GIT_INDEX_FILE, GIT_DIR } = process.env;
    const env = { ...(GIT_INDEX_FILE !== undefined && { GIT_INDEX_FILE }), ...(GIT_DIR !== undefined && { GIT_DIR }) };
    const use = await commitInHook(origin.cwd, env);
    if (use === undefined) return SILENT;
    const reason = await withHost(origin, TIME_MAX_MS, (host) => judgeUse(use, host));
    if (reason === undefined) return SILENT;
    const person = origin.client === undefined && process.stderr.isTTY ? " A person goes on with --no-verify." : "";
    return { ...SILENT, stderr: `baton: ${reason}${person}\n`, code: 1 };
  } catch (error) {
    return { ...SILENT, stderr: `baton: the work goes on unguarded: ${messageOf(error)}\n` };
  }
}

/** Frees the files of the commit that its agent's edits had locked, as far as it has not changed them again. */
async function freeCommitted(origin: GuardOrigin): Promise<Ending> {
  const { committedInHook } = await import("../../guard/git/hook-uses.js");
  const { top, paths } = await committedInHook(origin.cwd);
  await withHost(origin, TIME_MAX_MS, (host) => host.free(paths.map((file) => path.join(top, file))));
  return SILENT;
}

/** Takes the words behind `check`: an option that is not known is no path, or a script with a slip would be told that all is free. */
async function checkWords(words: readonly string[], origin: GuardOrigin): Promise<Ending> {
  const [first = "", ...others] = words;
  if (first === "--help" || first === "-h") return { ...SILENT, stdout: USAGE };
  if (first === "--") return checkPaths(others, origin);
  const option = words.find((word) => word.startsWith("-"));
  if (option === undefined) return checkPaths(words, origin);
  const message = `baton: ${option} is no option of baton guard check. For a file of that name: baton guard check -- ${option}\n`;
  return { ...SILENT, stderr: message, code: 2 };
}

/** Tells people and scripts who holds files: code 1 where another does. */
async function checkPaths(paths: readonly string[], origin: GuardOrigin): Promise<Ending> {
  try {
    const held = await withHost(origin, TIME_MAX_MS, async (host) => {
      return (await host.holdings(editedAt(paths.map((file) => path.resolve(origin.cwd, file))))).others;
    });
    return held === undefined || held.length === 0 ? SILENT : { ...SILENT, stdout: `${editDenied(held)}\n`, code: 1 };
  } catch (error) {
    return { ...SILENT, stderr: `baton: ${messageOf(error)}\n`, code: 2 };
  }
}

/** The client in whose shell this runs; undefined in a person's own. */
function clientOfShell(): ClientKind | undefined {
  const { env } = process;
  if (env["CLAUDECODE"] !== undefined) return "claude-code";
  if (env["CODEX_THREAD_ID"] !== undefined) return "codex";
  if (env["GEMINI_CLI"] !== undefined) return "gemini";
  return env["CURSOR_AGENT"] === undefined ? undefined : "cursor";
}

/** The origin of a hook of git and of a command: the shell that it runs in. */
function shellOrigin(db: string | undefined): GuardOrigin {
  const conversation = process.env["CLAUDE_CODE_SESSION_ID"] ?? process.env["CODEX_THREAD_ID"];
  return { client: clientOfShell(), conversation, cwd: process.cwd(), db };
}
