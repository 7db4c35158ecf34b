import { z } from "zod";
import { DELIVERY_STATUSES } from "../base/statuses.js";
import { deliveryView, listDeliveryPage } from "../engine/notifications/listing.js";
import { changeDelivery } from "../engine/notifications/sending.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

const delivery = z.object({
  id: z.string(),
  target: z.string(),
  status: z.enum(DELIVERY_STATUSES),
  event: z.string(),
  subject: z.string(),
  from: z.string().optional().describe("Agent whose words the subject has."),
  attempts: z.int(),
  about: z.string().optional(),
  run: z.string().optional(),
  task: z.string().optional(),
  error: z.string().optional(),
  created_at: shapes.instant,
  due_at: shapes.instant.optional(),
  ended_at: shapes.instant.optional(),
});

const list = defineOperation({
  name: "list_deliveries",
  title: "List notifications",
  description:
    "Lists notifications to the places that a person has configured (Slack, mail, webhooks, desktop), oldest first, with attempts and the last error; by status: failed are those that were given up.",
  area: "escalations",
  effect: "read",
  aliases: ["list_notifications"],
  words: ["slack", "email", "webhook", "was the person told", "notification dead letters"],
  input: z.object({
    status: z.enum(DELIVERY_STATUSES).optional().describe("Default: all."),
    project: params.project,
    ...params.paging,
  }),
  output: z.object({ deliveries: z.array(delivery), ...shapes.nextPage }),
  run: listDeliveryPage,
});

const change = defineOperation({
  name: "retry_delivery",
  title: "Retry a notification",
  description:
    "Sends a notification that was given up again, or discards one. For a person, at a terminal. Returns the notification.",
  area: "escalations",
  effect: "write",
  permission: () => ["human"],
  atTerminal: "baton notifications retry",
  input: z.object({
    id: z.string().describe("From list_deliveries."),
    action: z.enum(["retry", "discard"]).default("retry"),
    ...params.acting,
  }),
  output: z.object({ delivery }),
  *run(ctx, { id, action }) {
    return { delivery: deliveryView(yield* changeDelivery(ctx, { id, action })) };
  },
});

export const notificationOperations = [list, change] as const;
