import { shownJson } from "../../base/texts/shown-text.js";
import type { HookCall } from "./hook-call.js";

/** The decision about a call; undefined where there is nothing to be said. */
export type HookVerdict =
  | { readonly kind: "deny"; readonly reason: string }
  /** Facts for the agent at its start. */
  | { readonly kind: "tell"; readonly text: string }
  /** Holds the agent's stop up once. */
  | { readonly kind: "continue"; readonly reason: string }
  | undefined;

/** The text for the standard output of a hook, in the client's own form; empty where nothing is said. The exit code is always 0. */
export function answerOf({ client, eventName }: Pick<HookCall, "client" | "eventName">, verdict: HookVerdict): string {
  if (verdict === undefined) return "";
  const answer =
    verdict.kind === "deny"
      ? denial(client, eventName, verdict.reason)
      : verdict.kind === "tell"
        ? told(client, eventName, verdict.text)
        : continued(client, eventName, verdict.reason);
  return `${shownJson(answer)}\n`;
}

type Client = HookCall["client"];

// Codex refuses an answer with a key that it does not know: each client is told in its own keys alone.
function denial(client: Client, hookEventName: string, reason: string): object {
  if (client === "cursor") return { permission: "deny", user_message: reason, agent_message: reason };
  if (client === "gemini") return { decision: "deny", reason };
  const decision = { permissionDecision: "deny", permissionDecisionReason: reason };
  const nested = { hookSpecificOutput: { hookEventName, ...decision } };
  return client === "copilot" ? { ...decision, ...nested } : nested;
}

function told(client: Client, hookEventName: string, text: string): object {
  if (client === "cursor") return { additional_context: text };
  if (client === "copilot") return { additionalContext: text };
  return { hookSpecificOutput: { hookEventName, additionalContext: text } };
}

function continued(client: Client, hookEventName: string, reason: string): object {
  if (client === "cursor") return { followup_message: reason };
  if (client === "gemini") return { decision: "deny", reason };
  if (client === "vscode") return { hookSpecificOutput: { hookEventName, decision: "block", reason } };
  return { decision: "block", reason };
}
