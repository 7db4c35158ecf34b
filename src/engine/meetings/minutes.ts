import { iso } from "../../base/time.js";
import type { Meeting, MeetingPost } from "../../store/channels/meetings.js";

/** A meeting as Markdown: its decisions first, then the positions on each item of its agenda. */
export function minutesOf({
  meeting,
  posts,
}: {
  readonly meeting: Meeting;
  readonly posts: readonly MeetingPost[];
}): string {
  const { topic, convener, participants, agenda, decisions, createdAt } = meeting;
  const items = agenda.flatMap((item, at) => [
    `## ${at + 1}. ${item}`,
    ...posts.filter((post) => post.item === at).map(({ agent, position }) => `**${agent}**: ${position}`),
  ]);
  const decided = decisions === null || decisions.length === 0 ? ["None."] : decisions.map((one) => `- ${one}`);
  return `${[
    `# ${topic}`,
    `Called by ${convener} at ${iso(createdAt)}, with ${participants.join(", ")}.`,
    "## Decisions",
    decided.join("\n"),
    ...items,
  ].join("\n\n")}\n`;
}
