import type { NotificationTarget } from "../base/notifications/targets.js";
import { underLimit } from "../executors/processes/limit.js";
import type { AttemptResult } from "../engine/notifications/sending.js";
import type { OutgoingNotification, Sending } from "./outgoing.js";

/** Sends a notification to a target once, within its time. Never throws for what goes wrong outside: that is the answer. */
export function send(
  target: NotificationTarget,
  outgoing: OutgoingNotification,
  sending: Sending,
): Promise<AttemptResult> {
  return underLimit({ ms: sending.timeoutMs, signal: sending.signal }, (signal) =>
    sendTo(target, outgoing, { ...sending, signal }),
  );
}

async function sendTo(
  target: NotificationTarget,
  outgoing: OutgoingNotification,
  sending: Sending,
): Promise<AttemptResult> {
  switch (target.kind) {
    case "slack":
      return (await import("./slack.js")).sendToSlack(target, outgoing, sending);
    case "webhook":
      return (await import("./webhook.js")).sendToWebhook(target, outgoing, sending);
    case "email":
      return (await import("./email.js")).sendByEmail(target, outgoing, sending);
    case "desktop":
      return (await import("./desktop.js")).sendToDesktop(outgoing, sending);
  }
}
