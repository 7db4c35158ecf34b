import type { EventType } from "../../base/notifications/event-types.js";
import { BatonError } from "../../base/errors.js";
import { durationProblem, parseDuration } from "../../base/durations.js";
import { iso } from "../../base/time.js";
import type { FoundAgent } from "../../store/agents/agents.js";
import * as store from "../../store/channels/meetings.js";
import type { Meeting, MeetingPost } from "../../store/channels/meetings.js";
import { joinChannel, type Message } from "../../store/channels/messages.js";
import { appendEvents } from "../../store/events/events.js";
import type { Tx } from "../../store/tx.js";
import { addressOf } from "../channels/addresses.js";
import { beginThread } from "../channels/messages.js";
import { type EngineContext, SERVER } from "../context.js";
import { requireRun, requireTask } from "../lookup.js";
import { keepMinutes, lockMinutesPlace, minutesIfThereIsRoom, minutesName } from "./minutes.js";
import { requireParticipant } from "./participants.js";
import { requireProject } from "../projects/creation.js";

export type { Meeting, MeetingPost };

export interface NewMeeting {
  readonly topic: string;
  /** Handles; the convener takes part without being named. */
  readonly participants: readonly string[];
  readonly agenda: readonly string[];
  readonly task?: string | undefined;
  readonly run?: string | undefined;
  readonly duration?: string | number | undefined;
  readonly project?: string | undefined;
}

/** A meeting, with what was said in it. */
export interface MeetingState {
  readonly meeting: Meeting;
  readonly posts: readonly MeetingPost[];
}

const DURATION_MS = 30 * 60_000;
const DURATION_MS_MAX = 7 * 86_400_000;

/**
 * Opens a meeting and invites its participants by messages; what is said in it is told to them in a channel of its own. Errors:
 * `not_found` for an unknown agent; `invalid_input` for fewer than two participants, or an invalid duration.
 */
export function* createMeeting(ctx: EngineContext, convener: FoundAgent, wanted: NewMeeting): Tx<MeetingState> {
  const participants = [...new Set([convener.name, ...wanted.participants])];
  if (participants.length < 2) {
    const message = `participants: a meeting needs at least one agent beside ${convener.name}, who calls it. Write alone with send_message. Nothing was done.`;
    throw new BatonError("invalid_input", message, { details: { path: "participants" } });
  }
  for (const name of participants) yield* requireParticipant(name);
  const place = yield* placeOf(ctx, wanted);
  const meeting: Meeting = {
    id: ctx.newId("meeting"),
    ...place,
    topic: wanted.topic,
    convener: convener.name,
    participants,
    agenda: wanted.agenda,
    decisions: null,
    status: "open",
    reason: null,
    createdAt: ctx.now,
    closesAt: ctx.now + durationOf(wanted.duration),
    closedAt: null,
    closedBy: null,
    artifact: null,
  };
  yield* store.insertMeeting(meeting);
  for (const name of participants) yield* joinChannel(name, channelOf(meeting), 0);
  yield* record(ctx, meeting, "meeting.opened");
  const data = { meeting: meeting.id, agenda: meeting.agenda, participants, closes_at: iso(meeting.closesAt) };
  for (const name of participants.slice(1)) yield* invite(ctx, meeting, { name, data });
  return { meeting, posts: [] };
}

function* placeOf(ctx: EngineContext, { task: named, run, project }: NewMeeting) {
  const task = named === undefined ? undefined : (yield* requireTask(named)).task;
  if (task) return { task: task.id, run: task.run, project: task.project };
  if (run !== undefined) return { task: null, run, project: (yield* requireRun(run)).project };
  return { task: null, run: null, project: (yield* requireProject(ctx, project)).id };
}

function durationOf(given: string | number | undefined): number {
  const ms = given === undefined ? DURATION_MS : parseDuration(given);
  if (ms !== undefined && ms > 0 && ms <= DURATION_MS_MAX) return ms;
  const why = ms === undefined ? durationProblem(given) : "must be above 0 and at most 7 days";
  throw new BatonError("invalid_input", `duration: ${why}. Nothing was done.`, { details: { path: "duration" } });
}

/** The address of the channel in which a meeting's positions are told. */
function channelOf({ id, project }: Meeting): string {
  return addressOf({ kind: "channel", name: id }, project);
}

function* invite(ctx: EngineContext, meeting: Meeting, { name, data }: { name: string; data: unknown }): Tx<void> {
  const { topic, convener, project, agenda } = meeting;
  const items = agenda.map((item, at) => `${at + 1}. ${item}`).join("\n");
  const body = `${convener} asks for your position on:\n${items}\nGive it with post_to_meeting, one item after the other.`;
  yield* write(ctx, meeting, {
    address: addressOf({ kind: "agent", name }, project),
    sender: convener,
    type: "meeting_invite",
    subject: topic,
    body,
    data,
  });
}

