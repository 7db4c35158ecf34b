import fs from "node:fs";
import path from "node:path";
import type { Config } from "../../config.js";
import type { App } from "../../app/app.js";
import { BatonError } from "../../base/errors.js";
import type { CommandAnswer, CommandContext } from "../command.js";
import { bytes, duration } from "../terminal/durations.js";
import { UsageError } from "../failure.js";

export interface ResetOptions {
  readonly yes?: boolean;
  readonly force?: boolean;
}

/** `baton reset`: takes the whole database away, after the person has typed its name or said --yes. */
export async function reset(context: CommandContext, options: ResetOptions): Promise<CommandAnswer> {
  const { app, config } = await context.open();
  if (config.readOnly) throw new BatonError("not_permitted", "BATON_READ_ONLY is set: nothing was deleted.");
  const { database } = config;
  await refuseLive(context, app, options);
  const contents = options.yes === true ? "" : await contentsOf(context);
  await app.close();
  const what = database.kind === "sqlite" ? database.file : new URL(database.url).pathname.slice(1);
  await confirm(context, options, { what, contents, word: database.kind === "sqlite" ? path.basename(what) : what });
  const removed = await context.host.removeDatabase(database);
  const kind = database.kind === "sqlite" ? "files" : "tables";
  const text =
    removed.length === 0
      ? `There was nothing to remove at ${what}.`
      : `Removed: ${removed.join(", ")}${outputLeft(config)}`;
  return { data: { database: what, kind, removed }, text };
}

/** Names the output of commands, which stays: it may belong to the runs of another database too. */
function outputLeft({ outputDirectory }: Config): string {
  return fs.existsSync(outputDirectory) ? `\nThe output of commands is still in ${outputDirectory}.` : "";
}

/** ` (14 runs, 3 of them open)`; empty where the database cannot be read: that may be why it is to go. */
async function contentsOf({ call }: CommandContext): Promise<string> {
  try {
    const { runs } = await call("get_system_status", {});
    const [all, ended] = [Object.values(runs), ENDED.map((status) => runs[status] ?? 0)].map((counts) =>
      counts.reduce((sum, one) => sum + one, 0),
    );
    return ` (${all} runs, ${(all ?? 0) - (ended ?? 0)} of them open)`;
  } catch (error) {
    if (error instanceof BatonError) return "";
    throw error;
  }
}

const ENDED = ["succeeded", "failed", "cancelled", "compensated"];

async function refuseLive({ host }: CommandContext, app: App, { force }: ResetOptions): Promise<void> {
  if (force === true) return;
  // A database too damaged to be queried is a reason for reset: no process can be using it.
  const live = await host.liveSessions(app).catch((error: unknown) => {
    if (error instanceof BatonError && error.details?.["reason"] === "corrupt") return [];
    throw error;
  });
  if (live.length === 0) return;
  const who = live.slice(0, 5).map((one) => `${one.client} (process ${one.pid} on ${one.host})`);
  const more = live.length > who.length ? ` and ${live.length - who.length} more` : "";
  throw new BatonError(
    "conflict",
    `The database is in use by ${who.join(", ")}${more}. Close them first, or pass --force.`,
    { details: { sessions: live } },
  );
}

interface Question {
  readonly what: string;
  /** Counts of its runs, for the question. */
  readonly contents: string;
  readonly word: string;
}

async function confirm(
  context: CommandContext,
  { yes }: ResetOptions,
  { what, contents, word }: Question,
): Promise<void> {
  if (yes === true) return;
  if (context.askLine === undefined)
    throw new UsageError(`reset deletes ${what} permanently: pass --yes where there is no terminal to confirm at.`);
  const answer = await context.askLine(
    `This deletes ${what} with all runs, tasks and history${contents}, permanently.\nType ${word} to continue: `,
  );
  const typed = (answer ?? "").trim();
  if (typed !== word) throw new UsageError(`"${typed}" is not ${word}: nothing was deleted.`);
}

/** `baton prune`: removes what is older than the retention, now rather than little by little. */
export async function prune({ open, host }: CommandContext): Promise<CommandAnswer> {
  const pruned = await host.prune((await open()).app);
  const { runs, dead_letters: deadLetters, sessions, bytes: given, retention_ms: retention } = pruned;
  const removed = runs === 1 ? "1 run" : `${runs} runs`;
  const kept = `${duration(retention)}, or what their project says (BATON_RETENTION_MS, retention_days)`;
  const closed = deadLetters === 0 ? "" : ` So did ${deadLetters} dead letters (BATON_DEAD_LETTER_RETENTION_MS).`;
  const ended = sessions === 0 ? "" : ` So did ${sessions} sessions (BATON_RETENTION_MS).`;
  const space = given === null ? "" : ` ${bytes(given)} were given back.`;
  const text = `Removed ${removed} that ended longer ago than they are kept: ${kept}.${closed}${ended}${space}`;
  return { data: { ...pruned, letters: deadLetters }, text };
}
