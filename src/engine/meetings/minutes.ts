import { BatonError } from "../../base/errors.js";
import { nameFrom } from "../../base/names.js";
import { iso } from "../../base/time.js";
import type { Meeting, MeetingPost } from "../../store/channels/meetings.js";
import { lockProject, lockRun } from "../../store/lock-order.js";
import { findTask } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { type ArtifactPlace, storeArtifact } from "../artifacts/artifacts.js";
import { contentOf } from "../artifacts/content.js";
import { type EngineContext, SERVER } from "../context.js";

/** A meeting, and what was said in it. */
interface Said {
  readonly meeting: Meeting;
  readonly posts: readonly MeetingPost[];
}

/** Name of the artifact in which a meeting is kept. */
export function minutesName({ topic }: Pick<Meeting, "topic">): string {
  return `decisions-${nameFrom(topic, "meeting")}.md`;
}

/** Locks the run or the project in which a meeting is kept. */
export function* lockMinutesPlace({ project, run }: Meeting): Tx<void> {
  yield* run === null ? lockProject(project) : lockRun(run);
}

/** The place of a meeting's artifact: its task, or its run where the task has been removed, or its project. */
function* minutesPlace({ project, run, task: id }: Meeting): Tx<ArtifactPlace> {
  const task = id === null ? undefined : yield* findTask(id);
  return { project, run, task: task ?? null };
}

/** Stores what was said and decided as an artifact, whose place is locked. Returns its id. */
export function* keepMinutes(ctx: EngineContext, said: Said & { readonly by: string }): Tx<string> {
  const content = contentOf(Buffer.from(minutesOf(said)));
  const draft = { name: minutesName(said.meeting), type: "decisions", content, agent: said.by };
  return (yield* storeArtifact(ctx, yield* minutesPlace(said.meeting), draft)).artifact.id;
}

/** As `keepMinutes`, and null where there are as many artifacts as may be: a meeting closes for all that. */
export function* minutesIfThereIsRoom(ctx: EngineContext, said: Said): Tx<string | null> {
  try {
    return yield* keepMinutes(ctx, { ...said, by: SERVER });
  } catch (error) {
    if (error instanceof BatonError && error.code === "limit_exceeded") return null;
    throw error;
  }
}

/** A meeting as Markdown: its decisions first, then the positions on each item of its agenda. */
function minutesOf({ meeting, posts }: Said): string {
  const { topic, convener, participants, agenda, decisions, createdAt } = meeting;
  const items = agenda.flatMap((item, at) => [
    `## ${at + 1}. ${item}`,
    ...posts.filter((post) => post.item === at).map(({ agent, position }) => `**${agent}**: ${position}`),
  ]);
  const decided = decisions === null ? ["None is recorded yet."] : decisions.map((one) => `- ${one}`);
  return `${[
    `# ${topic}`,
    `Called by ${convener} at ${iso(createdAt)}, with ${participants.join(", ")}.`,
    "## Decisions",
    decided.length === 0 ? "None." : decided.join("\n"),
    ...items,
  ].join("\n\n")}\n`;
}
