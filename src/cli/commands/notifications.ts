import type { InputOf } from "../../tools/registry.js";
import { BatonError } from "../../base/errors.js";
import { defined } from "../../base/json.js";
import type { CommandAnswer, CommandContext, Shared } from "../command.js";
import { EXIT } from "../failure.js";
import { ago } from "../terminal/durations.js";
import { table } from "../terminal/table.js";

const SHOWN_MAX = 200;

export interface NotificationsOptions extends Shared {
  readonly status?: InputOf<"list_deliveries">["status"];
}

/** `baton notifications` */
export async function listNotifications(
  { call, stdout, host, open }: CommandContext,
  { status }: NotificationsOptions,
): Promise<CommandAnswer> {
  const { config } = await open();
  const found = await call("list_deliveries", { ...defined({ status }), limit: SHOWN_MAX });
  const rows = found.deliveries.map(({ id, target, status: state, subject, attempts, error, created_at: at }) => [
    id,
    target,
    state,
    String(attempts),
    ago(host.now() - Date.parse(at)),
    error ?? subject,
  ]);
  const names = config.notifications.map(({ name, kind }) => (name === kind ? name : `${name} (${kind})`));
  const targets =
    names.length === 0
      ? "No target is configured here: docs/notifications.md says how."
      : `Targets here: ${names.join(", ")}.`;
  const more = found.next_cursor === undefined ? [] : [`Only the first ${rows.length} are shown.`];
  const shown =
    rows.length === 0
      ? ["No notification was made yet."]
      : [table(["id", "target", "status", "attempts", "since", "subject or error"], rows, stdout)];
  return { data: { ...found, targets: names }, text: [...shown, ...more, targets].join("\n") };
}

/** `baton notifications test [TARGET]`: sends a test to the targets of this place now, past the queue. */
export async function testNotifications(
  { open, host, end }: CommandContext,
  name: string | undefined,
): Promise<CommandAnswer> {
  const { config } = await open();
  const targets = config.notifications.filter((target) => name === undefined || target.name === name);
  if (targets.length === 0) {
    const known = config.notifications.map((target) => target.name).join(", ");
    const message =
      known === ""
        ? "No target for notifications is configured here. docs/notifications.md says how."
        : `There is no target "${name ?? ""}" here, but ${known}.`;
    throw new BatonError("not_found", message, {});
  }
  const results = await host.testNotifications(config, targets);
  if (results.some(({ error }) => error !== undefined)) end(EXIT.failed);
  const lines = results.map(({ target, error }) => (error === undefined ? `${target}: sent` : `${target}: ${error}`));
  return { data: { results }, text: lines.join("\n") };
}

/** `baton notifications send`: makes what is due now, where no server runs. */
export async function sendNotifications({ open, host, call }: CommandContext): Promise<CommandAnswer> {
  const { app } = await open();
  await host.sendNotifications(app);
  const { deliveries } = await call("list_deliveries", { status: "pending", limit: SHOWN_MAX });
  const left = deliveries.length;
  return { data: { pending: left }, text: left === 0 ? "All is sent." : `${left} left for a later attempt.` };
}

/** `baton notifications retry ID…` */
export function retryNotifications(context: CommandContext, ids: readonly string[]): Promise<CommandAnswer> {
  return changeNotifications(context, ids, "retry");
}

/** `baton notifications discard ID…` */
export function discardNotifications(context: CommandContext, ids: readonly string[]): Promise<CommandAnswer> {
  return changeNotifications(context, ids, "discard");
}

async function changeNotifications(
  { call }: CommandContext,
  ids: readonly string[],
  action: "retry" | "discard",
): Promise<CommandAnswer> {
  const changed = [];
  for (const id of ids) changed.push((await call("retry_delivery", { id, action })).delivery);
  const lines = changed.map(({ id, status }) => `${id} is ${status}`);
  return { data: { deliveries: changed }, text: lines.join("\n") };
}
