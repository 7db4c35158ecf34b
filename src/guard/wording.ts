import type { OtherAgent, SessionNotes } from "../engine/guard/session-notes.js";
import type { HeldFile } from "../engine/guard/guarded-files.js";
import { grouped } from "../base/lists/groups.js";
import { shownJson, shownLine } from "../base/texts/shown-text.js";

const SHOWN_MAX = 5;

/** Says that the work goes on without a guard. */
export function unguarded(why: string): string {
  return `Baton could not be asked, so files that others hold are not guarded now: ${why}`;
}

/** Why an edit is denied, and what is open to the agent: facts, which no client takes for orders of a stranger. */
export function editDenied(held: readonly HeldFile[]): string {
  return `${heldSentences(held)} Open to you: ${waysOut(held)}.`;
}

/** Why a command line is denied. */
export function useDenied(verb: string, held: readonly HeldFile[], narrowed: string | undefined): string {
  const instead = narrowed === undefined ? "" : `\`${narrowed}\`, which leaves them alone; `;
  const does = `${shownLine(verb)} would take along or change work of others.`;
  return `${does} ${heldSentences(held)} Open to you: ${instead}${waysOut(held)}.`;
}

function heldSentences(held: readonly HeldFile[]): string {
  const owners = [...grouped(held, ({ agent, task }) => JSON.stringify([agent, task?.id])).values()];
  const more = owners.slice(SHOWN_MAX).reduce((sum, files) => sum + files.length, 0);
  const shown = owners.slice(0, SHOWN_MAX).map(heldSentence);
  return `${shown.join(" ")}${more > 0 ? ` Others hold ${more} more.` : ""}`;
}

/** Names an owner once, with its files. */
function heldSentence(held: readonly HeldFile[]): string {
  const [first] = held;
  if (first === undefined) return "";
  const { agent, task, reason, lockedPath } = first;
  const isOneLock = held.every((file) => file.lockedPath === lockedPath && file.path !== lockedPath);
  const by = isOneLock ? `, by its lock on ${shownLine(lockedPath)}` : "";
  const paths = [...new Set(held.map(({ path }) => shownLine(path)))];
  const more = paths.length - SHOWN_MAX;
  const files = `${paths.slice(0, SHOWN_MAX).join(", ")}${more > 0 ? ` and ${more} more files` : ""}`;
  const ends = held.map(({ until: end }) => end ?? Infinity);
  const until = Math.max(...ends);
  const what =
    task !== undefined
      ? ` (task ${task.key}, "${shownLine(task.title).slice(0, 80)}")`
      : reason === null
        ? ""
        : ` (${shownLine(reason).slice(0, 80)})`;
  const time =
    until === Infinity
      ? "for as long as it holds that task"
      : `until released or ${clockTime(until)} (later if renewed)`;
  return `${files} ${paths.length > 1 ? "are" : "is"} held by ${agent}${what} ${time}${by}.`;
}

function waysOut(held: readonly HeldFile[]): string {
  const paths = [...new Set(held.map(({ path }) => path))];
  const some = shownJson(paths.slice(0, SHOWN_MAX));
  return `acquire_file_lock {"paths": ${some}, "wait_seconds": 60} waits for it, another file, or another task by claim_task`;
}

function clockTime(at: number): string {
  return `${new Date(at).toISOString().slice(11, 16)} UTC`;
}

/** Note at a session's start, or after its context was compacted: what it holds, with the brief of its first task; else that Baton is here. */
export function startNote(
  { tasks, files, project, ready, others }: SessionNotes & { readonly others: readonly OtherAgent[] },
  brief: string | undefined,
): string | undefined {
  if (tasks.length > 0 || files.length > 0) {
    const held = tasks.map(
      (task, index) =>
        `This session holds task ${task.key} (${task.id}), "${shownLine(task.title).slice(0, 200)}", as ${task.agent ?? ""}` +
        `${task.token === undefined ? "" : `, token ${task.token}`}${filesOf(task.files)}.` +
        (index === 0 && brief !== undefined ? "" : " claim_task returns its brief."),
    );
    const own = files.map(({ path, until }) =>
      until === undefined ? shownLine(path) : `${shownLine(path)} until ${until}`,
    );
    const locked =
      own.length === 0 ? [] : [`Files locked by this session without a task: ${own.slice(0, SHOWN_MAX).join(", ")}.`];
    return [[...held, ...locked, ...othersLine(others)].join(" "), ...(brief === undefined ? [] : [brief])].join(
      "\n\n",
    );
  }
  if (project === undefined) return undefined;
  const tasksReady =
    ready === 0 ? "no task is ready" : `${ready} ${ready === 1 ? "task is" : "tasks are"} ready (claim_task)`;
  const here = `Baton coordinates the work of several sessions in this project (${shownLine(project)}): ${tasksReady}.`;
  return [here, ...othersLine(others)].join(" ");
}

/** Says who else is at work, with what they hold; nothing where the session is alone. */
function othersLine(others: readonly OtherAgent[]): string[] {
  if (others.length === 0) return [];
  const shown = others.slice(0, SHOWN_MAX).map(({ agent, tasks, files }) => {
    const holds = [...tasks.slice(0, 1).map((key) => `task ${key}`), ...listed(files)];
    return `${agent} holds ${holds.join(", ")}`;
  });
  const more = others.length > SHOWN_MAX ? ` and ${others.length - SHOWN_MAX} more` : "";
  return [`Also at work here: ${shown.join("; ")}${more}.`];
}

function listed(files: readonly string[]): string[] {
  const more = files.length - SHOWN_MAX;
  return [...files.slice(0, SHOWN_MAX).map(shownLine), ...(more > 0 ? [`${more} more files`] : [])];
}

/** Says what an agent that stops has left; undefined where nothing is. */
export function workLeft({ tasks, readyOfOwnRuns }: SessionNotes): string | undefined {
  const [task] = tasks;
  if (task !== undefined)
    return (
      `This session still holds task ${task.key} (${task.id}), "${shownLine(task.title).slice(0, 200)}". ` +
      "complete_task ends it with its result, fail_task with what stands in the way, release_task gives it back."
    );
  if (readyOfOwnRuns === 0) return undefined;
  const many = readyOfOwnRuns === 1 ? "One more task" : `${readyOfOwnRuns} more tasks`;
  return `${many} of a run that this session has worked on can be claimed: claim_task returns the next one.`;
}

function filesOf(files: readonly string[]): string {
  if (files.length === 0) return "";
  const more = files.length > SHOWN_MAX ? ` and ${files.length - SHOWN_MAX} more` : "";
  return `, with ${files.slice(0, SHOWN_MAX).map(shownLine).join(", ")}${more}`;
}
