import { BatonError } from "../../base/errors.js";
import {
  anyDueDelivery,
  deleteOldDeliveries,
  type Delivery,
  dueDelivery,
  findDelivery,
  updateDelivery,
} from "../../store/notifications/deliveries.js";
import { appendEvents } from "../../store/events/events.js";
import type { Tx } from "../../store/tx.js";
import { type EngineContext, SERVER } from "../context.js";
import { requirePerson } from "../person.js";
import { awaitsPerson } from "./questions.js";

/** Time beyond that of an attempt after which the process that makes it is taken for dead. */
const LEASE_MARGIN_MS = 5_000;
const RETRY_MS_MAX = 3_600_000;

/** Whether a delivery to a target is due. A query. */
export function* isDeliveryDue(ctx: EngineContext, target: string): Tx<boolean> {
  return yield* anyDueDelivery(target, ctx.now);
}

/**
 * Takes the delivery to a target that is due first, for as long as an attempt may take: a process that dies meanwhile is followed by
 * another. What is about a question that was decided before is void.
 */
export function* takeDelivery(ctx: EngineContext, target: string): Tx<Delivery | undefined> {
  for (;;) {
    const due = yield* dueDelivery(target, ctx.now);
    if (!due) return undefined;
    if (due.question !== null && !(yield* awaitsPerson(due.question))) {
      yield* updateDelivery(due, { ...due, status: "void", dueAt: null, endedAt: ctx.now });
      continue;
    }
    const dueAt = ctx.now + ctx.settings.delivery_timeout_ms + LEASE_MARGIN_MS;
    const taken: Delivery = { ...due, attempts: due.attempts + 1, dueAt };
    // Without a hit another process took it between the two statements.
    if (yield* updateDelivery(due, taken)) return taken;
  }
}

/** How an attempt ended. */
export type AttemptResult =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /** In words of Baton's, without the address and without what was answered. */
      readonly error: string;
      /** Whether another attempt is of no use: the receiver says that it is gone. */
      readonly final?: boolean;
      /** Pause that the receiver asks for. */
      readonly retryAfterMs?: number | undefined;
    };

/** Writes how an attempt ended; false where it was taken for dead meanwhile, and another is under way. */
export function* settleDelivery(ctx: EngineContext, taken: Delivery, result: AttemptResult): Tx<boolean> {
  const { settings, now } = ctx;
  if (result.ok)
    return yield* updateDelivery(taken, { ...taken, status: "delivered", error: null, dueAt: null, endedAt: now });
  const { error, final = false, retryAfterMs = 0 } = result;
  if (!final && taken.attempts < settings.delivery_attempts_max) {
    const pause = Math.min(RETRY_MS_MAX, settings.delivery_retry_ms * 2 ** (taken.attempts - 1));
    // Half of it is drawn, so that what failed together is not tried again together.
    const dueAt = now + Math.min(RETRY_MS_MAX, Math.max(retryAfterMs, Math.ceil((pause * (1 + ctx.random())) / 2)));
    return yield* updateDelivery(taken, { ...taken, error, dueAt });
  }
  const { id, project, run, task, attempts, target } = taken;
  const hit = yield* updateDelivery(taken, { ...taken, status: "failed", error, dueAt: null, endedAt: now });
  const data = { delivery: id, target: nameOf(target), attempts, error };
  if (hit) yield* appendEvents(ctx, [{ type: "notification.failed", project, run, task, agent: SERVER, data }]);
  return hit;
}

/**
 * Puts back a delivery whose attempt the end of this process cut short: that says nothing of the receiver, so it does not count, and
 * another process makes it at once. What has arrived comes twice, with one id.
 */
export function* giveBackDelivery(ctx: EngineContext, taken: Delivery): Tx<boolean> {
  const attempts = taken.attempts - 1;
  return yield* updateDelivery(taken, { ...taken, attempts, error: "its server stopped", dueAt: ctx.now });
}

/** Name of a target, without the hash of its address. */
export function nameOf(target: string): string {
  return target.slice(0, target.lastIndexOf(":"));
}

/** Tries a delivery that has failed again, or closes it. Errors: `not_permitted` for an agent; `not_found`; `invalid_transition`. */
export function* changeDelivery(
  ctx: EngineContext,
  { id, action }: { readonly id: string; readonly action: "retry" | "discard" },
): Tx<Delivery> {
  requirePerson(ctx, {
    matter: "Notifications are a person's: nothing was changed.",
    way: `A person does it at a terminal: baton notifications ${action} ${id}.`,
    details: { delivery: id },
  });
  const next = [{ tool: "query_operation", arguments: { name: "list_deliveries", arguments: {} } }];
  const before = yield* findDelivery(id);
  if (!before) throw new BatonError("not_found", `There is no delivery ${id}.`, { details: { delivery: id }, next });
  const after: Delivery =
    action === "retry"
      ? { ...before, status: "pending", attempts: 0, dueAt: ctx.now, endedAt: null }
      : { ...before, status: "discarded", dueAt: null, endedAt: ctx.now };
  const isOpen = before.status === "failed" || (action === "discard" && before.status === "pending");
  if (isOpen && (yield* updateDelivery(before, after))) return after;
  const message = `Delivery ${id} is ${before.status}: only a failed one is tried again, and only a failed or pending one discarded. Nothing was changed.`;
  throw new BatonError("invalid_transition", message, { details: { delivery: id, status: before.status }, next });
}

/** Removes deliveries that ended longer ago than what has ended is kept. */
export function* pruneDeliveries(ctx: EngineContext): Tx<void> {
  yield* deleteOldDeliveries(ctx.now - ctx.settings.retention_ms);
}
