import { ROWS_AT_ONCE_MAX } from "../../base/limits.js";
import { deleteMeetings, oldMeetings } from "../../store/channels/meetings.js";
import { deleteMessages, messagesPastRetention } from "../../store/channels/messages.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";

/** Messages that are older than their project keeps what has ended, at most so many as one transaction removes. A query. */
export function* oldMessages(ctx: EngineContext): Tx<number[]> {
  return yield* messagesPastRetention({
    now: ctx.now,
    defaultMs: ctx.settings.retention_ms,
    limit: ROWS_AT_ONCE_MAX,
  });
}

/** Removes old messages, read or not. Returns how many. */
export function* pruneMessages(ctx: EngineContext): Tx<number> {
  const old = yield* oldMessages(ctx);
  yield* deleteMessages(old);
  return old.length;
}

/** Meetings outside any run that closed so long ago. A query. */
export function* meetingsPastRetention(ctx: EngineContext): Tx<string[]> {
  return yield* oldMeetings(ctx.now - ctx.settings.retention_ms, ROWS_AT_ONCE_MAX);
}

/** Removes such meetings with what was said in them. Returns how many. */
export function* pruneMeetings(ctx: EngineContext): Tx<number> {
  const old = yield* meetingsPastRetention(ctx);
  yield* deleteMeetings(old);
  return old.length;
}
