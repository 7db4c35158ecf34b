/** A question that waits for a person's decision. All of its texts were written by others. */
export interface Question {
  /** Of its task. */
  readonly id: string;
  readonly token: number;
  readonly key: string;
  readonly run: { readonly id: string; readonly name: string };
  readonly project: string;
  readonly startedBy: string;
  readonly ask: string;
  /** JSON Schema of the answers. */
  readonly form?: Readonly<Record<string, unknown>>;
  /** When it counts as rejected, in ms since the epoch. */
  readonly until: number | null;
}

export interface Decision {
  readonly decision: "approved" | "rejected" | "deferred";
  readonly answers?: Readonly<Record<string, unknown>>;
  readonly note?: string;
}

/** What waits for the person at the client of this process, and how it is taken on and answered. */
export interface QuestionDesk {
  /** Whether that person is to be asked at all. */
  readonly open: boolean;
  /** How long a question stands before them, and how long they are not asked again what they have not answered. */
  readonly timeoutMs: number;
  readonly againMs: number;
  /** How many times a question stands before them again because their answers do not fit. */
  readonly roundsMax: number;
  /** Tells it from others, and from the next one of the same task. */
  idOf(question: Question): string;
  /** What may be asked now within these runs, or when to look again. */
  next(wanted: {
    readonly runs: readonly string[];
    readonly except: ReadonlySet<string>;
  }): Promise<{ readonly question?: Question; readonly lookAgainInMs?: number }>;
  /** So that no other process asks it; false where one does. */
  take(question: Question): Promise<boolean>;
  /** Whether it is still to be decided, as it was shown. */
  isAsked(question: Question): Promise<boolean>;
  /** Nobody has answered: others may ask. */
  giveUp(question: Question): Promise<void>;
  /** Errors: `invalid_input` for answers that do not fit; `invalid_transition` where it is no longer asked. */
  decide(question: Question, decision: Decision): Promise<void>;
  /** Calls the listener soon after any process has committed; gives what stops it. */
  onWake(listener: () => void): () => void;
}
