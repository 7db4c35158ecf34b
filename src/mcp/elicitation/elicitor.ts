import {
  type CallToolResult,
  type ElicitRequestFormParams,
  type ElicitResult,
  McpError,
} from "@modelcontextprotocol/sdk/types.js";
import { BatonError } from "../../base/errors.js";
import type { Logger } from "../../runtime/logger.js";
import { InternalError } from "../../dispatch/dispatch.js";
import { type Again, dialogOf } from "./dialog.js";
import type { Question, QuestionDesk } from "./questions.js";
import { runsNamedIn } from "./runs-named.js";

export interface AskerParts {
  /** Opened once a call has had to do with a run, not before. */
  desk(): Promise<QuestionDesk>;
  /** Shows a form. Rejects when the signal fires, when the time is over, and where the client cannot. */
  show(params: ElicitRequestFormParams, options: ShowOptions): Promise<ElicitResult>;
  readonly logger: Logger;
}

export interface ShowOptions {
  readonly signal: AbortSignal;
  readonly timeout: number;
  /** The call during which it is shown: some clients show forms only then. */
  readonly relatedRequestId?: RequestId;
}

type RequestId = string | number;

/** A tool call of the client. */
export interface AskedDuring {
  readonly id: RequestId;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What a call does; it tells of a run that it has started. */
export type Work = (onRun: (run: string) => void) => Promise<CallToolResult>;

/** Of the runs that the client has had to do with, the latest. */
const RUNS_MAX = 100;
/** An answer is kept back so long, at most, that a form can be shown while its call is still under way. */
const SHOWN_WITHIN_MS = 150;
/** A call that takes longer may wait for something; before that nobody listens to what others write. */
const LASTING_MS = 100;
/** Between two looks, however much is written meanwhile. */
const PAUSE_MS = 20;
/** After a form that was not answered, before any other is shown: there may be many more of them. */
const QUIET_MS_MAX = 60_000;
/** After somebody else has been quicker. */
const TAKEN_MS = 1_000;
const LOOK_AGAIN_MS_MAX = 60_000;
const METHOD_NOT_FOUND = -32_601;

/**
 * Puts what waits for a decision to the person at one client, in a form: one at a time, of the runs that calls of this client have had
 * to do with, and only while such a call is under way or has just been answered. Nothing waits for the person but the form
 * itself.
 */
export class Asker {
  readonly #parts: AskerParts;
  readonly #runs = new Set<string>();
  readonly #calls = new Set<RequestId>();
  /** What this person has not answered, and until when they are left alone with it. */
  readonly #notBefore = new Map<string, number>();
  #quietUntil = 0;
  #standing: { readonly question: Question; readonly abort: AbortController } | undefined;
  #desk: QuestionDesk | undefined;
  #stopListening: (() => void) | undefined;
  #looking = false;
  #stirred = false;
  /** Told when a look is over that began after they had asked for one. */
  #looked: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #lastsAfter: NodeJS.Timeout | undefined;
  #lasting = false;
  /** The server is closing, or the client cannot show forms after all. */
  #closed = false;

  constructor(parts: AskerParts) {
    this.#parts = parts;
  }

