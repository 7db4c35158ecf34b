import { z } from "zod";
import { MEETING_STATUSES } from "../base/statuses.js";
import { actingAgent } from "../engine/agents/agents.js";
import { ITEM_CHARS_MAX, TOPIC_CHARS_MAX } from "../engine/channels/types.js";
import { closeMeeting, createMeeting, postToMeeting } from "../engine/meetings/meetings.js";
import { findMeetingState, meetingView } from "../engine/meetings/views.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

const PARTICIPANTS_MAX = 20;
const ITEMS_MAX = 20;
const POSITION_CHARS_MAX = 4_000;

const meeting = z.object({
  id: z.string(),
  topic: z.string(),
  status: z.enum(MEETING_STATUSES),
  created_by: z.string(),
  participants: z.array(z.string()).readonly(),
  agenda: z.array(
    z.object({
      item: z.string(),
      positions: z.array(z.object({ agent: z.string(), position: z.string(), at: shapes.instant })),
    }),
  ),
  waiting_for: z.array(z.string()),
  decisions: z.array(z.string()).readonly().optional(),
  /** The artifact that keeps its positions and decisions, once it is closed. */
  artifact: z.object({ id: z.string(), name: z.string() }).optional(),
  task: z.string().optional(),
  run: z.string().optional(),
  reason: z.string().optional(),
  closes_at: shapes.instant,
  closed_at: shapes.instant.optional(),
  closed_by: z.string().optional(),
});

const create = defineOperation({
  name: "create_meeting",
  title: "Call a meeting",
  description:
    "Calls agents to a meeting: each is invited by a message and gives its position on each item of the agenda, one item after the other. It closes by itself when all have spoken or its time is over. Use it for a decision that several agents share.",
  area: "channels",
  effect: "write",
  words: ["discuss", "decide together", "vote", "conference"],
  example: { topic: "API design", participants: ["ben", "eve"], agenda: ["REST or GraphQL"] },
  input: z.object({
    topic: z.string().min(1).max(TOPIC_CHARS_MAX),
    participants: z
      .array(params.name)
      .min(1)
      .max(PARTICIPANTS_MAX)
      .describe("Handles, from list_agents; you take part too."),
    agenda: z.array(z.string().min(1).max(ITEM_CHARS_MAX)).min(1).max(ITEMS_MAX),
    task: params.task.optional().describe("The task it is about, from list_tasks: decisions stand in its next brief."),
    run: params.run.optional(),
    duration: params.duration.optional().describe("Default: 30m."),
    ...params.acting,
    project: params.project,
  }),
  output: z.object({ meeting }),
  *run(ctx, input) {
    const convener = yield* actingAgent(ctx, input.agent);
    return { meeting: meetingView(yield* createMeeting(ctx, convener, input)) };
  },
});

const ID = z.string().min(1).max(100).describe("Its id, from create_meeting or the invitation.");

const post = defineOperation({
  name: "post_to_meeting",
  title: "Speak in a meeting",
  description:
    "Gives your position on the item of a meeting's agenda whose turn it is, once for each item; the others are told. Returns the meeting with all positions so far and who has yet to speak.",
  area: "channels",
  effect: "write",
  words: ["give an opinion", "answer an invitation"],
  example: { meeting: "meeting_…", position: "…" },
  input: z.object({ meeting: ID, position: z.string().min(1).max(POSITION_CHARS_MAX), ...params.acting }),
  output: z.object({ meeting }),
  *run(ctx, input) {
    const agent = yield* actingAgent(ctx, input.agent);
    return { meeting: meetingView(yield* postToMeeting(ctx, agent, input)) };
  },
});

const close = defineOperation({
  name: "close_meeting",
  title: "Close a meeting",
  description:
    "Closes a meeting that you called, or one that has closed by itself, with its decisions: they are told to its participants, stand in the next brief of its task, and are kept with all positions as the artifact that it names.",
  area: "channels",
  effect: "write",
  words: ["record decisions", "minutes"],
  example: { meeting: "meeting_…", decisions: ["…"] },
  input: z.object({
    meeting: ID,
    decisions: z.array(z.string().min(1).max(ITEM_CHARS_MAX)).max(ITEMS_MAX).default([]),
    ...params.acting,
  }),
  output: z.object({ meeting }),
  *run(ctx, input) {
    const agent = yield* actingAgent(ctx, input.agent);
    return { meeting: meetingView(yield* closeMeeting(ctx, agent, input)) };
  },
});

const get = defineOperation({
  name: "get_meeting",
  title: "Show a meeting",
  description:
    "Shows a meeting with its agenda, all positions so far, who has yet to speak, and its decisions once they are recorded. Use it to catch up before you speak or close it.",
  area: "channels",
  effect: "read",
  words: ["minutes", "who has spoken"],
  example: { meeting: "meeting_…" },
  input: z.object({ meeting: ID }),
  output: z.object({ meeting }),
  *run(_, input) {
    return { meeting: meetingView(yield* findMeetingState(input.meeting)) };
  },
});

export const meetingOperations = [create, post, close, get] as const;
