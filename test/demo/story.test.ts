import { describe, expect, it } from "vitest";
import { Board } from "../../demo/show/board.js";
import type { HistoryEvent } from "../../demo/show/feed.js";
import { drawGraph, drawTimeline } from "../../demo/show/picture.js";
import { Story } from "../../demo/story.js";
import { recoveryOf } from "../../demo/verdict.js";

type Said = Pick<HistoryEvent, "type"> & Partial<Omit<HistoryEvent, "data">> & { data?: Record<string, unknown> };

/** A worker dies at its page and another takes it over. */
const EVENTS: readonly Said[] = [
  { at: 0, type: "run.started", agent: "planner", data: { tasks: 1 } },
  { at: 1_000, type: "lock.granted", agent: "cyd", task: "t", data: { locks: [{ path: "a.md" }] } },
  { at: 1_000, type: "task.claimed", agent: "cyd", task: "t", data: { key: "a", attempt: 1 } },
  { at: 12_500, type: "task.lease_lost", agent: "cyd", task: "t", data: { key: "a" } },
  { at: 13_000, type: "task.claimed", agent: "ada", task: "t", data: { key: "a", attempt: 2 } },
  { at: 14_000, type: "task.succeeded", agent: "ada", task: "t", data: { key: "a" } },
  { at: 14_000, type: "run.finished", data: { status: "succeeded" } },
];

function told(): { story: Story; lines: string } {
  const story = new Story();
  let lines = "";
  const board = new Board({ write: (text: string) => (lines += text) }, 0);
  EVENTS.forEach((event, index) => {
    const note = story.add({ seq: index, at: 0, ...event, data: event.data ?? {} });
    if (note) board.note(note);
    if (index === 2) story.kill("cyd", 2_000);
  });
  return { story, lines };
}

describe("the story of a run", () => {
  it("is told line by line from its history", () => {
    expect(told().lines.split("\n")).toEqual([
      "   0.0 s  planner   submits a plan of 1 tasks",
      "   1.0 s  cyd       claims a, a.md locked",
      "  12.5 s            lease of cyd is over: a is ready again, its page unlocked",
      "  13.0 s  ada       takes a over from cyd, attempt 2",
      "  14.0 s  ada       finishes a after 1.0 s",
      "  14.0 s            the run has succeeded",
      "",
    ]);
  });

  it("measures recovery from the kill to the next claim", () => {
    expect(recoveryOf(told().story)).toMatchObject({
      lost: { agent: "cyd", outcome: "lost" },
      next: { agent: "ada", attempt: 2, outcome: "succeeded" },
      took_ms: 11_000,
    });
  });

  it("is drawn as a graph and as a line of time", () => {
    const { story } = told();
    const span = { from: 0, to: 14_000 };
    const [cyd, ada] = ["cyd", "ada"].map((agent) => story.stints.filter((stint) => stint.agent === agent));
    expect(drawTimeline(cyd ?? [], span, 14)).toBe(" █✗··········");
    expect(drawTimeline(ada ?? [], span, 14)).toBe(`${" ".repeat(13)}█`);
    const nodes = ["b", "a", "join"].map((key) => ({ key, status: "succeeded" }));
    const edges = ["a", "b"].map((from) => ({ from, to: "join" }));
    const picture = drawGraph(nodes, edges);
    expect(picture[1]).toBe("│ ✓ a  ✓ b  │");
    expect(picture.at(-2)).toBe("│ ✓ join │");
  });
});
