import { speakerOf } from "./questions.js";
import type { BudgetAnswer, RunAnswer, TaskAnswer } from "../typed-calls.js";
import { duration, percent, stopwatch } from "../terminal/durations.js";
import { eventText } from "./event-text.js";
import { type RunState, tasksByUrgency } from "./state.js";
import { signOf, STATUSES_SHOWN, toneOf, toneOfRun, wordOf } from "../terminal/task-marks.js";
import { fit, pad, paint, type Style, widthOf, wrap } from "../terminal/terminal.js";

/** The place a run is drawn in. */
export interface View {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly columns: number;
  readonly rows: number;
  readonly style: Style;
  /** Every task, not only those at work. */
  readonly table: boolean;
}

const EVENTS_SHOWN = 3;
const BAR_MAX = 32;
const BAR_MIN = 6;
const READY_SHOWN = 3;
/** Columns of a key where the place is narrow; elsewhere a key may take half of it. */
const KEY_COLUMNS = 28;
const QUESTIONS_SHOWN = 3;
/** Of one note. */
const NOTE_LINES_MAX = 6;
/** Width of the mark before a task's key. */
const MARK_COLUMNS = 4;

/**
 * A run as lines of at most `columns` − 1 columns (a full one would wrap on some terminals) and at most `rows` − 1
 * lines. A pure function: the same state and view give the same lines.
 */
export function progressLines(state: RunState, view: View): string[] {
  const columns = Math.max(1, view.columns - 1);
  const rows = Math.max(1, view.rows - 1);
  const head = [...headline(state, view, columns), countsLine(state.run, view.style, columns)];
  const notes = notesOf(state, view, columns);
  const events = view.table ? [] : eventLines(state, view, columns);
  const room = Math.max(0, rows - head.length - notes.length - events.length);
  const tasks = taskLines(state, view, { columns, room });
  return [...head, ...tasks, ...notes, ...events].slice(0, rows);
}

function headline({ run, etaMs, running, ready }: RunState, { now, style }: View, columns: number): string[] {
  const elapsed = stopwatch((run.ended_at === undefined ? now : Date.parse(run.ended_at)) - Date.parse(run.created_at));
  // A run that waits for a person or an event has no pace.
  const isMoving = run.ended_at === undefined && running.length + ready.length > 0;
  const left = etaMs === null || etaMs === 0 || !isMoving ? "" : `, about ${stopwatch(etaMs)} left`;
  const status = run.status === "running" ? "" : `${run.status}  `;
  const figures = `${percent(run.progress)}  ${elapsed}${left}`;
  const fixed = widthOf(status) + widthOf(figures) + 4;
  const name = fit(run.name, Math.max(BAR_MIN, Math.min(widthOf(run.name), columns - fixed - BAR_MIN)));
  const bar = Math.min(BAR_MAX, columns - fixed - widthOf(name));
  const shownStatus = paint(status, toneOfRun(run.status), style);
  if (bar >= BAR_MIN) {
    return [`${paint(name, "bold", style)}  ${barOf(run, bar, style)}  ${shownStatus}${figures}`];
  }
  return [paint(fit(run.name, columns), "bold", style), fit(`${status}${figures}`, columns)];
}

function barOf({ progress, counts }: RunAnswer, columns: number, style: Style): string {
  const done = Math.floor((Math.min(100, Math.max(0, progress)) / 100) * columns);
  const [full, empty] = style.unicode ? ["━", "─"] : ["#", "-"];
  const tone = counts.dead_letter + counts.blocked > 0 ? "red" : "green";
  return paint(full.repeat(done), tone, style) + paint(empty.repeat(columns - done), "dim", style);
}

function countsLine({ counts }: RunAnswer, style: Style, columns: number): string {
  const parts = STATUSES_SHOWN.filter((status) => counts[status] > 0).map((status) => ({
    text: `${counts[status]} ${wordOf(status)}`,
    tone: toneOf(status),
  }));
  const separator = style.unicode ? " · " : ", ";
  const total = `${counts.total} tasks: `;
  // Text that does not fit loses its colours but keeps its ellipsis.
  const plain = total + parts.map(({ text }) => text).join(separator);
  if (widthOf(plain) > columns) return fit(plain, columns);
  return total + parts.map(({ text, tone }) => paint(text, tone, style)).join(separator);
}

interface Space {
  readonly columns: number;
  readonly room: number;
}

