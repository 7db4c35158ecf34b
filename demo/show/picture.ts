import type { Stint } from "../story.js";

/** A task of the graph as `get_run_graph` gives it. */
export interface Node {
  readonly key: string;
  readonly status: string;
}

export interface Edge {
  readonly from: string;
  readonly to: string;
}

const SIGNS: Readonly<Record<string, string>> = { succeeded: "✓", running: "▶", dead_letter: "✗", blocked: "✗" };
const NAMES_WIDTH = 64;

/**
 * The graph as text: a wave a paragraph, each task under those that it needs. Wide waves are set in columns, and a line below
 * says which wave needs all of the one before.
 */
export function drawGraph(nodes: readonly Node[], edges: readonly Edge[]): string[] {
  const waves = wavesOf(nodes, edges);
  return waves.flatMap((wave, index) => {
    const cells = wave.map(({ key, status }) => `${SIGNS[status] ?? "·"} ${key}`);
    const width = Math.max(...cells.map((cell) => cell.length)) + 2;
    const columns = Math.max(1, Math.floor(NAMES_WIDTH / width));
    const rows = Array.from({ length: Math.ceil(cells.length / columns) }, (_, row) =>
      cells
        .slice(row * columns, (row + 1) * columns)
        .map((cell) => cell.padEnd(width))
        .join(""),
    );
    const inner = wave.length === 1 ? (rows[0]?.trimEnd().length ?? 0) : Math.min(cells.length, columns) * width - 1;
    const boxed = [
      `┌${"─".repeat(inner + 2)}┐`,
      ...rows.map((row) => `│ ${row.trimEnd().padEnd(inner)} │`),
      `└${index === waves.length - 1 ? "─".repeat(inner + 2) : `──┬${"─".repeat(inner - 1)}`}┘`,
    ];
    return index === waves.length - 1 ? boxed : [...boxed, "   ▼"];
  });
}

/** Tasks by the length of the longest way to them. */
function wavesOf(nodes: readonly Node[], edges: readonly Edge[]): Node[][] {
  const depths = new Map<string, number>();
  const depthOf = (key: string): number => {
    const known = depths.get(key);
    if (known !== undefined) return known;
    const before = edges.filter(({ to }) => to === key).map(({ from }) => depthOf(from) + 1);
    const depth = Math.max(0, ...before);
    depths.set(key, depth);
    return depth;
  };
  const waves: Node[][] = [];
  for (const node of nodes.toSorted((a, b) => (a.key < b.key ? -1 : 1))) (waves[depthOf(node.key)] ??= []).push(node);
  return waves;
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** An agent's time as text: a block for each stint; where it was killed a cross, and dots until its lease was over. */
export function drawTimeline(stints: readonly Stint[], span: Span, width: number): string {
  const cells = Array.from({ length: width }, () => " ");
  const cellAt = (at: number) => Math.min(width - 1, Math.floor(((at - span.from) / (span.to - span.from)) * width));
  for (const [index, { from, to = span.to, killedAt }] of stints.entries()) {
    // Two shades in turn tell neighbours apart.
    cells.fill(index % 2 === 0 ? "█" : "▓", cellAt(from), cellAt(killedAt ?? to) + 1);
    if (killedAt === undefined) continue;
    cells.fill("·", cellAt(killedAt) + 1, cellAt(to) + 1);
    cells[cellAt(killedAt)] = "✗";
  }
  return cells.join("").trimEnd();
}
