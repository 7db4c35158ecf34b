import { insertRows } from "../rows.js";
import { redactSecrets } from "../redaction.js";
import type { Tx, TxContext } from "../tx.js";

export interface NewEvent {
  readonly type: string;
  readonly project?: string | null;
  readonly run?: string | null;
  readonly task?: string | null;
  readonly agent?: string | null;
  readonly data?: Readonly<Record<string, unknown>>;
}

const INSERT = { table: "events", columns: ["at", "type", "project", "run", "task", "agent", "data"] } as const;

/** Adds to the history, in the transaction that makes the events true. */
export function* appendEvents(ctx: TxContext, events: readonly NewEvent[]): Tx<void> {
  yield* insertRows(
    INSERT,
    events.map((event) => [
      ctx.now,
      event.type,
      event.project ?? null,
      event.run ?? null,
      event.task ?? null,
      event.agent ?? null,
      event.data === undefined ? "{}" : redactSecrets(JSON.stringify(event.data)),
    ]),
  );
}
