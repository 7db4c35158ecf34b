import type { InputOf, ResultOf } from "../../tools/registry.js";
import { defined } from "../../base/json.js";
import type { CommandAnswer, CommandContext, Shared } from "../command.js";
import { jsonOrText } from "../operation-flags.js";
import { ago } from "../terminal/durations.js";
import { table } from "../terminal/table.js";
import { inputsOf } from "../run/workflow-file.js";

const SHOWN_MAX = 200;

export interface ListOptions extends Shared {
  readonly run?: string;
  readonly project?: string;
  readonly status: NonNullable<InputOf<"list_dead_letters">["status"]>;
}

/** `baton failed` */
export async function listDeadLetters(
  { call, stdout, host }: CommandContext,
  { run, project, status }: ListOptions,
): Promise<CommandAnswer> {
  const found = await call("list_dead_letters", { status, limit: SHOWN_MAX, run, project });
  const rows = found.dead_letters.map(({ id, task, error, created_at: at, replay_at: again }) => [
    id,
    task.key,
    task.run,
    ago(host.now() - Date.parse(at)),
    ...(status === "pending" ? [again ?? "-"] : []),
    `${error.type}: ${error.message.split("\n")[0] ?? ""}`,
  ]);
  const headings = ["id", "task", "run", "since", ...(status === "pending" ? ["next retry"] : []), "error"];
  const more = found.next_cursor === undefined ? "" : `\nOnly the first ${rows.length} are shown.`;
  const text = rows.length === 0 ? `No failed tasks are ${status}.` : `${table(headings, rows, stdout)}${more}`;
  return { data: found, text };
}

/** `baton failed show ID` */
export async function showDeadLetter({ call }: CommandContext, id: string): Promise<CommandAnswer> {
  const found = await call("get_dead_letter", { id });
  const { dead_letter: deadLetter, attempts, context: given, blocked } = found;
  const { task, error, closed_by: by, note, replay_at: again } = deadLetter;
  const asked = given.prompt ?? given.command;
  const inputs = Object.entries(given.inputs).map(([name, value]) => `    ${name}: ${JSON.stringify(value)}`);
  const text = [
    `${task.key} (${task.title}${task.from === undefined ? "" : `, from ${task.from}`}) of ${task.run} is ${deadLetter.status} since ${deadLetter.closed_at ?? deadLetter.created_at}`,
    `  ${error.type}: ${error.message}`,
    ...(error.stack === undefined ? [] : [indented(error.stack, "    ")]),
    ...(asked === undefined ? [] : [given.prompt === undefined ? "  command:" : "  prompt:", indented(asked, "    ")]),
    ...(inputs.length === 0 ? [] : ["  with:", ...inputs]),
    "  attempts:",
    ...attempts.map((one) => `    ${one.number}. ${one.agent}, ${one.ended_at}: ${one.error?.message ?? one.outcome}`),
    ...(blocked.length === 0 ? [] : [`  ${tasks(blocked.length)} for it: ${blocked.slice(0, 10).join(", ")}`]),
    ...(by === null ? [] : [`  closed by ${by}${note === null ? "" : `: ${note}`}`]),
    ...(again === undefined ? [] : [`  retried automatically at ${again}`]),
    ...(deadLetter.status === "pending" ? [`  baton failed replay ${id}, or resolve, or discard`] : []),
  ].join("\n");
  return { data: found, text };
}

export interface ReplayOptions extends Shared {
  readonly prompt?: string;
  readonly agent?: string;
  readonly maxAttempts?: number;
  readonly input: readonly string[];
  readonly notes?: string;
}

/** `baton failed replay ID…`: one after the other; what has been replayed when one is refused stays so. */
export async function replayDeadLetters(
  { call }: CommandContext,
  ids: readonly string[],
  { prompt, agent, maxAttempts, input, notes }: ReplayOptions,
): Promise<CommandAnswer> {
  const inputs = input.length > 0 ? inputsOf(input, {}) : undefined;
  const retry = maxAttempts === undefined ? undefined : { max_attempts: maxAttempts };
  const changes = defined({ prompt, agent, inputs, retry });
  return inTurn(ids, async (id) => {
    const handled = await call("replay_dead_letter", { id, changes, notes });
    return { data: handled, text: handledText("replayed", handled) };
  });
}

export async function resolveDeadLetter(
  { call }: CommandContext,
  id: string,
  { notes, result }: { notes: string; result?: string },
): Promise<CommandAnswer> {
  const given = result === undefined ? undefined : jsonOrText(result);
  const handled = await call("resolve_dead_letter", { id, notes, result: given });
  return { data: handled, text: handledText("resolved", handled) };
}

export async function discardDeadLetters(
  { call }: CommandContext,
  ids: readonly string[],
  { notes }: { notes: string },
): Promise<CommandAnswer> {
  return inTurn(ids, async (id) => {
    const { task } = await call("discard_dead_letter", { id, notes });
    return { data: { task }, text: `${task.key} discarded: it stays failed` };
  });
}

async function inTurn(ids: readonly string[], handle: (id: string) => Promise<CommandAnswer>): Promise<CommandAnswer> {
  const handled: CommandAnswer[] = [];
  for (const id of new Set(ids)) handled.push(await handle(id));
  const data = { dead_letters: handled.map((one) => one.data) };
  return { data, text: handled.map(({ text }) => text).join("\n") };
}

function handledText(done: string, { task, ready = [], run }: ResultOf<"replay_dead_letter">): string {
  // Absent only where several are replayed in one call.
  if (task === undefined || run === undefined) return done;
  const next = ready.length === 0 ? "" : `, ready now: ${ready.map(({ key }) => key).join(", ")}`;
  return `${task.key} ${done}: it is ${task.status}, its run ${run.id} ${run.status}${next}`;
}

function tasks(count: number): string {
  return count === 1 ? "1 task waits" : `${count} tasks wait`;
}

function indented(text: string, by: string): string {
  return text
    .split("\n")
    .map((line) => by + line)
    .join("\n");
}
