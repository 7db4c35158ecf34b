import type { GraphLayout } from "./layout.js";

const DIRECTIONS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"] as const;
/** The directions in which the graph is walked through from task to task, by their keys. */
type Direction = (typeof DIRECTIONS)[number];

export function isDirection(key: string): key is Direction {
  return DIRECTIONS.some((name) => name === key);
}

/** The place of the task that is next in a direction: along a line of the graph where there is one, else the nearest of that column. */
export function placeBeside(layout: GraphLayout, place: number, direction: Direction): number | undefined {
  const { columns, y } = layout;
  const depth = columns.findIndex((places) => places.includes(place));
  const column = columns[depth] ?? [];
  if (direction === "ArrowUp") return column[column.indexOf(place) - 1];
  if (direction === "ArrowDown") return column[column.indexOf(place) + 1];
  const isForward = direction === "ArrowRight";
  const linked = linkedTo(layout, place, isForward);
  const beside = linked.length > 0 ? linked : (columns[depth + (isForward ? 1 : -1)] ?? []);
  const distance = (other: number) => Math.abs((y[other] ?? 0) - (y[place] ?? 0));
  return beside.toSorted((a, b) => distance(a) - distance(b))[0];
}

function linkedTo({ edges }: GraphLayout, place: number, isForward: boolean): number[] {
  const found: number[] = [];
  for (let at = 0; at < edges.length; at += 2) {
    const [from, to] = [edges[at] ?? 0, edges[at + 1] ?? 0];
    if (isForward && from === place) found.push(to);
    if (!isForward && to === place) found.push(from);
  }
  return found;
}
