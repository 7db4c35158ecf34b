import type { Stint } from "../story.js";

export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * A client's time as text: a block for each stint; a cross where it was killed, dots until it had its task back or lost it.
 */
export function drawTimeline(stints: readonly Stint[], span: Span, width: number): string {
  const cells = Array.from({ length: width }, () => " ");
  const cellAt = (at: number) => Math.min(width - 1, Math.floor(((at - span.from) / (span.to - span.from)) * width));
  for (const [index, { from, to = span.to, killedAt, resumedAt }] of stints.entries()) {
    // Two shades in turn tell neighbours apart.
    const shade = index % 2 === 0 ? "█" : "▓";
    cells.fill(shade, cellAt(from), cellAt(killedAt ?? to) + 1);
    if (killedAt === undefined) continue;
    cells.fill("·", cellAt(killedAt) + 1, cellAt(resumedAt ?? to) + 1);
    if (resumedAt !== undefined) cells.fill(shade, cellAt(resumedAt), cellAt(to) + 1);
    cells[cellAt(killedAt)] = "✗";
  }
  return cells.join("").trimEnd();
}
