import { beginAsking, endAsking, isAsked, nextQuestion, questionId } from "../engine/escalations/elicitations.js";
import type { Command } from "../engine/context.js";
import type { Settings } from "../base/settings.js";
import type { QuestionDesk } from "../mcp/elicitation/questions.js";
import type { Dispatch } from "../dispatch/dispatch.js";

export interface DeskParts {
  read<T>(query: Command<T>): Promise<T>;
  transact<T>(command: Command<T>): Promise<T>;
  onWake(listener: () => void): () => void;
  settings(): Settings;
  /** The way into the operations for the person at the client, and for nobody else. */
  readonly person: Dispatch;
}

/** How often somebody is asked whose answer does not fit: each time the form stands anew. */
const ROUNDS_MAX = 3;
const MARGIN_MS = 60_000;

/** What waits for a decision, for the client of this process. What the person decides takes the path of every call. */
export function questionDesk(parts: DeskParts): QuestionDesk {
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
      return parts.transact((ctx) => beginAsking(ctx, { ...question, forMs }));
    },
    isAsked: (question) => parts.read(() => isAsked(question)),
    giveUp: (question) => parts.transact((ctx) => endAsking(ctx, question)),
    decide: async ({ id, token }, answer) => {
      await parts.person.call("decide_escalation", { id, token, ...answer });
    },
    onWake: (listener) => parts.onWake(listener),
  };
}
