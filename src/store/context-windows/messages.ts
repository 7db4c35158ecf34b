import { releaseContents } from "../artifacts/contents.js";
import { flag, hit, int, many, one, only, text, textOrNull } from "../rows.js";
import { insertInto, insertRows, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

export const CONTEXT_MESSAGES = table("context_messages", {
  contextWindow: text,
  /** From 1, in the order in which they were added. */
  number: int,
  /** Its author: the agent whose window it was then. */
  agent: text,
  role: text,
  kind: text,
  /** A file's name. */
  name: textOrNull,
  language: textOrNull,
  /** Of its content, in artifact_contents. */
  hash: text,
  bytes: int,
  contentTokens: int,
  /** The text that stands in its place since it was compacted, and its author: `extract` is the server's, `agent` its own. */
  summary: textOrNull,
  summaryBy: textOrNull,
  /** Tokens of the text that stands there now. */
  tokens: int,
  /** It is left out of the window. */
  dropped: flag,
  at: int,
});
/** A message of a window: its content, or what stands in its place. */
export interface ContextMessage extends RowOf<typeof CONTEXT_MESSAGES> {}

const INSERT = insertInto(CONTEXT_MESSAGES);

export function* insertContextMessages(messages: readonly ContextMessage[]): Tx<void> {
  yield* insertRows(INSERT, messages);
}

export function* findContextMessage(window: string, number: number): Tx<ContextMessage | undefined> {
  return yield* one(CONTEXT_MESSAGES.read, [
    `SELECT ${CONTEXT_MESSAGES.columns} FROM context_messages WHERE context_window = $1 AND number = $2`,
    [window, number],
  ]);
}

/** Messages that a window holds with a smaller number, newest first. */
export function* heldMessages(window: string, before: number, limit: number): Tx<ContextMessage[]> {
  return yield* many(CONTEXT_MESSAGES.read, [
    `SELECT ${CONTEXT_MESSAGES.columns} FROM context_messages
     WHERE context_window = $1 AND number < $2 AND dropped = 0 ORDER BY number DESC LIMIT $3`,
    [window, before, limit],
  ]);
}

/** All messages that a window holds, oldest first. */
export function* listHeld(window: string): Tx<ContextMessage[]> {
  return yield* many(CONTEXT_MESSAGES.read, [
    `SELECT ${CONTEXT_MESSAGES.columns} FROM context_messages WHERE context_window = $1 AND dropped = 0 ORDER BY number`,
    [window],
  ]);
}

/** A message as a compaction leaves it. */
export interface MessageChange extends Pick<ContextMessage, "number" | "summary" | "summaryBy" | "tokens" | "dropped"> {
  /** Its tokens when the compaction was worked out: another one may have changed it since. */
  readonly before: number;
}

/** Changes a message that is still as it was. */
export function* changeMessage(window: string, change: MessageChange): Tx<boolean> {
  const { number, summary, summaryBy, tokens, dropped, before } = change;
  return yield* hit([
    `UPDATE context_messages SET summary = $3, summary_by = $4, tokens = $5, dropped = $6
     WHERE context_window = $1 AND number = $2 AND tokens = $7 AND dropped = 0 RETURNING number`,
    [window, number, summary, summaryBy, tokens, dropped ? 1 : 0, before],
  ]);
}

/** Removes the oldest messages up to a number, and marks their contents. */
export function* deleteMessagesUpTo(window: string, number: number): Tx<void> {
  yield* releaseContents(
    yield* many(only("hash", text), [
      "DELETE FROM context_messages WHERE context_window = $1 AND number <= $2 RETURNING hash",
      [window, number],
    ]),
  );
}
