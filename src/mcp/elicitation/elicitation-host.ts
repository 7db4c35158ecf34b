import type { Settings } from "../../base/settings.js";
import type { Question, QuestionReference } from "../../engine/escalations/elicitations.js";

export interface Decision {
  readonly decision: "approved" | "approved_with_conditions" | "rejected" | "deferred";
  readonly conditions?: readonly string[];
  readonly answers?: Readonly<Record<string, unknown>>;
  readonly note?: string;
  /** US dollars by which an approval raises a budget. */
  readonly amount?: number;
}

/** Questions for the person at the client of this process, and how they are claimed and answered. */
export interface ElicitationHost {
  /** In force now: whether that person is asked at all, how long a form stays open, and when an unanswered one is shown again. */
  settings(): Settings;
  /** Times a form is shown for one question because the answers do not fit. */
  readonly roundsMax: number;
  /** Identifies a question among others, and among those of one task. */
  idOf(question: Question): string;
  /** Returns the question that may be asked now about these runs, escalations and approvals, or when to poll again. */
  next(wanted: {
    readonly about: readonly string[];
    readonly except: ReadonlySet<string>;
  }): Promise<{ readonly question?: Question; readonly pollInMs?: number }>;
  /** Claims a question so that no other process asks it; false where one does. */
  take(question: Question): Promise<boolean>;
  /** Whether the question is still open, as it was shown. */
  awaitsDecision(question: Question): Promise<boolean>;
  /** Releases a question: where it is open still, other processes may ask it. */
  giveUp(question: Question): Promise<void>;
  /** Errors: `invalid_input` for answers that do not fit; `invalid_transition` and `conflict` where it is no longer asked. */
  decide(question: Question, decision: Decision): Promise<void>;
  /** Calls the listener soon after any process has committed; returns a function that stops it. */
  onWake(listener: () => void): () => void;
}

/** The same where nothing is kept between two requests: the form comes with one answer, and what was entered with the next request. */
export interface RemoteElicitationHost {
  /** Times a form is shown for one question because the answers do not fit. */
  readonly roundsMax: number;
  /** Claims the question that may be asked this client now about these runs, escalations and approvals; undefined where there is none. */
  ask(about: readonly string[]): Promise<Question | undefined>;
  /** The question, where this client is asked it still. */
  asked(reference: QuestionReference): Promise<Question | undefined>;
  /** This client is not asked it any more. */
  forget(reference: QuestionReference): Promise<void>;
  /** Errors: as those of an `ElicitationHost`. */
  decide(question: Question, decision: Decision): Promise<void>;
}