  /** Carries out a call, and asks what is to be asked meanwhile and right after it. */
  async during(call: AskedDuring, work: Work): Promise<CallToolResult> {
    this.#calls.add(call.id);
    this.#lastsAfter ??= setTimeout(() => this.#last(), LASTING_MS).unref();
    try {
      this.#note(runsNamedIn(call.input));
      if (this.#runs.size > 0) void this.#stir();
      const result = await work((run) => {
        this.#note([run]);
        void this.#stir();
      });
      this.#note(runsNamedIn(result.structuredContent ?? {}));
      if (this.#runs.size > 0) await Promise.race([this.#stir(), after(SHOWN_WITHIN_MS)]);
      return result;
    } finally {
      this.#calls.delete(call.id);
      this.#rest();
    }
  }

  /** Takes back what is shown. What is answered later is no answer any more. */
  close(): void {
    this.#closed = true;
    this.#standing?.abort.abort();
    this.#rest();
  }

  #note(runs: readonly string[]): void {
    for (const run of runs) {
      this.#runs.delete(run);
      this.#runs.add(run);
    }
    for (const run of this.#runs) if (this.#runs.size > RUNS_MAX) this.#runs.delete(run);
  }

  /** Looks once more. Settles when what is found then is on its way to the client. */
  #stir(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#stirred = true;
    const looked = new Promise<void>((resolve) => this.#looked.push(resolve));
    if (!this.#looking) void this.#lookWhileStirred();
    return looked;
  }

  async #lookWhileStirred(): Promise<void> {
    this.#looking = true;
    while (this.#stirred && !this.#closed) {
      this.#stirred = false;
      const waiting = this.#looked.splice(0);
      try {
        await this.#look();
      } catch (error) {
        if (!this.#isClosed()) this.#parts.logger.warn("what waits for a decision could not be asked", { error });
      }
      for (const told of waiting) told();
      if (this.#stirred) await after(PAUSE_MS);
    }
    this.#looking = false;
    for (const told of this.#looked.splice(0)) told();
  }

  // While something else was waited for it may have become so.
  #isClosed(): boolean {
    return this.#closed;
  }

  async #look(): Promise<void> {
    const desk = (this.#desk ??= await this.#parts.desk());
    if (this.#lasting) this.#listen(desk);
    if (this.#standing !== undefined) {
      const { question, abort } = this.#standing;
      // Somebody has decided elsewhere, or the run has gone another way.
      if (!(await desk.isAsked(question))) abort.abort();
      return;
    }
    const quietMs = this.#quietUntil - performance.now();
    if (quietMs > 0) this.#lookAfter(quietMs);
    if (!desk.open || quietMs > 0) return;
    const { question, lookAgainInMs } = await desk.next({ runs: [...this.#runs], except: this.#leftAlone() });
    if (lookAgainInMs !== undefined) this.#lookAfter(lookAgainInMs);
    if (question === undefined || this.#isClosed()) return;
    const taken = await desk.take(question);
    if (taken && !this.#isClosed()) this.#stand(desk, question);
    else this.#lookAfter(TAKEN_MS);
  }

  #leftAlone(): ReadonlySet<string> {
    const now = performance.now();
    for (const [id, until] of this.#notBefore) if (until <= now) this.#notBefore.delete(id);
    return new Set(this.#notBefore.keys());
  }

  /** A call takes longer than most: what is to be asked may come while it does. */
  #last(): void {
    this.#lasting = true;
    if (this.#runs.size > 0) void this.#stir();
  }

  #listen(desk: QuestionDesk): void {
    if (this.#closed || this.#idle) return;
    this.#stopListening ??= desk.onWake(() => void this.#stir());
  }

  get #idle(): boolean {
    return this.#calls.size === 0 && this.#standing === undefined;
  }

  /** Nobody is there to be asked, and nothing is shown: nothing is looked for. */
  #rest(): void {
    if (!this.#closed && !this.#idle) return;
    this.#stopListening?.();
    this.#stopListening = undefined;
    clearTimeout(this.#timer);
    clearTimeout(this.#lastsAfter);
    this.#lastsAfter = undefined;
    this.#lasting = false;
  }

  #lookAfter(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#closed || this.#idle) return;
    this.#timer = setTimeout(() => void this.#stir(), Math.min(ms, LOOK_AGAIN_MS_MAX)).unref();
  }

  #stand(desk: QuestionDesk, question: Question): void {
    const abort = new AbortController();
    this.#standing = { question, abort };
    // The call may have ended meanwhile, and the question been decided before anybody listened.
    this.#listen(desk);
    void this.#stir();
    this.#converse(desk, question, abort.signal)
      .catch(async (error: unknown) => {
        this.#leaveAlone(desk, question);
        // It may have been that which failed: kept, nobody else would ask.
        await desk.giveUp(question).catch(() => undefined);
        if (!this.#closed) this.#parts.logger.warn("a decision could not be taken down", { error, task: question.id });
      })
      .finally(() => {
        this.#standing = undefined;
        if (this.#closed || this.#calls.size === 0) this.#rest();
        else void this.#stir();
      });
  }

  /** Shows the form until it is answered in a way that fits, or is not answered. */
  async #converse(desk: QuestionDesk, question: Question, signal: AbortSignal): Promise<void> {
    let again: Again | undefined;
    for (let round = 0; round < desk.roundsMax; round++) {
      const dialog = dialogOf(question, again);
      const { action, content } = await this.#show(desk, dialog.params, signal);
      const decision = action === "accept" ? dialog.read(content) : undefined;
      if (signal.aborted) return;
      if (decision === undefined) break;
      const problem = await refusalOf(desk.decide(question, decision));
      if (problem === undefined) return;
      again = { problem, content: content ?? {} };
    }
    this.#leaveAlone(desk, question);
    await desk.giveUp(question);
  }

  #leaveAlone(desk: QuestionDesk, question: Question): void {
    const now = performance.now();
    this.#notBefore.set(desk.idOf(question), now + desk.againMs);
    this.#quietUntil = now + Math.min(desk.againMs, QUIET_MS_MAX);
  }

  /** A form that the client cannot show, or on which the time has run out, is one that nobody has answered. */
  async #show(desk: QuestionDesk, params: ElicitRequestFormParams, signal: AbortSignal): Promise<ElicitResult> {
    const relatedRequestId = [...this.#calls].at(-1);
    const related = relatedRequestId === undefined ? {} : { relatedRequestId };
    try {
      return await this.#parts.show(params, { signal, timeout: desk.timeoutMs, ...related });
    } catch (error) {
      if (error instanceof McpError && error.code === METHOD_NOT_FOUND) this.#closed = true;
      this.#parts.logger.debug("a question was not answered", { error });
      return { action: "cancel" };
    }
  }
}

/** What keeps a decision from being taken; undefined where it is, or where nobody asks for one any more. */
async function refusalOf(deciding: Promise<void>): Promise<string | undefined> {
  try {
    await deciding;
    return undefined;
  } catch (error) {
    if (error instanceof InternalError) return error.message;
    if (!(error instanceof BatonError)) throw error;
    return error.code === "invalid_transition" || error.code === "not_found" ? undefined : error.message;
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
