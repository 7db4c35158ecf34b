import type { SlackTarget } from "../base/notifications/targets.js";
import type { AttemptResult } from "../engine/notifications/sending.js";
import { post } from "./http.js";
import { type OutgoingNotification, type Sending, withoutMarkup } from "./outgoing.js";

/** Posts to an incoming webhook of Slack: plain text, in which nothing is markup, a mention or a link with another name. */
export function sendToSlack(
  target: SlackTarget,
  { content }: OutgoingNotification,
  sending: Sending,
): Promise<AttemptResult> {
  const text = withoutMarkup(`${content.subject}\n${content.text}`);
  const body = JSON.stringify({
    text,
    mrkdwn: false,
    link_names: false,
    unfurl_links: false,
    unfurl_media: false,
    ...(target.channel === undefined ? {} : { channel: target.channel }),
  });
  return post(target, { headers: { "content-type": "application/json" }, body }, sending);
}
