import { setTimeout as pause } from "node:timers/promises";
import pLimit, { type LimitFunction } from "p-limit";
import type { Brief } from "../../engine/claims/brief.js";
import type { Command } from "../../engine/context.js";
import type { ExecutedKind } from "../../engine/scheduling/demands.js";
import { BatonError, messageOf } from "../../base/errors.js";
import {
  claimWork,
  type ExecutorOffer,
  heldWork,
  recordAbsentRoots,
  retireExecutor,
  type RunWork,
  findRunWork,
} from "../../engine/presence/executor.js";
import type { Engine } from "../../engine/engine.js";
import { completeTask, failTask, releaseTask } from "../../engine/tasks/tasks.js";
import type { Logger } from "../../runtime/logger.js";
import { nextShare } from "./shares.js";
import { type RunningAttempt, type Report, storableFailure, unfitReason } from "./attempt.js";

/** Executes one kind of step. */
export interface StepHandler {
  readonly kind: ExecutedKind;
  /** How many attempts at once, as configured now. */
  readonly concurrency: number;
  /** Whether policy allows it, in a project with this root: a command line, or `server/tool`. */
  carriesOut(what: string, root: string | null): boolean;
  /** Whether the project's root has what the step needs. */
  isPossibleAt(place: RunWork): Promise<boolean>;
  attempt(brief: Brief, place: RunWork): RunningAttempt;
  /** Maintenance that is due from time to time. */
  tidy(): Promise<void>;
  /** Ends processes and connections that outlive attempts, within `graceMs`. */
  close(graceMs: number): Promise<void>;
}

export interface ExecutorParts {
  /** Bound to the executor's own agent; each command may safely run again after it committed. */
  readonly engine: Engine;
  /** Its handle; see `executorHandle`. */
  readonly agent: string;
  readonly handlers: readonly StepHandler[];
  /** The only run that it serves, with its child runs. Absent: every run. */
  readonly run?: string | undefined;
  readonly logger: Logger;
}

/** After a poll, so that many commits in a row cause one more poll. */
const POLL_PAUSE_MS = 20;
/** Claims per poll that only parked tasks. */
const AGAIN_MAX = 100;
/** Grace of running attempts when the server stops: it has a second in all. */
const STOP_GRACE_MS = 250;
const LOST_ANSWER = "the answer to its claim was lost";
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5_000;

/** A handler, and the slots for its attempts. */
interface Slots {
  readonly handler: StepHandler;
  readonly limit: LimitFunction;
}

/**
 * The server's own executor: takes command and tool steps of its run or of every project, as far as this process may,
 * runs as many at once as is configured, and reports how they ended. One poll, after every commit of any process, finds the steps to
 * start and to end: a read each, and none while nothing changes.
 */
