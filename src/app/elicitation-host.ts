import {
  startElicitation,
  endElicitation,
  awaitsDecision,
  nextQuestion,
  questionId,
} from "../engine/escalations/elicitations.js";
import type { Command } from "../engine/context.js";
import type { Settings } from "../base/settings.js";
import type { ElicitationHost } from "../mcp/elicitation/elicitation-host.js";
import type { Dispatch } from "../dispatch/dispatch.js";

export interface ElicitationHostParts {
  read<T>(query: Command<T>): Promise<T>;
  transact<T>(command: Command<T>): Promise<T>;
  onWake(listener: () => void): () => void;
  settings(): Settings;
  /** The way into the operations for the person at the client, and for nobody else. */
  readonly person: Dispatch;
}

/** Times a form is shown for one question because the answers do not fit. */
const ROUNDS_MAX = 3;
const MARGIN_MS = 60_000;

/** Open questions for the client of this process. A decision takes the path of every call. */
export function elicitationHost(parts: ElicitationHostParts): ElicitationHost {
  const settings = () => parts.settings();
  return {
    get open() {
      return settings().elicitation;
    },
    get timeoutMs() {
      return settings().elicitation_timeout_ms;
    },
    get againMs() {
      return settings().elicitation_again_ms;
    },
    roundsMax: ROUNDS_MAX,
    idOf: questionId,
    next: (wanted) => parts.read((ctx) => nextQuestion(ctx, wanted)),
    take: (question) => {
      const forMs = settings().elicitation_timeout_ms * ROUNDS_MAX + MARGIN_MS;
      return parts.transact((ctx) => startElicitation(ctx, { ...question, forMs }));
    },
    awaitsDecision: (question) => parts.read(() => awaitsDecision(question)),
    giveUp: (question) => parts.transact((ctx) => endElicitation(ctx, question)),
    decide: async ({ id, token }, answer) => {
      await parts.person.call("decide_escalation", { id, token, ...answer });
    },
    onWake: (listener) => parts.onWake(listener),
  };
}