type Written = Pick<Message, "address" | "sender" | "type" | "subject" | "body" | "data">;

function* write(ctx: EngineContext, { project, task, run }: Meeting, written: Written): Tx<void> {
  yield* beginThread(ctx, { project, task, run, ...written });
}

function* record(ctx: EngineContext, { id, project, run, task, ...meeting }: Meeting, type: EventType): Tx<void> {
  const data = { meeting: id, topic: meeting.topic, ...(meeting.reason !== null && { reason: meeting.reason }) };
  const agent = meeting.closedBy ?? (meeting.closedAt === null ? meeting.convener : null);
  yield* appendEvents(ctx, [{ type, project, run, task, agent, data }]);
}

/** The agenda's first item on which not all have spoken, and who has yet to speak on it; undefined once all have spoken on all. */
export function turnOf({ meeting, posts }: MeetingState): { item: number; waitingFor: string[] } | undefined {
  for (const item of meeting.agenda.keys()) {
    const spoken = new Set(posts.filter((post) => post.item === item).map(({ agent }) => agent));
    const waitingFor = meeting.participants.filter((name) => !spoken.has(name));
    if (waitingFor.length > 0) return { item, waitingFor };
  }
  return undefined;
}

/**
 * Records the position of a participant on the item whose turn it is; the last position of all closes the meeting. Errors: `not_found`;
 * `not_permitted` for an agent that takes no part; `invalid_transition` for a closed meeting, or an agent that has spoken on the item.
 */
export function* postToMeeting(
  ctx: EngineContext,
  agent: FoundAgent,
  said: { readonly meeting: string; readonly position: string },
): Tx<MeetingState> {
  const meeting = yield* lockWithPlace(said.meeting);
  requirePart(meeting, agent.name);
  const posts = yield* store.postsOf(meeting.id);
  const turn = turnOf({ meeting, posts });
  if (meeting.status === "closed" || turn === undefined || meeting.closesAt <= ctx.now) throw isClosed(meeting);
  if (!turn.waitingFor.includes(agent.name)) throw hasSpoken(meeting, turn);
  const post: MeetingPost = {
    meeting: meeting.id,
    number: posts.length + 1,
    agent: agent.name,
    item: turn.item,
    position: said.position,
    at: ctx.now,
  };
  yield* store.insertPost(post);
  const subject = `${meeting.topic}: ${meeting.agenda[turn.item] ?? ""}`.slice(0, SUBJECT_CHARS_MAX);
  const data = { meeting: meeting.id, item: turn.item + 1 };
  const told = { sender: agent.name, type: "inform", subject, body: said.position, data } as const;
  yield* write(ctx, meeting, { address: channelOf(meeting), ...told });
  const state = { meeting, posts: [...posts, post] };
  if (turnOf(state) !== undefined) return state;
  return { ...state, meeting: yield* closeByItself(ctx, state, "all_spoke") };
}

const SUBJECT_CHARS_MAX = 200;

/** Locks a meeting, and before it the place in which it is kept. Errors: `not_found`. */
function* lockWithPlace(id: string): Tx<Meeting> {
  const known = yield* store.findMeeting(id);
  if (!known) throw noSuchMeeting(id);
  yield* lockMinutesPlace(known);
  const meeting = yield* store.lockMeeting(id);
  if (!meeting) throw noSuchMeeting(id);
  return meeting;
}

export function noSuchMeeting(id: string): BatonError {
  return new BatonError("not_found", `There is no meeting ${id}: its id is in the message that invites to it.`, {
    details: { meeting: id },
    next: [{ tool: "read_messages", arguments: {} }],
  });
}

function requirePart({ id, participants }: Meeting, agent: string): void {
  if (participants.includes(agent)) return;
  const message = `${agent} takes no part in meeting ${id}; ${participants.join(", ")} do. Nothing was recorded.`;
  throw new BatonError("not_permitted", message, { details: { meeting: id, participants, agent } });
}

function isClosed({ id, reason }: Meeting): BatonError {
  const message = `Meeting ${id} is closed (${reason ?? "time_over"}). Nothing was recorded. Its convener records decisions with close_meeting.`;
  return new BatonError("invalid_transition", message, { details: { meeting: id, status: "closed", reason } });
}

function hasSpoken({ id, agenda }: Meeting, { item, waitingFor }: { item: number; waitingFor: string[] }): BatonError {
  const message = `You have spoken on item ${item + 1} (${agenda[item] ?? ""}) already; it waits for ${waitingFor.join(", ")}. Nothing was recorded.`;
  return new BatonError("invalid_transition", message, {
    details: { meeting: id, item: item + 1, waiting_for: waitingFor },
    next: [{ tool: "wait_for", arguments: { kinds: ["message"] } }],
  });
}

