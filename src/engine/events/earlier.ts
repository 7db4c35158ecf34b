import type { FoundAgent } from "../../store/agents/agents.js";
import { type Inbox, listUnread, type Message, type UnreadFilter } from "../../store/channels/messages.js";
import { newestAnywhere, type StoredEvent } from "../../store/events/history.js";
import { openReviews } from "../../store/reviews/reviews.js";
import type { Tx } from "../../store/tx.js";
import { isObject } from "../../base/json.js";
import type { EventType } from "../../base/notifications/event-types.js";
import { rolesOf } from "../channels/addresses.js";
import { noneWaits } from "../channels/unread.js";

// Matters that wait for an agent which has never waited before: its first wait begins at the end of the history.

/** A first wait, with what it is for. */
export interface FirstWait {
  readonly agent: FoundAgent;
  /** Undefined where neither messages nor decisions are waited for. */
  readonly inbox: Inbox | undefined;
  readonly kinds: readonly string[];
  readonly run: string | undefined;
  readonly task: string | undefined;
  readonly project: string | undefined;
}

/** Events from before a first wait that still matter to its agent. */
export interface Earlier {
  readonly events: readonly StoredEvent[];
  /** Matters whose events are too far back to be looked for. */
  readonly more: number;
}

const MATTERS_MAX = 50;
const TYPES: readonly EventType[] = ["message.sent", "escalation.decided", "approval.decided", "review.requested"];

/** Unread messages, decisions that an unread message answers with, and open reviews that the agent may do, as their events. A query. */
export function* earlierMatters(wait: FirstWait): Tx<Earlier> {
  const wanted = new Set([...(yield* unreadMatters(wait)), ...(yield* openReviewMatters(wait))]);
  if (wanted.size === 0) return { events: [], more: 0 };
  const events = (yield* newestAnywhere(TYPES)).filter((event) => wanted.has(matterOf(event))).reverse();
  return { events, more: wanted.size - events.length };
}

function matterOf({ type, data }: StoredEvent): string {
  if (type === "message.sent") return `message ${String(data["message"])}`;
  if (type === "review.requested") return `review ${String(data["review"])}`;
  return `decision ${String(data["escalation"] ?? data["approval"])}`;
}

function* unreadMatters({ agent, inbox, kinds, run, task, project }: FirstWait): Tx<string[]> {
  if (inbox === undefined || noneWaits(agent, project)) return [];
  const oldest = (filter: UnreadFilter) => listUnread(inbox, { after: 0, limit: MATTERS_MAX, run, task, ...filter });
  // Decisions are looked for by themselves: any number of other messages may be before them.
  return [
    ...(kinds.includes("message") ? (yield* oldest({})).map(({ id }) => `message ${id}`) : []),
    ...(kinds.includes("decision") ? (yield* oldest({ decisions: true })).flatMap(decisionOf) : []),
  ];
}

function decisionOf({ data }: Message): string[] {
  if (!isObject(data) || data["decision"] === undefined) return [];
  return [`decision ${String(data["escalation"] ?? data["approval"])}`];
}

function* openReviewMatters({ agent, kinds, run, task: about, project }: FirstWait): Tx<string[]> {
  if (!kinds.includes("review") || (run === undefined && project === undefined)) return [];
  const roles = new Set(rolesOf(agent));
  const open = yield* openReviews({ run, project: run === undefined ? project : undefined, limit: MATTERS_MAX });
  return open
    .filter(({ review, task }) => {
      if (task.kind !== "agent" || review.author === agent.name) return false;
      if (about !== undefined && review.task !== about) return false;
      return task.agent === null ? review.role === null || roles.has(review.role) : task.agent === agent.name;
    })
    .map(({ review }) => `review ${review.id}`);
}
