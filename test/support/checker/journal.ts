/** Events that a client was told of, which must have happened whatever came after. */
export type Acknowledged =
  | { readonly kind: "claimed"; readonly task: string; readonly token: number; readonly agent: string }
  | { readonly kind: "ended"; readonly task: string; readonly token: number; readonly as: EndedAs }
  | { readonly kind: "locked"; readonly agent: string; readonly tokens: readonly number[] }
  | { readonly kind: "unlocked"; readonly agent: string; readonly paths: readonly string[] }
  | { readonly kind: "run"; readonly run: string }
  | { readonly kind: "task"; readonly task: string }
  | { readonly kind: "sent"; readonly message: string }
  | ReadEntry
  | { readonly kind: "escalated"; readonly escalation: string }
  | { readonly kind: "decided"; readonly escalation: string; readonly status: string }
  | { readonly kind: "offered"; readonly handoff: string }
  | { readonly kind: "accepted"; readonly handoff: string }
  | { readonly kind: "delivered"; readonly delivery: string }
  /** All events until now have become deliveries. */
  | { readonly kind: "collected" };

/** Messages as an agent read them, and those that it acknowledged by that. */
export interface ReadEntry {
  readonly kind: "read";
  readonly agent: string;
  readonly acked: readonly string[];
  readonly messages: readonly string[];
  /** Whether it is the last reading of all that are unread. */
  readonly isInbox: boolean;
}

/** How an attempt ended, as the event `task.<this>` says it. */
export type EndedAs = "succeeded" | "submitted" | "retry" | "dead_letter" | "cancelled" | "released";

type Answer = Readonly<Record<string, unknown>>;

export interface Call {
  readonly name: string;
  /** The acting agent. */
  readonly agent: string;
  readonly input: Answer;
}

/** Notes of a call that succeeded what its answer acknowledged. */
export function acknowledgedBy({ name, agent, input }: Call, answer: Answer): Acknowledged[] {
  const ended = (as: EndedAs): Acknowledged[] => [
    { kind: "ended", task: idOf(answer["task"]), token: Number(input["token"]), as },
  ];
  switch (name) {
    case "claim_task":
      if (answer["outcome"] !== "claimed") return [];
      return [{ kind: "claimed", task: idOf(answer["task"]), token: tokenOf(answer["lease"]), agent }];
    case "complete_task":
      return ended(isSubmitted(answer["task"]) ? "submitted" : "succeeded");
    case "fail_task":
      return ended(answer["outcome"] as EndedAs);
    case "release_task":
      // A task that was to be cancelled does not go back.
      return ended(statusOf(answer["task"]) === "cancelled" ? "cancelled" : "released");
    case "acquire_file_lock":
      if (answer["outcome"] !== "granted") return [];
      return [{ kind: "locked", agent, tokens: (answer["locks"] as unknown[]).map(tokenOf) }];
    case "release_file_lock":
      return [{ kind: "unlocked", agent, paths: answer["released"] as string[] }];
    case "execute_workflow":
      return [{ kind: "run", run: idOf(answer["run"]) }];
    case "create_task":
      return [{ kind: "task", task: idOf(answer["task"]) }];
    default:
      return togetherBy({ name, agent, input }, answer);
  }
}

function togetherBy({ name, agent, input }: Call, answer: Answer): Acknowledged[] {
  switch (name) {
    case "send_message":
      return [{ kind: "sent", message: idOf(answer["message"]) }];
    case "read_messages": {
      const messages = (answer["messages"] as unknown[]).map(idOf);
      return [{ kind: "read", agent, acked: (input["ack"] ?? []) as string[], messages, isInbox: false }];
    }
    case "escalate":
      return [{ kind: "escalated", escalation: idOf(answer["escalation"]) }];
    case "decide_escalation": {
      const { escalation } = answer;
      if (input["decision"] === "deferred" || escalation === undefined) return [];
      return [{ kind: "decided", escalation: idOf(escalation), status: statusOf(escalation) }];
    }
    case "request_handoff":
      return [{ kind: "offered", handoff: idOf(answer["handoff"]) }];
    case "respond_handoff":
      return input["accept"] === true ? [{ kind: "accepted", handoff: idOf(answer["handoff"]) }] : [];
    default:
      return [];
  }
}

// The shapes of answers are checked by dispatch and, in clients, against the published schemas.
const idOf = (entity: unknown): string => (entity as { id: string }).id;
const statusOf = (entity: unknown): string => (entity as { status: string }).status;
const tokenOf = (lease: unknown): number => (lease as { token: number }).token;

function isSubmitted(task: unknown): boolean {
  return typeof task === "object" && task !== null && "status" in task && task.status === "in_review";
}
