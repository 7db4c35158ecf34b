import { int, json, one, text, textOrNull } from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

const SIGNALS = table("signals", {
  id: text,
  run: text,
  /** Null for a signal to any task of the run. */
  task: textOrNull,
  event: text,
  payload: json<unknown>,
  createdAt: int,
  createdBy: text,
});
/** An event that was sent and that no task has taken yet. */
export interface Signal extends RowOf<typeof SIGNALS> {}

const INSERT = insertInto(SIGNALS);
const TAKEN = SIGNALS.pick("payload", "createdBy");

export function* saveSignal(signal: Signal): Tx<void> {
  yield INSERT([{ ...signal, payload: signal.payload ?? null }]);
}

/** Takes the oldest signal that was kept for a task or for any of its run; undefined when there is none. */
export function consumeSignal(
  run: string,
  task: string,
  event: string,
): Tx<Pick<Signal, "payload" | "createdBy"> | undefined> {
  return one(TAKEN.read, [
    `DELETE FROM signals WHERE id = (SELECT id FROM signals WHERE run = $1 AND event = $2 AND (task IS NULL OR task = $3)
       ORDER BY id LIMIT 1) RETURNING ${TAKEN.columns}`,
    [run, event, task],
  ]);
}
