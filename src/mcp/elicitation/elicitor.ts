import { setTimeout as after } from "node:timers/promises";
import {
  type CallToolResult,
  type ElicitRequestFormParams,
  type ElicitResult,
  McpError,
} from "@modelcontextprotocol/sdk/types.js";
import type { Logger } from "../../runtime/logger.js";
import { type Again, elicitationFormOf, lateNotice } from "./form.js";
import type { Question } from "../../engine/escalations/elicitations.js";
import type { ElicitationHost } from "./elicitation-host.js";
import { refusalOf } from "./refused-decision.js";
import { subjectsNamedIn } from "./subjects-named.js";

export interface ElicitorParts {
  /** Opened once a call has had to do with a run, not before. */
  host(): Promise<ElicitationHost>;
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
export interface ElicitingCall {
  readonly id: RequestId;
  readonly input: Readonly<Record<string, unknown>>;
}

/** The work of a call; it reports a run that it has started. */
export type CallWork = (onRun: (run: string) => void) => Promise<CallToolResult>;

/** The latest runs and single questions of this client that are watched. */
const SUBJECTS_MAX = 100;
/** An answer is held back at most this long, so that a form can be shown while its call is still under way. */
const SHOWN_WITHIN_MS = 150;
/** A call that takes longer may be waiting for something: from then on writes of other processes trigger a poll. */
const LONG_CALL_MS = 100;
/** Between two polls, however much is written meanwhile. */
const PAUSE_MS = 20;
/** After a form that was not answered, before any other is shown: there may be many more of them. */
const QUIET_MS_MAX = 60_000;
/** A notice stands so long at most, since no question is asked meanwhile. */
const NOTICE_MS = 60_000;
/** After another process has claimed the question. */
const TAKEN_MS = 1_000;
const POLL_MS_MAX = 60_000;
const METHOD_NOT_FOUND = -32_601;
/** Timers keep no process alive. */
const UNREF = { ref: false };

/**
 * Asks the person at one client for open decisions, one form at a time, about the runs that calls of this client were about, and only
 * while such a call is under way or has just been answered. Nothing waits for the person but the form itself.
 */
export class Elicitor {
  readonly #parts: ElicitorParts;
  readonly #subjects = new Set<string>();
  readonly #calls = new Set<RequestId>();
  /** Questions left unanswered, each with the time before which it is not asked again. */
  readonly #notBefore = new Map<string, number>();
  #quietUntil = 0;
  /** The form on display: of a question, or a notice. */
  #shown: { readonly question?: Question; readonly abort: AbortController } | undefined;
  #host: ElicitationHost | undefined;
  #stopListening: (() => void) | undefined;
  #polling = false;
  #requested = false;
  /** Called when a poll is over that began after they were added. */
  #polled: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #longCallTimer: NodeJS.Timeout | undefined;
  #hasLongCall = false;
  /** The server is closing, or the client cannot show forms after all. */
  #closed = false;

  constructor(parts: ElicitorParts) {
    this.#parts = parts;
  }

