import { Encoding } from "../../../src/compaction/encoding.js";
import { estimatedTokens } from "../../../src/engine/briefs/tokens.js";
import { Player } from "./player.js";
import type { Story, StoryQuestion } from "./stories.js";

export const TOKENS = 2_000;

export interface Missed extends StoryQuestion {
  readonly story: string;
}

export interface Score {
  readonly questions: number;
  /** Questions whose answer stands in the brief. */
  readonly answered: number;
  /** Questions whose answer stands in the last 2,000 tokens of the raw history, messages and results among it. */
  readonly answeredByHistory: number;
  readonly missed: readonly Missed[];
  readonly tokensMax: number;
  /** Each brief's estimated tokens as a share of those that the encoding o200k_base counts. */
  readonly estimates: readonly number[];
}

/** Plays a story in an empty database, and holds its briefs, and as much raw history, against its questions. */
export async function scoreOfStory(story: Story, database: string): Promise<Score> {
  const player = new Player(database);
  try {
    await player.play(story);
    const history = await rawHistory(player, Object.keys(story.agents));
    const briefs = new Map<string, { brief: string; tokens: number }>();
    for (const of of new Set(story.questions.map((question) => question.of))) {
      const about = of === "run" ? { run: player.run } : { task: `${player.run}/${of}` };
      briefs.set(of, await player.call("get_brief", { ...about, max_tokens: TOKENS }));
    }
    const encoding = new Encoding();
    const missed = story.questions.filter((question) => !answers(briefs.get(question.of)?.brief ?? "", question));
    return {
      questions: story.questions.length,
      answered: story.questions.length - missed.length,
      answeredByHistory: story.questions.filter((question) => answers(history, question)).length,
      missed: missed.map((question) => ({ ...question, story: story.name })),
      tokensMax: Math.max(...[...briefs.values()].map(({ tokens }) => tokens)),
      estimates: [...briefs.values()].map(({ brief, tokens }) => tokens / encoding.count(brief)),
    };
  } finally {
    await player.close();
  }
}

/** Adds up the scores of several stories. */
export function total(scores: readonly Score[]): Score {
  const sum = (of: (score: Score) => number) => scores.reduce((all, score) => all + of(score), 0);
  return {
    questions: sum(({ questions }) => questions),
    answered: sum(({ answered }) => answered),
    answeredByHistory: sum(({ answeredByHistory }) => answeredByHistory),
    missed: scores.flatMap(({ missed }) => missed),
    tokensMax: Math.max(...scores.map(({ tokensMax }) => tokensMax)),
    estimates: scores.flatMap(({ estimates }) => estimates),
  };
}

/** An answer is given by one line that holds all of it. */
function answers(text: string, { answer }: StoryQuestion): boolean {
  return text.split("\n").some((line) => answer.every((part) => line.includes(part)));
}

/** The end of all that is recorded of a run, a line for each record, in the order of time. */
async function rawHistory({ call, run }: Player, agents: readonly string[]): Promise<string> {
  const records: { readonly at: string; readonly line: string }[] = [];
  const add = (at: string, record: unknown) => void records.push({ at, line: JSON.stringify(record) });
  let cursor: string | undefined;
  for (let more = true; more;) {
    const page = await call("list_events", { run, limit: 200, ...(cursor && { cursor }) });
    for (const event of page.events) add(event.at, event);
    ({ more, next_cursor: cursor } = page);
  }
  const { tasks } = await call("list_tasks", { run, limit: 200 });
  for (const { id, key } of tasks) {
    const { attempts = [], result } = await call("get_task", { task: id, include: ["attempts", "result"] });
    for (const attempt of attempts)
      add(attempt.ended_at, { key, ...attempt, ...(attempt.outcome === "succeeded" && { result }) });
  }
  for (const agent of agents)
    for (const message of (await call("read_messages", { agent, unread: false, limit: 200 })).messages)
      add(message.at, message);
  const lines = records.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).map(({ line }) => line);
  const kept: string[] = [];
  let tokens = 0;
  for (const line of lines.toReversed()) {
    tokens += estimatedTokens(`${line}\n`);
    if (tokens > TOKENS) break;
    kept.push(line);
  }
  return kept.toReversed().join("\n");
}
