import { createHash } from "node:crypto";
import { isIP } from "node:net";
import os from "node:os";
import { z } from "zod";
import { EVENT_TYPES } from "../base/notifications/event-types.js";
import { isName, NAME_RULE, nearestFew } from "../base/names.js";
import { type NotificationTarget, QUESTIONS } from "../base/notifications/targets.js";

const WORKFLOW_COMPLETED = "workflow_completed";
const KINDS = [...new Set(EVENT_TYPES.map((type) => `${type.split(".")[0] ?? type}.*`))];
/** All that a target may be told of. */
const EVENTS: readonly string[] = [QUESTIONS, WORKFLOW_COMPLETED, ...EVENT_TYPES, ...KINDS];
const NEAREST_MAX = 3;

// A pattern that matches nothing would look like a target that is never told of anything.
const event = () =>
  z.string().superRefine((text, ctx) => {
    if (EVENTS.includes(text)) return;
    const near = nearestFew(text, EVENTS, NEAREST_MAX).map((name) => `"${name}"`);
    const meant =
      near.length > 0
        ? ` (did you mean ${near.join(" or ")}?)`
        : `: write "${QUESTIONS}", a type such as "run.finished", or all of a kind: ${KINDS.join(", ")}`;
    ctx.addIssue({ code: "custom", message: `no event has the type ${JSON.stringify(text.slice(0, 100))}${meant}` });
  });

const shared = () => ({
  /** A target that is configured is on. */
  enabled: z.boolean().default(true),
  events: z.array(event()).min(1).max(32).default([QUESTIONS]),
});

const http = () => ({
  url: z.url({ protocol: /^https?$/, error: "must be a URL that begins with https://" }).max(2_000),
  allow_private: z.boolean().default(false),
  ...shared(),
});

const KEY_BYTES_MIN = 24;
const KEY_BYTES_MAX = 512;
const secret = () =>
  z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]+={0,2}$/, "must be whsec_ with the key in base64 behind it")
    .refine((text) => {
      const { length } = keyOf(text);
      return length >= KEY_BYTES_MIN && length <= KEY_BYTES_MAX;
    }, `must hold a key of ${KEY_BYTES_MIN} to ${KEY_BYTES_MAX} bytes`);

const mailbox = () => z.email().max(320);
const email = () =>
  z.strictObject({
    to: z.union([mailbox(), z.array(mailbox()).min(1).max(20)]),
    from: mailbox().optional(),
    host: z.string().min(1).max(255),
    port: z.int().min(1).max(65_535).optional(),
    /** Default: `starttls`; `implicit` at port 465; `none` at this machine itself. */
    tls: z.enum(["implicit", "starttls", "none"]).optional(),
    user: z.string().min(1).max(320).optional(),
    password: z.string().min(1).max(1_000).optional(),
    ...shared(),
  });

const webhookName = () => z.string().refine(isName, { error: `a webhook's name needs ${NAME_RULE}` });

const targetsSchema = () =>
  z
    .strictObject({
      slack: z.strictObject({ ...http(), channel: z.string().min(1).max(100).optional() }).optional(),
      email: email().optional(),
      desktop: z.strictObject(shared()).optional(),
      webhooks: z.record(webhookName(), z.strictObject({ ...http(), secret: secret() })).default({}),
    })
    .superRefine(({ slack, email: mail, webhooks }, ctx) => {
      const refuse = (path: string[], message: string) => ctx.addIssue({ code: "custom", path, message });
      const plain = "http:// is read on its way: write https://, or an address of this machine";
      if (slack !== undefined && isPlain(slack.url)) refuse(["slack", "url"], plain);
      for (const [name, { url }] of Object.entries(webhooks))
        if (isPlain(url)) refuse(["webhooks", name, "url"], plain);
      if (mail === undefined) return;
      if ((mail.user === undefined) !== (mail.password === undefined))
        refuse(["email", "user"], "user and password go together");
      if (mail.password !== undefined && tlsOf(mail) === "none" && !isThisMachine(mail.host))
        refuse(["email", "tls"], "a password is not sent without TLS");
    });

/** Where a person is told of what waits for a decision, and of other events. Schemas are made for a person who has set some. */
export const notificationsSchema = z.lazy(targetsSchema).default({ webhooks: {} });

type Notifications = z.output<typeof notificationsSchema>;
type Email = z.output<ReturnType<typeof email>>;

/** The bytes of a webhook's secret. */
function keyOf(text: string): Buffer {
  return Buffer.from(text.slice("whsec_".length), "base64");
}

function isPlain(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && !isThisMachine(hostname);
}

function isThisMachine(host: string): boolean {
  const bare = host.replaceAll(/[[\]]/g, "");
  return bare === "localhost" || bare === "::1" || (isIP(bare) === 4 && bare.startsWith("127."));
}

const IMPLICIT_TLS_PORT = 465;
const SUBMISSION_PORT = 587;

function tlsOf({ tls, port, host }: Pick<Email, "tls" | "port" | "host">): "implicit" | "starttls" | "none" {
  if (tls !== undefined) return tls;
  if (port === IMPLICIT_TLS_PORT) return "implicit";
  return isThisMachine(host) ? "none" : "starttls";
}

/** The targets that are switched on. */
export function targetsOf({ slack, email: mail, desktop, webhooks }: Notifications): NotificationTarget[] {
  const targets: NotificationTarget[] = [];
  if (slack?.enabled === true) {
    const { url, channel } = slack;
    targets.push({ kind: "slack", ...base("slack", [url, channel ?? ""], slack), ...httpOf(slack), channel });
  }
  if (mail?.enabled === true) targets.push(emailOf(mail));
  if (desktop?.enabled === true)
    targets.push({ kind: "desktop", ...base("desktop", [os.hostname(), os.userInfo().username], desktop) });
  for (const [name, webhook] of Object.entries(webhooks)) {
    if (!webhook.enabled) continue;
    const key = keyOf(webhook.secret).toString("base64");
    targets.push({ kind: "webhook", ...base(name, [webhook.url], webhook), ...httpOf(webhook), secret: key });
  }
  return targets;
}

function emailOf(mail: Email): NotificationTarget {
  const { host, user, password, port = SUBMISSION_PORT } = mail;
  const to = typeof mail.to === "string" ? [mail.to] : mail.to;
  const from = mail.from ?? to[0] ?? "";
  const tls = tlsOf(mail);
  return { kind: "email", ...base("email", [host, ...to], mail), to, from, host, port, tls, user, password };
}

function httpOf({ url, allow_private }: { readonly url: string; readonly allow_private: boolean }) {
  return { url, allowsPrivate: allow_private };
}

const HASH_CHARS = 12;

function base(name: string, reachedBy: readonly string[], { events }: { readonly events: readonly string[] }) {
  const hash = createHash("sha256").update(JSON.stringify(reachedBy)).digest("hex").slice(0, HASH_CHARS);
  return {
    id: `${name}:${hash}`,
    name,
    events: events.map((type) => (type === WORKFLOW_COMPLETED ? "run.finished" : type)),
  };
}