  /** Runs a call, and asks open questions meanwhile and right after it. */
  async during(call: ElicitingCall, work: CallWork): Promise<CallToolResult> {
    this.#calls.add(call.id);
    this.#longCallTimer ??= setTimeout(() => this.#noteLongCall(), LONG_CALL_MS).unref();
    try {
      this.#note(subjectsNamedIn(call.input));
      if (this.#subjects.size > 0) void this.#requestPoll();
      const result = await work((run) => {
        this.#note([run]);
        void this.#requestPoll();
      });
      this.#note(subjectsNamedIn(result.structuredContent ?? {}));
      if (this.#subjects.size > 0) await Promise.race([this.#requestPoll(), after(SHOWN_WITHIN_MS, undefined, UNREF)]);
      return result;
    } finally {
      this.#calls.delete(call.id);
      this.#stopWhenIdle();
    }
  }

  /** Withdraws the form on display. A later answer to it is ignored. */
  close(): void {
    this.#closed = true;
    this.#shown?.abort.abort();
    this.#stopWhenIdle();
  }

  #note(subjects: readonly string[]): void {
    for (const subject of subjects) {
      this.#subjects.delete(subject);
      this.#subjects.add(subject);
    }
    for (const subject of this.#subjects) if (this.#subjects.size > SUBJECTS_MAX) this.#subjects.delete(subject);
  }

  /** Polls once more. Settles when the form of a question found then is on its way to the client. */
  #requestPoll(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#requested = true;
    const polled = new Promise<void>((resolve) => this.#polled.push(resolve));
    if (!this.#polling) void this.#pollWhileRequested();
    return polled;
  }

  async #pollWhileRequested(): Promise<void> {
    this.#polling = true;
    while (this.#requested && !this.#closed) {
      this.#requested = false;
      const waiting = this.#polled.splice(0);
      try {
        await this.#poll();
      } catch (error) {
        if (!this.#isClosed()) this.#parts.logger.warn("open questions could not be read", { error });
      }
      for (const told of waiting) told();
      if (this.#requested) await after(PAUSE_MS, undefined, UNREF);
    }
    this.#polling = false;
    for (const told of this.#polled.splice(0)) told();
  }

  // May have changed during an await.
  #isClosed(): boolean {
    return this.#closed;
  }

  async #poll(): Promise<void> {
    const host = (this.#host ??= await this.#parts.host());
    if (this.#hasLongCall) this.#listen(host);
    if (this.#shown !== undefined) {
      const { question, abort } = this.#shown;
      // Decided elsewhere, or the run no longer asks.
      if (question && !(await host.awaitsDecision(question))) abort.abort();
      return;
    }
    const quietMs = this.#quietUntil - performance.now();
    if (quietMs > 0) this.#pollAfter(quietMs);
    if (!host.settings().elicitation || quietMs > 0) return;
    const { question, pollInMs } = await host.next({ about: [...this.#subjects], except: this.#postponed() });
    if (pollInMs !== undefined) this.#pollAfter(pollInMs);
    if (question === undefined || this.#isClosed()) return;
    const taken = await host.take(question);
    if (taken && !this.#isClosed()) this.#present(host, question);
    else this.#pollAfter(TAKEN_MS);
  }

  #postponed(): ReadonlySet<string> {
    const now = performance.now();
    for (const [id, until] of this.#notBefore) if (until <= now) this.#notBefore.delete(id);
    return new Set(this.#notBefore.keys());
  }

  /** A call takes longer than most: a question may open during it. */
  #noteLongCall(): void {
    this.#hasLongCall = true;
    if (this.#subjects.size > 0) void this.#requestPoll();
  }

  #listen(host: ElicitationHost): void {
    if (this.#closed || this.#idle) return;
    this.#stopListening ??= host.onWake(() => void this.#requestPoll());
  }

  get #idle(): boolean {
    return this.#calls.size === 0 && this.#shown === undefined;
  }

  /** Stops polling while no call is under way and no form is shown. */
  #stopWhenIdle(): void {
    if (!this.#closed && !this.#idle) return;
    this.#stopListening?.();
    this.#stopListening = undefined;
    clearTimeout(this.#timer);
    clearTimeout(this.#longCallTimer);
    this.#longCallTimer = undefined;
    this.#hasLongCall = false;
  }

  #pollAfter(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#closed || this.#idle) return;
    this.#timer = setTimeout(() => void this.#requestPoll(), Math.min(ms, POLL_MS_MAX)).unref();
  }

  #present(host: ElicitationHost, question: Question): void {
    const abort = new AbortController();
    this.#shown = { question, abort };
    // The call may have ended meanwhile, and the question been decided before the listener was added.
    this.#listen(host);
    void this.#requestPoll();
    this.#elicit(host, question, abort.signal)
      .catch(async (error: unknown) => {
        this.#postpone(host, question);
        // The release itself may have failed. A claim that stays would keep other processes from asking.
        await host.giveUp(question).catch(() => undefined);
        if (!this.#closed)
          this.#parts.logger.warn("a decision could not be recorded", { error, question: question.id });
      })
      .finally(() => {
        this.#shown = undefined;
        if (this.#closed || this.#calls.size === 0) this.#stopWhenIdle();
        else void this.#requestPoll();
      });
  }

  /** Shows the form until its answers fit, or it is closed without one. */
  async #elicit(host: ElicitationHost, question: Question, signal: AbortSignal): Promise<void> {
    let again: Again | undefined;
    for (let round = 0; round < host.roundsMax; round++) {
      const form = elicitationFormOf(question, again);
      const timeout = host.settings().elicitation_timeout_ms;
      const { action, content } = await this.#show(form.params, { signal, timeout });
      const decision = action === "accept" ? form.read(content) : undefined;
      if (signal.aborted) return;
      if (decision === undefined) break;
      const problem = await refusalOf(host.decide(question, decision));
      if (problem === undefined) return;
      if (!(await host.awaitsDecision(question))) return this.#tellLate(problem);
      again = { problem, content: content ?? {} };
    }
    this.#postpone(host, question);
    await host.giveUp(question);
  }

  /** Tells the person that their answer counts for nothing: the question was decided elsewhere, or is not asked any more. */
  async #tellLate(problem: string): Promise<void> {
    if (this.#closed) return;
    const abort = new AbortController();
    this.#shown = { abort };
    await this.#show(lateNotice(problem), { signal: abort.signal, timeout: NOTICE_MS });
  }

  #postpone(host: ElicitationHost, question: Question): void {
    const now = performance.now();
    const { elicitation_again_ms: againMs } = host.settings();
    this.#notBefore.set(host.idOf(question), now + againMs);
    this.#quietUntil = now + Math.min(againMs, QUIET_MS_MAX);
  }

  /** A form that the client cannot show, or that times out, counts as unanswered. */
  async #show(params: ElicitRequestFormParams, limits: Pick<ShowOptions, "signal" | "timeout">): Promise<ElicitResult> {
    const relatedRequestId = [...this.#calls].at(-1);
    const related = relatedRequestId === undefined ? {} : { relatedRequestId };
    try {
      return await this.#parts.show(params, { ...limits, ...related });
    } catch (error) {
      if (error instanceof McpError && error.code === METHOD_NOT_FOUND) this.#closed = true;
      this.#parts.logger.debug("an elicitation was not answered", { error });
      return { action: "cancel" };
    }
  }
}
