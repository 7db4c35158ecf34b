import type { Board } from "./board.js";
import { drawTimeline, type Span } from "./picture.js";
import { seconds, type Story } from "../story.js";
import type { Finding, Recovery } from "../verdict.js";

const INDENT = "  ";
const TIMELINE_WIDTH = 56;
const TIMELINE_COLUMNS = 88;

/** Prints what a run came to, part by part, for a person. */
export class Report {
  readonly #board: Board;
  readonly #columns: number;

  constructor(board: Board, columns: number | undefined) {
    this.#board = board;
    this.#columns = columns ?? TIMELINE_COLUMNS;
  }

  heading(text: string): void {
    this.#board.line();
    this.#board.line(this.#board.ink("bold", text));
  }

  lines(lines: readonly string[]): void {
    for (const line of lines) this.#board.line(`${INDENT}${line}`);
  }

  /** Prints each agent's work: a row per agent, its time beside it where the screen is wide enough. */
  agents(story: Story, agents: readonly string[], span: Span): void {
    this.heading("Who did what");
    const wide = this.#columns >= TIMELINE_COLUMNS;
    const head = ["agent", "done", "at work", "in line", wide ? "when" : ""];
    const rows = agents.map((agent) => {
      const own = story.stints.filter((stint) => stint.agent === agent);
      const work = own.reduce((sum, { from, to = span.to, killedAt }) => sum + (killedAt ?? to) - from, 0);
      const line = story.waits.filter((wait) => wait.agent === agent);
      const waited = line.reduce((sum, { from, to = from }) => sum + to - from, 0);
      const done = own.filter(({ outcome }) => outcome === "succeeded").length;
      const killed = own.some(({ killedAt }) => killedAt !== undefined) ? ", killed" : "";
      return [
        agent,
        `${done}${killed}`,
        seconds(work),
        seconds(waited),
        wide ? drawTimeline(own, span, TIMELINE_WIDTH) : "",
      ];
    });
    this.lines(table([head, ...rows]));
  }

  recovery({ lost, next, took_ms: tookMs }: Recovery): void {
    this.heading("Recovery");
    const at = (instant: number | undefined) => `+${seconds((instant ?? Infinity) - lost.killedAt)}`.padStart(7);
    this.lines([
      `${at(lost.killedAt)}  kill -9 of ${lost.agent} and its server, its page half written`,
      `${at(lost.to)}  its lease is over (10 s grace): page unlocked, ${lost.key} ready again`,
      ...(next
        ? [`${at(next.from)}  ${next.agent} goes on as attempt ${next.attempt}: recovered in ${seconds(tookMs)}`]
        : []),
      ...(next?.to ? [`${at(next.to)}  the page is whole`] : []),
    ]);
  }

  findings(findings: readonly Finding[]): void {
    this.heading("Checked from outside");
    this.lines(
      findings.map(({ holds, text }) =>
        holds ? `${this.#board.ink("green", "✓")} ${text}` : `${this.#board.ink("red", "✗")} ${text}`,
      ),
    );
  }
}

/** Columns as wide as their widest cell; figures stay left, so that they read in every terminal. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
