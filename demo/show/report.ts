import type { Board } from "./board.js";
import { drawTimeline, type Span } from "./picture.js";
import { clientOf, seconds, type Stint, type Story } from "../story.js";
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

  /** Prints each client's work: a row per client, its time beside it where the screen is wide enough. */
  clients(story: Story, clients: readonly string[], span: Span): void {
    this.heading("Who did what");
    const wide = this.#columns >= TIMELINE_COLUMNS;
    const head = ["", "done", "at work", "in line", wide ? "when (✗ is the kill)" : ""];
    const rows = clients.map((client) => {
      // A claim that was parked behind others' work may be told late: rows of time are in order.
      const own = story.stints.filter(({ agent }) => clientOf(agent) === client).toSorted((a, b) => a.from - b.from);
      const work = own.reduce((sum, stint) => sum + workOf(stint, span), 0);
      const line = story.waits.filter(({ agent }) => clientOf(agent) === client);
      const waited = line.reduce((sum, { from, to = from }) => sum + to - from, 0);
      const done = own.filter(({ outcome }) => outcome === "succeeded").length;
      return [client, `${done}`, seconds(work), seconds(waited), wide ? drawTimeline(own, span, TIMELINE_WIDTH) : ""];
    });
    this.lines(table([head, ...rows]));
  }

  /** Prints who got what back, and after how long. */
  recoveries(recoveries: readonly Recovery[]): void {
    this.heading("What each held when everything was killed");
    const rows = recoveries.map(({ lost, by, took_ms: tookMs }) => [
      clientOf(lost.agent),
      lost.key,
      by === undefined ? "lost" : `worked on again ${seconds(tookMs)} after the restart`,
      by === lost.agent
        ? "by the same agent, from where it was"
        : `by ${by ?? "nobody"}: ${lost.agent} gave no sign of life for 10 s`,
    ]);
    this.lines([
      ...table(rows),
      "Claude Code and Codex tell their new server which conversation it is; Cursor does not, so it comes back as a new agent.",
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

function workOf({ from, to, killedAt, resumedAt }: Stint, span: Span): number {
  const end = to ?? span.to;
  if (killedAt === undefined) return end - from;
  return killedAt - from + (resumedAt === undefined ? 0 : end - resumedAt);
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
