import { callOperation } from "../../base/errors.js";
import { grouped } from "../../base/lists/groups.js";
import { shownLine } from "../../base/texts/shown-text.js";
import type { Message } from "../../store/channels/messages.js";
import type { Task } from "../../store/tasks/tasks.js";
import { shownAddress } from "../channels/addresses.js";
import type { BriefFacts } from "./facts.js";
import type { BriefEntry, BriefSection, Quote } from "./fitting.js";
import { lowered, weightOf } from "./weight.js";
import { ago, concerning, isElsewhere, span, stateOf } from "./wording.js";

const OPEN: ReadonlySet<Task["status"]> = new Set([
  "pending",
  "ready",
  "running",
  "waiting",
  "in_review",
  "blocked",
  "dead_letter",
]);
/** Of open tasks: those that someone is at, or that need someone, first. */
const URGENCY: Readonly<Partial<Record<Task["status"], number>>> = {
  running: 6,
  dead_letter: 5,
  in_review: 5,
  waiting: 5,
  ready: 4,
  blocked: 3,
};
const RANK = 80;
const NEEDS_SHOWN_MAX = 8;

/** Returns the open ends: open tasks, unanswered questions, undecided escalations, unanswered offers. */
export function openOf(facts: BriefFacts): BriefSection {
  const { run, about } = facts;
  const open = facts.tasks.filter(({ status }) => OPEN.has(status));
  const work = about === undefined ? open : about.task.status === "pending" ? [about.task] : [];
  const byWeight = [...work].sort((a, b) => weightOf(b) - weightOf(a));
  const alike = ["ready", "pending"].flatMap((status) =>
    byWeight.filter((task) => task.status === status).slice(LINES_A_STATUS_MAX),
  );
  const tasks = work
    .filter((task) => !alike.includes(task))
    .map((task, at): BriefEntry => ({
      rank: RANK + weightOf(task) + (URGENCY[task.status] ?? 0) - lowered(at),
      line: (quote) => taskLine(facts, task, quote),
    }));
  return {
    title: "Open",
    entries: [
      ...holderNote(facts),
      ...questions(facts),
      ...offers(facts),
      ...tasks,
      ...othersLines(alike),
      ...neighbours(facts),
    ],
    more:
      about === undefined
        ? { tool: "list_tasks", arguments: { run: run.id } }
        : callOperation("check_task_ready", { task: about.task.id }),
  };
}

/** Tasks of one status that are told one by one; the rest of it stands in one line. */
const LINES_A_STATUS_MAX = 6;
const KEYS_SHOWN_MAX = 12;

function othersLines(tasks: readonly Task[]): BriefEntry[] {
  return [...grouped(tasks, ({ status }) => status)].map(([status, alike]) => ({
    rank: RANK,
    line: () => {
      const more = alike.length - KEYS_SHOWN_MAX;
      const keys = alike.slice(0, KEYS_SHOWN_MAX).map(({ key }) => key);
      return `${alike.length} more ${status}: ${keys.join(", ")}${more > 0 ? ` and ${more} others` : ""}`;
    },
  }));
}

function taskLine({ now, specs, about }: BriefFacts, task: Task, quote: Quote): string {
  const reasons = task.reasons.slice(0, 2).map(({ detail }) => quote(detail));
  const note = task.status === "running" && task.progressNote !== null ? `, note ${quote(task.progressNote)}` : "";
  const ask = specs.get(task.id)?.ask;
  const asked = task.status === "waiting" && ask !== undefined ? `, asks a person ${quote(ask)}` : "";
  const role = task.role !== null && task.status === "ready" ? `, for role ${shownLine(task.role)}` : "";
  const title = about === undefined && task.title !== task.key ? ` ${quote(task.title)}` : "";
  return `${task.key}${title}: ${stateOf(task, now)}${role}${note}${asked}${reasons.length === 0 ? "" : `: ${reasons.join("; ")}`}`;
}