export class Executor {
  readonly #parts: ExecutorParts;
  readonly #slots: readonly Slots[];
  readonly #running = new Map<RunningAttempt, { readonly work: RunWork; readonly served: Promise<void> }>();
  /** Projects with commands whose root is not on this machine, as recorded in the database. */
  #absent: ReadonlySet<string> = new Set();
  /** The project that was served last: among equals those after it come first. */
  #served = "";
  #stopListening: (() => void) | undefined;
  #requested = false;
  #polling: Promise<void> | undefined;
  #stopping = false;
  #claimed = false;

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
    this.#slots = parts.handlers.map((handler) => ({ handler, limit: pLimit(handler.concurrency) }));
  }

  start(): void {
    this.#stopListening = this.#parts.engine.onWake(() => this.poll());
    this.poll();
  }

  /** Finds attempts to start and to end, now or after the poll that is under way. */
  poll(): void {
    if (this.#stopping) return;
    this.#requested = true;
    this.#polling ??= this.#pollWhileRequested().finally(() => (this.#polling = undefined));
  }

  /** Maintenance of every handler; called with each background pass. */
  async tidy(): Promise<void> {
    await Promise.all(this.#parts.handlers.map((handler) => handler.tidy()));
  }

  /** Ends running attempts and releases their tasks. Settles when no process of them is left. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stopListening?.();
    this.#stopAll();
    await this.#polling;
    // Attempts that were being claimed in that moment are stopped too.
    this.#stopAll();
    await Promise.all([...this.#running.values()].map(({ served }) => served));
    await Promise.all([this.#retire(), ...this.#parts.handlers.map((handler) => handler.close(STOP_GRACE_MS))]);
  }

  async #retire(): Promise<void> {
    if (!this.#claimed) return;
    const { engine, agent } = this.#parts;
    while (await engine.transact((ctx) => retireExecutor(ctx, agent))) {
      // Each task goes back in a transaction of its own.
    }
  }

  #stopAll(): void {
    for (const attempt of this.#running.keys()) attempt.stop("stopping", STOP_GRACE_MS);
  }

  async #pollWhileRequested(): Promise<void> {
    while (this.#requested && !this.#stopping) {
      this.#requested = false;
      try {
        await this.#watchHeld();
        await this.#takeWork();
      } catch (error) {
        // The next commit or background pass requests another poll.
        this.#parts.logger.warn("polling for steps failed", { error });
      }
      if (!this.#stopping) await pause(POLL_PAUSE_MS);
    }
  }

  /** Ends attempts whose task was cancelled or taken over, and releases tasks that it holds without an attempt. */
  async #watchHeld(): Promise<void> {
    const { engine, agent } = this.#parts;
    const known = new Map([...this.#running.keys()].map((attempt) => [nameOf(attempt), attempt]));
    if (known.size === 0 && !this.#claimed) return;
    const held = new Map(
      (await engine.read(() => heldWork(agent))).map((task) => [nameOf({ task: task.id, token: task.token }), task]),
    );
    for (const [name, attempt] of known) {
      const task = held.get(name);
      if (task?.orders === "cancel_requested") attempt.stop("cancel_requested");
      else if (task === undefined && this.#running.has(attempt)) attempt.stop("lost");
    }
    for (const [name, { id, token }] of held) {
      if (known.has(name)) continue;
      // The answer to the claim was lost with the connection.
      await this.#write((ctx) => releaseTask(ctx, { task: id, token, note: LOST_ANSWER, begun: false }));
    }
  }

  async #takeWork(): Promise<void> {
    const { engine } = this.#parts;
    for (const { handler, limit } of this.#slots) limit.concurrency = handler.concurrency;
    if (this.#free().length === 0) return;
    const underWay = new Set([...this.#running.values()].map(({ work }) => work.run));
    const waiting = await this.#possible(
      await engine.read((ctx) => findRunWork(ctx, this.#offer(this.#slots), underWay)),
    );
    for (let again = 0; waiting.length > 0 && again < AGAIN_MAX;) {
      const next = nextShare({ waiting, free: this.#free(), served: this.#served, ...this.#sharing() });
      if (next === undefined) return;
      const { work, free } = next;
      this.#claimed = true;
      const claim = await engine.transact((ctx) => claimWork(ctx, this.#offer(free), work));
      if (claim.outcome === "none") {
        waiting.splice(waiting.indexOf(work), 1);
      } else if (claim.outcome === "again") {
        again += 1;
      } else {
        this.#served = work.project;
        this.#begin(claim.brief, work);
      }
    }
  }

  /** Returns what is under way, and the bounds of shares: an executor of one run has none. */
  #sharing() {
    const { run_slots_share: run, project_slots_share: project } = this.#parts.engine.settings();
    const underWay = [...this.#running].map(([{ brief }, { work }]) => ({ ...work, kind: brief.task.kind }));
    return { underWay, largest: { run, project }, keepsOne: this.#parts.run === undefined };
  }

  /** Returns the handlers that have capacity for one more. */
  #free(): Slots[] {
    if (this.#stopping) return [];
    return this.#slots.filter(({ limit }) => limit.activeCount + limit.pendingCount < limit.concurrency);
  }

  #offer(slots: readonly Slots[]): ExecutorOffer {
    return {
      agent: this.#parts.agent,
      concurrency: this.#slots.reduce((sum, { limit }) => sum + limit.concurrency, 0),
      run: this.#parts.run,
      carriesOut: (kind, what, root) =>
        slots.some(({ handler }) => handler.kind === kind && handler.carriesOut(what, root)),
    };
  }

  /** Filters out kinds that cannot run here, such as commands whose root is on another machine: their tasks stay ready for that one. */
  async #possible(works: readonly RunWork[]): Promise<RunWork[]> {
    const possible: RunWork[] = [];
    const absent = new Set<string>();
    const asked = new Map<string, Promise<boolean>>();
    // A root is looked at once for all the runs of its project.
    const isPossible = (handler: StepHandler, work: RunWork): Promise<boolean> => {
      const about = `${handler.kind} ${work.project}`;
      const answer = asked.get(about) ?? handler.isPossibleAt(work);
      asked.set(about, answer);
      return answer;
    };
    for (const work of works) {
      const here = await Promise.all(
        this.#slots.map(async ({ handler }) => work.kinds.has(handler.kind) && (await isPossible(handler, work))),
      );
      const kinds = new Set(this.#slots.filter((_, at) => here[at]).map(({ handler }) => handler.kind));
      if (kinds.size < work.kinds.size) absent.add(work.project);
      if (kinds.size > 0) possible.push({ ...work, kinds });
    }
    if (absent.size !== this.#absent.size || [...absent].some((project) => !this.#absent.has(project))) {
      await this.#parts.engine.transact((ctx) => recordAbsentRoots(ctx, [...absent]));
      this.#absent = absent;
    }
    return possible;
  }

  #begin(brief: Brief, work: RunWork): void {
    const slot = this.#slots.find(({ handler }) => handler.kind === brief.task.kind);
    if (slot === undefined) throw new Error(`a task of the kind ${brief.task.kind} was claimed without an offer`);
    const attempt = slot.handler.attempt(brief, work);
    const served = slot
      .limit(() => this.#serve(attempt))
      .finally(() => {
        this.#running.delete(attempt);
        this.poll();
      });
    this.#running.set(attempt, { work, served });
  }

  /** Never rejects: a task must not stay with an executor that no longer serves it. */
  async #serve(attempt: RunningAttempt): Promise<void> {
    const { logger } = this.#parts;
    const facts = { task: attempt.task, token: attempt.token };
    try {
      const report = await attempt.run();
      if (report !== undefined) await this.#report(attempt, report);
      else logger.warn("the outcome of an attempt was dropped: its task is no longer held", facts);
    } catch (error) {
      logger.error("a step could not be carried out", { ...facts, error });
      const message = messageOf(error);
      await this.#report(attempt, { kind: "fail", error: { type: "executor_error", message } }).catch(
        (again: unknown) => logger.error("its task could not be released", { ...facts, error: again }),
      );
    }
  }

  async #report(attempt: RunningAttempt, report: Report): Promise<void> {
    const { task, token } = attempt;
    switch (report.kind) {
      case "release":
        return this.#write((ctx) => releaseTask(ctx, { task, token, note: report.note, begun: report.begun }));
      case "fail": {
        const { error, partial, retryable } = storableFailure(report, this.#parts.engine.settings().payload_bytes_max);
        const { usage } = report;
        return this.#write((ctx) => failTask(ctx, { task, token, error, partial_result: partial, retryable, usage }));
      }
      case "complete":
        try {
          return await this.#write((ctx) =>
            completeTask(ctx, { task, token, result: report.result, note: report.note, usage: report.usage }),
          );
        } catch (error) {
          if (!(error instanceof BatonError) || !UNFIT.has(error.code)) throw error;
          return this.#report(attempt, report.unfit(unfitReason(error)));
        }
    }
  }

  /** Writes an outcome, with retries. An outcome that comes too late changes nothing and is dropped. */
  async #write(command: Command<unknown>): Promise<void> {
    const { engine, logger } = this.#parts;
    for (let waitMs = RETRY_MS_MIN; ; waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)) {
      try {
        await engine.transact(command);
        return;
      } catch (error) {
        if (!(error instanceof BatonError)) throw error;
        if (error.code === "stale_token") return logger.warn("the outcome of a step came too late", { error });
        if (error.code !== "unavailable" || this.#stopping) throw error;
        logger.warn("the outcome of a step could not be written; retrying", { error });
      }
      await pause(waitMs);
    }
  }
}

/** Errors with which the engine refuses a result and leaves the attempt open. */
const UNFIT: ReadonlySet<string> = new Set(["invalid_input", "limit_exceeded"]);

function nameOf({ task, token }: { readonly task: string; readonly token: number }): string {
  return `${task}/${token}`;
}
