import type { NotificationContent } from "../base/notifications/targets.js";
import type { AttemptResult } from "../engine/notifications/sending.js";

/** A notification to send; the id is the same for each attempt at it, so that a receiver can tell a repetition. */
export interface OutgoingNotification {
  readonly id: string;
  readonly content: NotificationContent;
}

export interface Sending {
  /** Milliseconds for all of it. */
  readonly timeoutMs: number;
  /** Of this attempt, in ms since the epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
}

/** A text in which nothing is markup: Slack reads mentions and links in angle brackets, desktops read tags. */
export function withoutMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The answer of an attempt whose signal has come. */
export function tooSlow({ timeoutMs }: Pick<Sending, "timeoutMs">): AttemptResult {
  return { ok: false, error: `no answer within ${timeoutMs} ms` };
}
