import type { InputOf, ResultOf } from "../../tools/registry.js";
import { answer, type CommandContext, type Shared, withApp } from "../command.js";
import { jsonOrText } from "../operation-flags.js";
import { table } from "../terminal/table.js";
import { inputsOf } from "../run/workflow-file.js";

const SHOWN_MAX = 200;

export interface ListOptions extends Shared {
  readonly run?: string;
  readonly project?: string;
  readonly status: NonNullable<InputOf<"list_dead_letters">["status"]>;
}

/** `baton dead-letters list` */
export async function listDeadLetters(context: CommandContext, options: ListOptions): Promise<void> {
  await withApp(context, options, async (call) => {
    const { run, project, status } = options;
    const place = { ...(run !== undefined && { run }), ...(project !== undefined && { project }) };
    const found = await call("list_dead_letters", { status, limit: SHOWN_MAX, ...place });
    const rows = found.dead_letters.map(({ id, task, error, created_at: at, replay_at: again }) => [
      id,
      task.key,
      task.run,
      at,
      ...(status === "pending" ? [again ?? "-"] : []),
      `${error.type}: ${error.message.split("\n")[0] ?? ""}`,
    ]);
    const headings = ["id", "task", "run", "since", ...(status === "pending" ? ["next retry"] : []), "error"];
    const more = found.next_cursor === undefined ? "" : `\nOnly the first ${rows.length} are shown.`;
    const text =
      rows.length === 0 ? `No dead letters are ${status}.` : `${table(headings, rows, context.stdout)}${more}`;
    answer(context, options, { data: found, text });
  });
}

/** `baton dead-letters show ID` */
export async function showDeadLetter(context: CommandContext, id: string, options: Shared): Promise<void> {
  await withApp(context, options, async (call) => {
    const found = await call("get_dead_letter", { id });
    const { dead_letter: deadLetter, attempts, context: given, blocked } = found;
    const { task, error, closed_by: by, note, replay_at: again } = deadLetter;
    const asked = given.prompt ?? given.command;
    const inputs = Object.entries(given.inputs).map(([name, value]) => `    ${name}: ${JSON.stringify(value)}`);
    const text = [
      `${task.key} (${task.title}) of ${task.run} is ${deadLetter.status} since ${deadLetter.closed_at ?? deadLetter.created_at}`,
      `  ${error.type}: ${error.message}`,
      ...(error.stack === undefined ? [] : [indented(error.stack, "    ")]),
      ...(asked === undefined
        ? []
        : [given.prompt === undefined ? "  command:" : "  prompt:", indented(asked, "    ")]),
      ...(inputs.length === 0 ? [] : ["  with:", ...inputs]),
      "  attempts:",
      ...attempts.map(
        (one) => `    ${one.number}. ${one.agent}, ${one.ended_at}: ${one.error?.message ?? one.outcome}`,
      ),
      ...(blocked.length === 0 ? [] : [`  ${tasks(blocked.length)} for it: ${blocked.slice(0, 10).join(", ")}`]),
      ...(by === null ? [] : [`  closed by ${by}${note === null ? "" : `: ${note}`}`]),
      ...(again === undefined ? [] : [`  retried automatically at ${again}`]),
      ...(deadLetter.status === "pending" ? [`  baton dead-letters replay ${id}, or resolve, or discard`] : []),
    ].join("\n");
    answer(context, options, { data: found, text });
  });
}

export interface ReplayOptions extends Shared {
  readonly prompt?: string;
  readonly agent?: string;
  readonly maxAttempts?: number;
  readonly input: readonly string[];
  readonly notes?: string;
}

/** `baton dead-letters replay ID…`: one after the other; what has been replayed when one is refused stays so. */
export async function replayDeadLetters(
  context: CommandContext,
  ids: readonly string[],
  options: ReplayOptions,
): Promise<void> {
  const { prompt, agent, maxAttempts, input, notes } = options;
  const changes = {
    ...(prompt !== undefined && { prompt }),
    ...(agent !== undefined && { agent }),
    ...(input.length > 0 && { inputs: inputsOf(input, {}) }),
    ...(maxAttempts !== undefined && { retry: { max_attempts: maxAttempts } }),
  };
  await withApp(context, options, async (call) => {
    const said = await inTurn(ids, async (id) => {
      const handled = await call("replay_dead_letter", { id, changes, ...(notes !== undefined && { notes }) });
      return { data: handled, text: handledText("replayed", handled) };
    });
    answer(context, options, said);
  });
}

export async function resolveDeadLetter(
  context: CommandContext,
  id: string,
  options: Shared & { notes: string; result?: string },
): Promise<void> {
  await withApp(context, options, async (call) => {
    const { notes, result } = options;
    const given = result === undefined ? {} : { result: jsonOrText(result) };
    const handled = await call("resolve_dead_letter", { id, notes, ...given });
    answer(context, options, { data: handled, text: handledText("resolved", handled) });
  });
}

export async function discardDeadLetters(
  context: CommandContext,
  ids: readonly string[],
  options: Shared & { notes: string },
): Promise<void> {
  await withApp(context, options, async (call) => {
    const said = await inTurn(ids, async (id) => {
      const { task } = await call("discard_dead_letter", { id, notes: options.notes });
      return { data: { task }, text: `${task.key} discarded: it stays failed` };
    });
    answer(context, options, said);
  });
}

interface Said {
  readonly data: object;
  readonly text: string;
}

async function inTurn(ids: readonly string[], handle: (id: string) => Promise<Said>): Promise<Said> {
  const handled: Said[] = [];
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
