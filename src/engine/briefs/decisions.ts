import { callOperation } from "../../base/errors.js";
import { isObject } from "../../base/json.js";
import { shownAddress } from "../channels/addresses.js";
import type { BriefFacts } from "./facts.js";
import type { BriefEntry, BriefSection } from "./fitting.js";
import { unanswered } from "./open.js";
import { lowered, weightOf } from "./weight.js";
import { ago, concerning, isElsewhere } from "./wording.js";

const RANK = { decision: 80, handoff: 76, message: 70 } as const;

/** Returns what was decided, by whom: by people, in escalations and meetings, and in answers to questions. */
export function decisionsOf(facts: BriefFacts): BriefSection {
  const entries = [...decidedByPeople(facts), ...decidedEscalations(facts), ...meetings(facts), ...answers(facts)];
  const { run, about } = facts;
  return {
    title: "Decided",
    // Later decisions may overrule earlier ones.
    entries: entries.map((entry, index) => ({ ...entry, rank: entry.rank - lowered(entries.length - 1 - index) })),
    more: callOperation("list_events", {
      ...(about === undefined ? { run: run.id } : { task: about.task.id }),
      types: ["task.decided", "escalation.decided", "message.sent"],
    }),
  };
}

/** Weighs the task that was talked about: a subject that concerns the run as a whole counts as much as a task that others wait for. */
function weightOfSubject(facts: BriefFacts, task: string | null): number {
  if (isElsewhere(facts, task)) return -4;
  return task === null ? 10 : weightOf(facts.byId.get(task));
}

function decidedByPeople(facts: BriefFacts): BriefEntry[] {
  const tasks = facts.byId;
  return facts.attempts.flatMap(({ task: id, result, error, agent, endedAt }): BriefEntry[] => {
    const task = tasks.get(id);
    if (task?.kind !== "human") return [];
    const ask = facts.specs.get(id)?.ask;
    const given: unknown = result === null ? undefined : parsed(result);
    const { decision = "rejected", answers: form, conditions, note = error?.message } = isObject(given) ? given : {};
    return [
      {
        rank: RANK.decision + weightOf(task),
        line: (quote) =>
          `${task.key}${ask === undefined ? "" : ` ${quote(ask)}`}: ${String(decision)} by ${agent} ${ago(facts.now, endedAt)}` +
          Object.entries({ answers: form, conditions, note })
            .filter(([, value]) => value !== undefined)
            .map(([name, value]) => `; ${name} ${quote(value)}`)
            .join(""),
      },
    ];
  });
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    // Only its beginning was read.
    return { note: json };
  }
}

function decidedEscalations(facts: BriefFacts): BriefEntry[] {
  const { now } = facts;
  return facts.escalations.flatMap(
    ({ decidedAt, task, id, type, askedBy, title, status, decidedBy, conditions, note }) =>
      decidedAt === null
        ? []
        : [
            {
              rank: RANK.decision + weightOfSubject(facts, task),
              line: (quote) =>
                `${type} of ${askedBy}${concerning(facts, task)} ${quote(title)} (${id}): ${status} by ${decidedBy ?? "the default"} ${ago(now, decidedAt)}` +
                `${conditions.length === 0 ? "" : `; conditions ${quote(conditions)}`}${note === null ? "" : `; note ${quote(note)}`}`,
            },
          ],
  );
}

function meetings(facts: BriefFacts): BriefEntry[] {
  const { now } = facts;
  return facts.meetings.map(({ topic, task, id, status, decisions, participants, closedBy, createdAt }) => {
    const recorded = closedBy === null ? "" : `, recorded by ${closedBy}`;
    const isDecided = decisions !== null && decisions.length > 0;
    return {
      rank: RANK.decision + weightOfSubject(facts, task),
      line: (quote) =>
        `Meeting${concerning(facts, task)} ${quote(topic)} (${id}) of ${participants.join(", ")}, ${ago(now, createdAt)}: ${status}${isDecided ? `; decided ${quote(decisions)}${recorded}` : ""}`,
    };
  });
}

function answers(facts: BriefFacts): BriefEntry[] {
  const { messages, now } = facts;
  const byId = new Map(messages.map((message) => [message.id, message]));
  return messages.flatMap(({ replyTo, sender, body, at }): BriefEntry[] => {
    const asked = replyTo === null ? undefined : byId.get(replyTo);
    if (asked === undefined) return [];
    return [
      {
        rank: RANK.decision - 2 + weightOfSubject(facts, asked.task),
        line: (quote) =>
          `${asked.sender} asked${concerning(facts, asked.task)} ${quote(asked.body)}: ${sender} answered ${ago(now, at)} ${quote(body)}`,
      },
    ];
  });
}

/** Returns how the work passed from hand to hand, and what was said on the way. */
export function handoffsOf(facts: BriefFacts): BriefSection {
  const tasks = facts.byId;
  const { now, messages } = facts;
  const offers = facts.handoffs
    .filter(({ status }) => status !== "requested")
    .map(({ task, sender, recipient, reason, context, status, note, endedAt, createdAt }): BriefEntry => ({
      rank: RANK.handoff + weightOf(tasks.get(task)),
      line: (quote) =>
        `${tasks.get(task)?.key ?? task} was offered by ${sender} to ${recipient}: ${status} ${ago(now, endedAt ?? createdAt)}; reason ${quote(reason)}` +
        `${context === null ? "" : `; context ${quote(context)}`}${note === null ? "" : `; note ${quote(note)}`}`,
    }));
  const open = new Set(unanswered(messages));
  const told = messages.filter(
    (message) =>
      !open.has(message) && message.replyTo === null && (message.type === "inform" || message.type === "broadcast"),
  );
  const said = told.map(({ sender, address, body, subject, at, task }, index): BriefEntry => ({
    rank: RANK.message + weightOfSubject(facts, task) - lowered(told.length - 1 - index),
    line: (quote) =>
      `${sender} to ${shownAddress(address)}${concerning(facts, task)}, ${ago(now, at)}: ${subject === null ? "" : `${quote(subject)} `}${quote(body)}`,
  }));
  return {
    title: "Handed over, and said",
    entries: [...offers, ...said],
    more: { tool: "read_messages", arguments: { unread: false } },
  };
}
