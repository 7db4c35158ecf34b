import { isObject } from "../../base/json.js";
import { idOfCursor, pageOf } from "../../base/lists/paging.js";
import { iso } from "../../base/time.js";
import { type Delivery, listDeliveries } from "../../store/notifications/deliveries.js";
import { findProject } from "../projects/projects.js";
import type { EngineContext } from "../context.js";
import { decidedBy } from "./questions.js";
import { nameOf } from "./sending.js";

export interface DeliveryQuery {
  readonly status?: Delivery["status"] | undefined;
  readonly project?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/** Lists deliveries in the order in which they were made. Errors: `not_found` for an unknown project. */
export function* listDeliveryPage(ctx: EngineContext, query: DeliveryQuery) {
  const project = query.project === undefined ? undefined : yield* findProject(ctx, query.project);
  const { status, cursor, limit } = query;
  const found: Delivery[] = yield* listDeliveries({
    status,
    project: project?.id,
    after: idOfCursor("delivery", cursor),
    limit: limit + 1,
  });
  const { page, next } = pageOf(found, limit, ({ id }) => id);
  return { deliveries: page.map(deliveryView), ...next };
}

/** A delivery as answers show it. */
export function deliveryView(delivery: Delivery) {
  const { id, target, question, run, task, content, status, attempts, error, createdAt, dueAt, endedAt } = delivery;
  const from = authorOf(content.data["question"]);
  return {
    id,
    target: nameOf(target),
    status,
    event: content.type,
    subject: content.subject,
    attempts,
    ...(question === null ? {} : { about: decidedBy(question) }),
    ...(from === undefined ? {} : { from }),
    ...(run === null ? {} : { run }),
    ...(task === null ? {} : { task }),
    ...(error === null ? {} : { error }),
    created_at: iso(createdAt),
    ...(dueAt === null ? {} : { due_at: iso(dueAt) }),
    ...(endedAt === null ? {} : { ended_at: iso(endedAt) }),
  };
}

/** The agent whose words the subject has. */
function authorOf(question: unknown): string | undefined {
  return isObject(question) && typeof question["from"] === "string" ? question["from"] : undefined;
}