function taskLines(state: RunState, view: View, { columns, room }: Space): string[] {
  const shown = view.table ? tasksByUrgency(state) : state.running;
  const total = view.table ? state.run.counts.total : state.run.counts.running;
  const fitting = total > room ? shown.slice(0, Math.max(0, room - 1)) : shown;
  const keyColumns = Math.min(
    Math.max(KEY_COLUMNS, Math.floor(columns / 2)),
    Math.max(0, ...fitting.map(({ key }) => widthOf(key))),
  );
  const lines = fitting.map((task) => taskLine(task, { state, view, columns, keyColumns }));
  const more = total - fitting.length;
  return more > 0 && room > 0 ? [...lines, fit(`  and ${more} more`, columns)] : lines;
}

interface LineLayout {
  readonly state: RunState;
  readonly view: View;
  readonly columns: number;
  readonly keyColumns: number;
}

function taskLine(task: TaskAnswer, { state, view, columns, keyColumns }: LineLayout): string {
  const claimedAt = state.claimedAt.get(task.id);
  const running = task.status === "running";
  const lasted = running ? undefined : state.lastedMs.get(task.id);
  const parts = [
    pad(fit(task.key, keyColumns), keyColumns),
    running && claimedAt !== undefined ? stopwatch(view.now - claimedAt) : "",
    running ? (task.agent ?? "") : `${wordOf(task.status)}${lasted === undefined ? "" : ` after ${duration(lasted)}`}`,
    task.percent === undefined ? "" : percent(task.percent),
    task.title === task.key ? "" : task.title,
    // A text of another agent than the one that started the run has its author beside it.
    task.from === undefined || task.from === state.run.created_by ? "" : `from ${task.from}`,
  ];
  const text = fit(parts.filter((part) => part !== "").join("  "), columns - MARK_COLUMNS);
  if (text === "") return fit(task.key, columns);
  return `  ${signOf(task.status, view.style)} ${text}`;
}

function notesOf(state: RunState, { style, now }: View, columns: number): string[] {
  const { run, warnings, questions } = state;
  const idle = idleText(state, now);
  if (run.ended_at !== undefined) return [];
  const notes = [...warnings];
  if (run.status === "paused") notes.push(`paused; resume with: baton resume ${run.id}`);
  else if (idle !== undefined) notes.push(idle);
  notes.push(
    ...questions
      .slice(0, QUESTIONS_SHOWN)
      .flatMap((question) => [`${speakerOf(question)} asks: ${question.ask}`, `answer: baton approve ${question.id}`]),
  );
  return notes
    .flatMap((text) => noteLines(text, columns - 2))
    .map((line) => paint(fit(`  ${line}`, columns), "yellow", style));
}

/** A note over several lines: none of it is cut but what goes beyond a few. */
function noteLines(text: string, columns: number): string[] {
  const lines = wrap(text, columns);
  const kept = lines.slice(0, NOTE_LINES_MAX).map((line) => fit(line, columns));
  return kept.length < lines.length ? [...kept.slice(0, -1), fit(`${kept.at(-1) ?? ""} …`, columns)] : kept;
}

/** Before that it may be about to be claimed. */
const STANDS_MS = 1_000;

/** Says which agent or person a run that stands still is waiting for; undefined while it moves. */
export function idleText(
  { run, budget, running, ready, recent, followedAt }: RunState,
  now: number,
): string | undefined {
  if (run.status !== "running" || running.length > 0) return undefined;
  if (budget?.state === "blocked") return spentText(budget);
  if (ready.length === 0) return undefined;
  const movedAt = Math.max(followedAt, Date.parse(recent.at(-1)?.at ?? run.created_at));
  if (now - movedAt < STANDS_MS) return undefined;
  const keys = ready.slice(0, READY_SHOWN).map(({ key }) => key);
  const total = run.counts.ready;
  const more = total > keys.length ? ` and ${total - keys.length} more` : "";
  const of = (wanted: string) => ready.every(({ kind }) => kind === wanted);
  let who = `an agent to claim ${total === 1 ? "it" : "them"}`;
  if (of("command")) who = `a server that may run commands: baton run ${run.id} --allow-commands`;
  else if (of("tool")) who = "a server that has their MCP servers configured (mcpServers)";
  return `${keys.join(", ")}${more}: ready, waiting for ${who}`;
}

function spentText({ run, limit, spent }: BudgetAnswer): string {
  return `${spent} of ${limit} US$ are spent, nothing new is claimed; more with: baton call set_budget --run ${run} --limit N`;
}

function eventLines({ run, recent }: RunState, { style }: View, columns: number): string[] {
  const startedAt = Date.parse(run.created_at);
  return recent
    .flatMap((event) => {
      const text = eventText(event, undefined, { ...style, color: false });
      return text === undefined ? [] : [`${stopwatch(Date.parse(event.at) - startedAt)}  ${text}`];
    })
    .slice(-EVENTS_SHOWN)
    .map((line) => paint(fit(`  ${line}`, columns), "dim", style));
}
