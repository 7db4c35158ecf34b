import {
  startElicitation,
  endElicitation,
  askedQuestion,
  awaitsDecision,
  nextQuestion,
  questionId,
} from "../engine/escalations/elicitations.js";
import type { Engine } from "../engine/engine.js";
import type { ElicitationHost, RemoteElicitationHost } from "../mcp/elicitation/elicitation-host.js";
import type { Dispatch } from "../dispatch/dispatch.js";

/** Times a form is shown for one question because the answers do not fit. */
const ROUNDS_MAX = 3;
const MARGIN_MS = 60_000;

/** The person at the client of this process: their handle, and the dispatch that is bound to them. */
interface ElicitedPerson {
  readonly handle: string;
  readonly dispatch: Dispatch;
}

/** Open questions for the client of this process. A decision is a call by the person there. */
export function elicitationHost(engine: Engine, { handle, dispatch }: ElicitedPerson): ElicitationHost {
  return {
    settings: () => engine.settings(),
    roundsMax: ROUNDS_MAX,
    idOf: questionId,
    next: (wanted) => engine.read((ctx) => nextQuestion(ctx, { ...wanted, person: handle })),
    take: (question) => {
      const forMs = engine.settings().elicitation_timeout_ms * ROUNDS_MAX + MARGIN_MS;
      return engine.transact((ctx) => startElicitation(ctx, { ...question, forMs }));
    },
    awaitsDecision: (question) => engine.read(() => awaitsDecision(question)),
    giveUp: (question) => engine.transact((ctx) => endElicitation(ctx, question)),
    decide: async ({ id, token }, answer) => {
      await dispatch.call("decide_escalation", { id, token, ...answer });
    },
    onWake: (listener) => engine.onWake(listener),
  };
}

/** Open questions for an attended client over the network: the database knows what it is asked, at whichever server it calls. */
export function remoteElicitationHost(engine: Engine, { handle, dispatch }: ElicitedPerson): RemoteElicitationHost {
  return {
    roundsMax: ROUNDS_MAX,
    ask: async (about) => {
      const { elicitation, elicitation_timeout_ms: forMs } = engine.settings();
      if (!elicitation) return undefined;
      const wanted = { about, except: new Set<string>(), person: handle };
      const { question } = await engine.read((ctx) => nextQuestion(ctx, wanted));
      if (question === undefined) return undefined;
      const isTaken = await engine.transact((ctx) => startElicitation(ctx, { ...question, forMs }));
      return isTaken ? question : undefined;
    },
    asked: (reference) => engine.read((ctx) => askedQuestion(ctx, reference)),
    forget: (reference) => engine.transact((ctx) => endElicitation(ctx, reference)),
    decide: async ({ id, token }, answer) => {
      await dispatch.call("decide_escalation", { id, token, ...answer });
    },
  };
}
