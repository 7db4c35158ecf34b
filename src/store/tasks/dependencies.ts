import { eachIn, manyIn, placeholders, text } from "../rows.js";
import { insertInto, insertRows } from "../tables.js";
import type { Tx } from "../tx.js";

/** An edge of the graph of a run. */
export type Edge = readonly [dependency: string, task: string];

const INSERT = insertInto<Edge>({
  name: "dependencies",
  names: ["dependency", "task"],
  write: ([dependency, task], values) => values.push(dependency, task),
});

export function insertEdges(edges: readonly Edge[]): Tx<void> {
  return insertRows(INSERT, edges);
}

export function* deleteEdges(edges: readonly Edge[]): Tx<void> {
  for (const edge of edges) yield ["DELETE FROM dependencies WHERE dependency = $1 AND task = $2", edge];
}

/** Lets tasks depend on nothing. */
export function deleteEdgesTo(tasks: readonly string[]): Tx<void> {
  return eachIn(tasks, (chunk) => [`DELETE FROM dependencies WHERE task IN (${placeholders(chunk.length)})`, chunk]);
}

/** Takes tasks out of the graph: they depend on nothing, and nothing depends on them. */
export function* detachTasks(tasks: readonly string[]): Tx<void> {
  yield* deleteEdgesTo(tasks);
  yield* eachIn(tasks, (chunk) => [
    `DELETE FROM dependencies WHERE dependency IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
}

/** The edges that lead to tasks; at most 1,000 for each 128 of them. */
export function* edgesTo(tasks: readonly string[]): Tx<Edge[]> {
  return yield* manyIn(
    (row): Edge => [text(row, "dependency"), text(row, "task")],
    tasks,
    (chunk) => [
      `SELECT dependency, task FROM dependencies WHERE task IN (${placeholders(chunk.length)}) LIMIT 1000`,
      chunk,
    ],
  );
}
