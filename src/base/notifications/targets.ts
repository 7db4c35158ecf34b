/** A notification as it is written to a target, with secrets taken out. */
export interface NotificationContent {
  /** Type of its event. */
  readonly type: string;
  /** When the event happened, in ms since the epoch. */
  readonly at: number;
  readonly subject: string;
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** In a target's events: everything that waits for a person's decision. */
export const QUESTIONS = "questions";

/** A place that a person has configured for notifications. What it is reached by may be secret, and stays in its process. */
export type NotificationTarget = SlackTarget | EmailTarget | WebhookTarget | DesktopTarget;

interface TargetBase {
  /** Its name with a hash of its address: processes with the same configuration share its deliveries. */
  readonly id: string;
  readonly name: string;
  /** Types of events, `questions`, or a type with `*` behind its dot. */
  readonly events: readonly string[];
}

export interface SlackTarget extends TargetBase, HttpAddress {
  readonly kind: "slack";
  /** Only webhooks of the former kind take one. */
  readonly channel?: string | undefined;
}

export interface WebhookTarget extends TargetBase, HttpAddress {
  readonly kind: "webhook";
  /** Key of the signature. */
  readonly secret: string;
}

export interface EmailTarget extends TargetBase {
  readonly kind: "email";
  readonly to: readonly string[];
  readonly from: string;
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte, by STARTTLS, or none. */
  readonly tls: "implicit" | "starttls" | "none";
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

export interface DesktopTarget extends TargetBase {
  readonly kind: "desktop";
}

/** An address that is written to by HTTP. */
export interface HttpAddress {
  readonly url: string;
  /** Whether its name may stand for an address of a private network. An address or localhost in the URL itself may always. */
  readonly allowsPrivate: boolean;
}
