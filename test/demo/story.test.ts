import { describe, expect, it } from "vitest";
import { Board } from "../../demo/show/board.js";
import type { HistoryEvent } from "../../demo/show/feed.js";
import { drawTimeline } from "../../demo/show/picture.js";
import { drawScene } from "../../demo/show/timeline.js";
import { Story } from "../../demo/story.js";
import { recoveriesOf } from "../../demo/verdict.js";

type Said = Pick<HistoryEvent, "type"> & Partial<Omit<HistoryEvent, "data">> & { data?: Record<string, unknown> };

const KILLED_AT = 2_000;
const RESTARTED_AT = 4_000;

/** Everything dies at 2 s: codex has its task back, cursor's is taken over. */
const EVENTS: readonly Said[] = [
  { at: 0, type: "run.started", agent: "claude-code-aaaa", data: { tasks: 2 } },
  { at: 1_000, type: "lock.granted", agent: "codex-bbbb", task: "s", data: { locks: [{ path: "a.md" }] } },
  { at: 1_000, type: "task.claimed", agent: "codex-bbbb", task: "s", data: { key: "a", attempt: 1 } },
  { at: 1_500, type: "task.claimed", agent: "cursor-cccc", task: "t", data: { key: "b", attempt: 1 } },
  { at: 5_000, type: "task.resumed", agent: "codex-bbbb", task: "s", data: { key: "a" } },
  { at: 6_000, type: "task.succeeded", agent: "codex-bbbb", task: "s", data: { key: "a" } },
  { at: 12_500, type: "task.lease_lost", agent: "cursor-cccc", task: "t", data: { key: "b" } },
  { at: 13_000, type: "task.claimed", agent: "codex-bbbb", task: "t", data: { key: "b", attempt: 2 } },
  { at: 14_000, type: "task.succeeded", agent: "codex-bbbb", task: "t", data: { key: "b" } },
  { at: 14_000, type: "run.finished", data: { status: "succeeded" } },
];

function told(): { story: Story; lines: string } {
  const story = new Story();
  let lines = "";
  const board = new Board({ write: (text: string) => (lines += text) }, 0);
  for (const [index, event] of EVENTS.entries()) {
    if (event.type === "task.resumed") {
      story.kill(KILLED_AT);
      story.restartedAt = RESTARTED_AT;
    }
    const note = story.add({ seq: index, at: 0, ...event, data: event.data ?? {} });
    if (note) board.note(note);
  }
  return { story, lines };
}

describe("the story of a run", () => {
  it("is told line by line from its history", () => {
    expect(told().lines.split("\n")).toEqual([
      "   0.0 s  claude-code  submits a plan of 2 tasks",
      "   1.0 s  codex        claims a, a.md locked",
      "   1.5 s  cursor       claims b",
      "   5.0 s  codex        has a back, its page still locked for it, 1.0 s after the start",
      "   6.0 s  codex        finishes a after 5.0 s",
      "  12.5 s               cursor-cccc has not come back under this name: b is ready again, its page unlocked",
      "  13.0 s  codex        takes b over from cursor-cccc, attempt 2",
      "  14.0 s  codex        finishes b after 1.0 s",
      "  14.0 s               the run has succeeded",
      "",
    ]);
  });

  it("measures from the restart who goes on with what everybody held", () => {
    expect(recoveriesOf(told().story)).toMatchObject([
      { lost: { key: "a", killedAt: KILLED_AT }, by: "codex-bbbb", took_ms: 1_000 },
      { lost: { key: "b", outcome: "lost" }, by: "codex-bbbb", took_ms: 9_000 },
    ]);
  });

  it("names no successor for a task that never goes on", () => {
    const story = new Story();
    for (const [index, event] of EVENTS.slice(0, 4).entries())
      story.add({ seq: index, at: 0, ...event, data: event.data ?? {} });
    story.kill(KILLED_AT);
    expect(recoveriesOf(story).map(({ by, took_ms }) => ({ by, took_ms }))).toEqual([
      { by: undefined, took_ms: Infinity },
      { by: undefined, took_ms: Infinity },
    ]);
  });

  it("is drawn as lines of time, with the kill and what came after it", () => {
    const { story } = told();
    const span = { from: 0, to: 14_000 };
    const [codex, cursor] = ["codex", "cursor"].map((name) =>
      story.stints.filter(({ agent }) => agent.startsWith(name)),
    );
    expect(drawTimeline(codex ?? [], span, 14)).toBe(" █✗··██      ▓");
    expect(drawTimeline(cursor ?? [], span, 14)).toBe(" █✗··········");
  });

  it("is drawn as a picture in light and dark, with what goes on after the kill and what is taken over", () => {
    const { story } = told();
    const refusals = [{ client: "cursor" as const, at: 1_800, call: "git add -A", why: "a.md is held by codex-bbbb" }];
    const clients = ["claude-code", "codex", "cursor"];
    const picture = drawScene({ story, refusals, clients, span: { from: 0, to: 14_000 } });
    expect(picture.match(/<rect class="(?:bar|saved|lost)"[^>]*height="28"/g)).toHaveLength(4);
    expect(picture).toContain("cursor is refused git add -A: a.md is held by codex-bbbb");
    expect(picture).toContain("b taken over 9.0 s after the restart");
    expect(picture).toContain("@media (prefers-color-scheme:dark)");
  });
});
