import type { EmailTarget } from "../base/notifications/targets.js";
import { aborted } from "../executors/processes/limit.js";
import type { AttemptResult } from "../engine/notifications/sending.js";
import { type OutgoingNotification, type Sending, tooSlow } from "./outgoing.js";

/** Sends a mail of plain text over SMTP. nodemailer is loaded with the first one. */
export async function sendByEmail(
  target: EmailTarget,
  { id, content }: OutgoingNotification,
  sending: Sending,
): Promise<AttemptResult> {
  const { createTransport } = await import("nodemailer");
  const { timeoutMs, signal } = sending;
  const { host, port, tls, user, password } = target;
  const transport = createTransport({
    host,
    port,
    secure: tls === "implicit",
    requireTLS: tls === "starttls",
    ignoreTLS: tls === "none",
    ...(user === undefined || password === undefined ? {} : { auth: { user, pass: password } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const sent = transport.sendMail({
    from: { name: "Baton", address: target.from },
    to: [...target.to],
    subject: content.subject,
    text: `${content.text}\n`,
    // The same for each attempt, so that a mail that came twice is known as one.
    messageId: `<${id}@baton.invalid>`,
    headers: { "Auto-Submitted": "auto-generated" },
  });
  try {
    await Promise.race([sent, aborted(signal)]);
    return { ok: true };
  } catch (error) {
    return signal.aborted ? tooSlow(sending) : { ok: false, error: reasonOf(error) };
  } finally {
    transport.close();
    // An attempt that has been given up ends later, with an error of its own.
    sent.catch(() => undefined);
  }
}

/** The code and the status alone: a message names addresses. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "not sent";
  const { code, responseCode } = error as { readonly code?: unknown; readonly responseCode?: unknown };
  const status = typeof responseCode === "number" ? `, answered ${responseCode}` : "";
  return `not sent: ${typeof code === "string" ? code : error.name}${status}`;
}
