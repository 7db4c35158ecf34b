import { iso } from "../../base/time.js";
import { findMeeting, postsOf } from "../../store/channels/meetings.js";
import type { Tx } from "../../store/tx.js";
import { type MeetingState, noSuchMeeting, turnOf } from "./meetings.js";
import { minutesName } from "./minutes.js";

/** A meeting with what was said in it. A query. Errors: `not_found`. */
export function* findMeetingState(id: string): Tx<MeetingState> {
  const meeting = yield* findMeeting(id);
  if (!meeting) throw noSuchMeeting(id);
  return { meeting, posts: yield* postsOf(id) };
}

/** A meeting as answers and prompts show it. */
export function meetingView(state: MeetingState) {
  const { id, topic, status, convener, participants, agenda, decisions, task, run, reason, artifact, ...at } =
    state.meeting;
  const positions = (item: number) =>
    state.posts
      .filter((post) => post.item === item)
      .map((post) => ({ agent: post.agent, position: post.position, at: iso(post.at) }));
  return {
    id,
    topic,
    status,
    created_by: convener,
    participants,
    agenda: agenda.map((item, index) => ({ item, positions: positions(index) })),
    waiting_for: status === "open" ? (turnOf(state)?.waitingFor ?? []) : [],
    ...(decisions === null ? {} : { decisions }),
    ...(artifact === null ? {} : { artifact: { id: artifact, name: minutesName({ topic }) } }),
    ...(task === null ? {} : { task }),
    ...(run === null ? {} : { run }),
    ...(reason === null ? {} : { reason }),
    closes_at: iso(at.closesAt),
    ...(at.closedAt === null ? {} : { closed_at: iso(at.closedAt) }),
    ...(at.closedBy === null ? {} : { closed_by: at.closedBy }),
  };
}
