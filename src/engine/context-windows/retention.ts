import { deleteWindows, windowsPastRetention } from "../../store/context-windows/windows.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";

const AT_ONCE_MAX = 20;

/** Windows that were written longer ago than their project keeps what has ended; a few. A query. */
export function* oldWindows(ctx: EngineContext): Tx<string[]> {
  return yield* windowsPastRetention({ now: ctx.now, defaultMs: ctx.settings.retention_ms, limit: AT_ONCE_MAX });
}

/** Removes such windows with their messages. Returns how many. */
export function* pruneWindows(ctx: EngineContext): Tx<number> {
  const old = yield* oldWindows(ctx);
  yield* deleteWindows(old);
  return old.length;
}