/** The last note of the holder of the task that a brief is about. */
function holderNote({ about }: BriefFacts): BriefEntry[] {
  if (about === undefined) return [];
  const { agent, progressNote, reasons, status } = about.task;
  const lines: BriefEntry[] = [];
  if (status === "running" && progressNote !== null)
    lines.push({ rank: RANK + 20, line: (quote) => `Last note of ${agent ?? ""}: ${quote(progressNote)}` });
  if (status !== "pending")
    for (const { detail } of reasons)
      lines.push({ rank: RANK + 15, line: (quote) => `It is ${status}: ${quote(detail)}` });
  return lines;
}

/** Messages of which none is a reply, that ask something. */
export function unanswered(messages: readonly Message[]): Message[] {
  const replied = new Set(messages.map(({ replyTo }) => replyTo));
  return messages.filter((one) => one.type === "question" && !replied.has(one.id) && !announces(one));
}

/** Whether a message announces an escalation or an approval, which is told from its own row. */
function announces({ data }: Message): boolean {
  return typeof data === "object" && data !== null && ("escalation" in data || "approval" in data);
}

function questions(facts: BriefFacts): BriefEntry[] {
  const { messages, escalations, now } = facts;
  const asked = unanswered(messages).map(({ sender, address, body, id, at, subject }, index): BriefEntry => ({
    rank: RANK + 12 - index,
    line: (quote) =>
      `Unanswered question of ${sender} to ${shownAddress(address)} (${id}, ${ago(now, at)}): ${subject === null ? "" : `${quote(subject)} `}${quote(body)}`,
  }));
  const open = escalations.filter(({ decidedAt }) => decidedAt === null);
  // Escalations of the very task that the brief is about stand before earlier ones.
  const ordered = open.toSorted((a, b) => Number(isElsewhere(facts, a.task)) - Number(isElsewhere(facts, b.task)));
  const undecided = ordered.map(({ id, task, type, tier, askedBy, title, dueAt, status }, index): BriefEntry => ({
    rank: RANK + 13 - index,
    line: (quote) =>
      `Undecided ${type} of ${askedBy}${concerning(facts, task)} at tier ${tier} (${id}, ${status}${dueAt === null ? "" : `, due in ${span(dueAt - now)}`}): ${quote(title)}`,
  }));
  return [...undecided, ...asked];
}

function offers({ handoffs, now, tasks }: BriefFacts): BriefEntry[] {
  const keys = new Map(tasks.map(({ id, key }) => [id, key]));
  return handoffs
    .filter(({ status }) => status === "requested")
    .map(({ id, task, sender, recipient, reason, expiresAt }) => ({
      rank: RANK + 14,
      line: (quote) =>
        `Offer of ${keys.get(task) ?? task} by ${sender} to ${recipient} is not answered (${id}, ends in ${span(expiresAt - now)}): ${quote(reason)}`,
    }));
}

/** The tasks around the one that a brief is about. */
function neighbours({ before, after, holdUps, about, now }: BriefFacts): BriefEntry[] {
  if (about === undefined) return [];
  const missing = before.filter(({ endedAt }) => endedAt === null);
  const waiting = after.filter(({ endedAt }) => endedAt === null);
  const named = (tasks: readonly Task[]) =>
    `${tasks
      .slice(0, NEEDS_SHOWN_MAX)
      .map((task) => `${task.key} (${stateOf(task, now)})`)
      .join(", ")}${tasks.length > NEEDS_SHOWN_MAX ? ` and ${tasks.length - NEEDS_SHOWN_MAX} more` : ""}`;
  return [
    ...(missing.length === 0 ? [] : [{ rank: RANK + 10, line: () => `Needs ${named(missing)}` }]),
    ...(holdUps.length === 0 ? [] : [{ rank: RANK + 9, line: () => `These wait for ${named(holdUps)}` }]),
    ...(waiting.length === 0 ? [] : [{ rank: RANK - 5, line: () => `Needed by ${named(waiting)}` }]),
  ];
}
