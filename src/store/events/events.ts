import type { EventType } from "../../base/notifications/event-types.js";
import { redactSecrets } from "../../base/secrets/redaction.js";
import { int, text, textOrNull } from "../rows.js";
import { insertInto, insertRows, table } from "../tables.js";
import type { Tx, TxContext } from "../tx.js";

export interface NewEvent {
  readonly type: EventType;
  readonly project?: string | null;
  readonly run?: string | null;
  readonly task?: string | null;
  readonly agent?: string | null;
  readonly data?: Readonly<Record<string, unknown>>;
}

const INSERT = insertInto(
  table("events", {
    at: int,
    type: text,
    project: textOrNull,
    run: textOrNull,
    task: textOrNull,
    agent: textOrNull,
    data: text,
  }),
);

/** Adds to the history, in the transaction that makes the events true. */
export function appendEvents(ctx: TxContext, events: readonly NewEvent[]): Tx<void> {
  return insertRows(
    INSERT,
    events.map(({ type, project = null, run = null, task = null, agent = null, data }) => ({
      at: ctx.now,
      type,
      project,
      run,
      task,
      agent,
      data: data === undefined ? "{}" : redactSecrets(JSON.stringify(data)),
    })),
  );
}
