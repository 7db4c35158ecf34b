import { createHmac } from "node:crypto";
import type { WebhookTarget } from "../base/notifications/targets.js";
import { iso } from "../base/time.js";
import type { AttemptResult } from "../engine/notifications/sending.js";
import { post } from "./http.js";
import type { OutgoingNotification, Sending } from "./outgoing.js";

/** Posts `{type, timestamp, data}` signed as the Standard Webhooks specification has it. */
export function sendToWebhook(
  target: WebhookTarget,
  { id, content }: OutgoingNotification,
  sending: Sending,
): Promise<AttemptResult> {
  const { type, at, subject, text, data } = content;
  const body = JSON.stringify({ type, timestamp: iso(at), data: { ...data, subject, text } });
  const timestamp = String(Math.floor(sending.now / 1_000));
  const headers = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatureOf(target.secret, `${id}.${timestamp}.${body}`),
  };
  return post(target, { headers, body }, sending);
}

/** The key is base64. */
function signatureOf(key: string, signed: string): string {
  return `v1,${createHmac("sha256", Buffer.from(key, "base64")).update(signed).digest("base64")}`;
}