type EndOfItself = "all_spoke" | "time_over";

/** Closes a meeting without decisions, keeps what was said as an artifact, and tells all of it, the convener too. */
function* closeByItself(ctx: EngineContext, { meeting, posts }: MeetingState, reason: EndOfItself): Tx<Meeting> {
  const over: Meeting = { ...meeting, status: "closed", reason, closedAt: ctx.now };
  const artifact = yield* minutesIfThereIsRoom(ctx, { meeting: over, posts });
  const closed: Meeting = { ...over, artifact };
  yield* store.saveMeetingEnd(closed);
  yield* record(ctx, closed, "meeting.closed");
  const { id, convener } = closed;
  const why = reason === "all_spoke" ? "All have spoken." : "The time of the meeting is over.";
  const next = `${convener} records decisions with close_meeting {"meeting": "${id}", "decisions": ["…"]}.`;
  yield* write(ctx, closed, {
    address: channelOf(closed),
    sender: SERVER,
    type: "inform",
    subject: "The meeting is over",
    body: [why, ...keptAs(closed), next].join(" "),
    data: { meeting: id, reason, artifact },
  });
  return closed;
}

function keptAs(meeting: Meeting): string[] {
  return meeting.artifact === null ? [] : [`Kept as ${minutesName(meeting)} (${meeting.artifact}).`];
}

/**
 * Closes a meeting, or records the decisions of one that has closed by itself; they are told to its participants, and stand in the next
 * brief of its task. The same again changes nothing. Errors: `not_permitted` for all but its convener and people; `conflict` for other
 * decisions than those recorded.
 */
export function* closeMeeting(
  ctx: EngineContext,
  agent: FoundAgent,
  { meeting: id, decisions }: { readonly meeting: string; readonly decisions: readonly string[] },
): Tx<MeetingState & { recorded: boolean }> {
  const meeting = yield* lockWithPlace(id);
  if (agent.name !== meeting.convener && ctx.caller.channel !== "human") {
    const message = `Meeting ${id} was called by ${meeting.convener}, who closes it. Nothing was changed.`;
    throw new BatonError("not_permitted", message, { details: { meeting: id, convener: meeting.convener } });
  }
  const posts = yield* store.postsOf(id);
  if (meeting.decisions !== null) {
    if (JSON.stringify(meeting.decisions) === JSON.stringify(decisions)) return { meeting, posts, recorded: false };
    const message = `The decisions of meeting ${id} are recorded already, and stand. Nothing was changed: call another meeting to change them.`;
    throw new BatonError("conflict", message, { details: { meeting: id, decisions: meeting.decisions } });
  }
  const now = { status: "closed", reason: "closed", closedAt: ctx.now, closedBy: agent.name } as const;
  const closed: Meeting = meeting.status === "closed" ? meeting : { ...meeting, ...now };
  const minutes = { meeting: { ...closed, decisions }, posts, by: agent.name };
  const decided: Meeting = { ...closed, decisions, artifact: yield* keepMinutes(ctx, minutes) };
  yield* store.saveMeetingEnd(decided);
  if (meeting.status === "open") yield* record(ctx, decided, "meeting.closed");
  const list = decisions.map((decision) => `- ${decision}`);
  const said = decisions.length === 0 ? ["Closed without a decision."] : ["Decided:", ...list];
  yield* write(ctx, decided, {
    address: channelOf(meeting),
    sender: agent.name,
    type: "inform",
    subject: meeting.topic,
    body: [...said, ...keptAs(decided)].join("\n"),
    data: { meeting: id, decisions, artifact: decided.artifact },
  });
  return { meeting: decided, posts, recorded: true };
}

/** Open meetings whose time is over. A query. */
export function* dueMeetingIds(ctx: EngineContext, limit: number): Tx<string[]> {
  return (yield* store.dueMeetings(ctx.now, limit)).map(({ id }) => id);
}

/** Closes a meeting whose time is over, and tells its participants. Returns 1, or 0 where it closed meanwhile. */
export function* lapseMeeting(ctx: EngineContext, id: string): Tx<number> {
  const known = yield* store.findMeeting(id);
  if (!known) return 0;
  yield* lockMinutesPlace(known);
  const meeting = yield* store.lockMeeting(id);
  if (meeting?.status !== "open" || meeting.closesAt > ctx.now) return 0;
  yield* closeByItself(ctx, { meeting, posts: yield* store.postsOf(id) }, "time_over");
  return 1;
}
