import pLimit, { type LimitFunction } from "p-limit";
import type { Brief } from "../../engine/claims/claims.js";
import type { Command } from "../../engine/context.js";
import type { ExecutedKind } from "../../engine/scheduling/demands.js";
import { BatonError } from "../../base/errors.js";
import {
  claimWork,
  type ExecutorOffer,
  heldWork,
  noteAbsentRoots,
  retireExecutor,
  type ProjectWork,
  findProjectWork,
} from "../../engine/presence/executor.js";
import type { Engine } from "../../engine/engine.js";
import { completeTask, failTask, releaseTask } from "../../engine/tasks/tasks.js";
import type { Logger } from "../../runtime/logger.js";
import { type RunningAttempt, type Report, unfitReason } from "./attempt.js";

/** One kind of step that an executor carries out. */
export interface Work {
  readonly kind: ExecutedKind;
  /** How many attempts at once, as configured now. */
  readonly concurrency: number;
  /** Whether it may: asked about a command line, or `server/tool`. */
  carriesOut(what: string): boolean;
  /** Whether a place has what this work needs there. */
  isPossibleAt(place: ProjectWork): Promise<boolean>;
  attempt(brief: Brief, place: ProjectWork): RunningAttempt;
  /** Upkeep that is due now and then. */
  tidy(): Promise<void>;
  /** Ends what outlives its attempts, within `graceMs`. */
  close(graceMs: number): Promise<void>;
}

export interface ExecutorParts {
  /** Bound to the executor's own agent; each command may safely run again after it committed. */
  readonly engine: Engine;
  /** Its handle; see `executorHandle`. */
  readonly agent: string;
  readonly works: readonly Work[];
  readonly logger: Logger;
}

/** After a look, so that many commits in a row are one wake-up. */
const LOOK_PAUSE_MS = 20;
/** Claims that found only what had to be set aside, in one look. */
const AGAIN_MAX = 100;
/** Grace of running attempts when the server stops: it has a second in all. */
const STOP_GRACE_MS = 250;
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5_000;

/** A kind of work, and the attempts at it. */
interface Bench {
  readonly work: Work;
  readonly limit: LimitFunction;
}

/**
 * The server's own executor: takes command and tool steps of every project, as far as this process may, runs as many at
 * once as is configured, and reports how they ended. One poll, after every commit of any process, finds the steps to
 * start and to end: a read each, and none while nothing changes.
 */
export class Executor {
  readonly #parts: ExecutorParts;
  readonly #benches: readonly Bench[];
  readonly #running = new Map<RunningAttempt, Promise<void>>();
  /** Projects with commands whose root is not on this machine, as the others have been told. */
  #absent: ReadonlySet<string> = new Set();
  /** The project that was served last: the next look begins behind it. */
  #served = "";
  #stopListening: (() => void) | undefined;
  #stirred = false;
  #looking: Promise<void> | undefined;
  #stopping = false;
  #claimed = false;

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
    this.#benches = parts.works.map((work) => ({ work, limit: pLimit(work.concurrency) }));
  }

  start(): void {
    this.#stopListening = this.#parts.engine.onWake(() => this.look());
    this.look();
  }

  /** Looks for what to start and what to end, now or once the look under way is over. */
  look(): void {
    if (this.#stopping) return;
    this.#stirred = true;
    this.#looking ??= this.#lookWhileStirred().finally(() => (this.#looking = undefined));
  }

  /** Upkeep of every kind of work; to be called often. */
  async tidy(): Promise<void> {
    await Promise.all(this.#parts.works.map((work) => work.tidy()));
  }

  /** Ends all that is under way and gives its tasks back, unharmed. Settles when no process of it is left. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stopListening?.();
    this.#stopAll();
    await this.#looking;
    // Attempts that were being claimed in that moment are stopped too.
    this.#stopAll();
    await Promise.all(this.#running.values());
    await Promise.all([this.#retire(), ...this.#parts.works.map((work) => work.close(STOP_GRACE_MS))]);
  }

  async #retire(): Promise<void> {
    if (!this.#claimed) return;
    const { engine, agent } = this.#parts;
    while ((await engine.transact((ctx) => retireExecutor(ctx, agent))).returned !== undefined) {
      // Each task goes back in a transaction of its own.
    }
  }

  #stopAll(): void {
    for (const attempt of this.#running.keys()) attempt.stop("stopping", STOP_GRACE_MS);
  }

  async #lookWhileStirred(): Promise<void> {
    while (this.#stirred && !this.#stopping) {
      this.#stirred = false;
      try {
        await this.#watchHeld();
        await this.#takeWork();
      } catch (error) {
        // The next commit or beat stirs it again.
        this.#parts.logger.warn("looking for work failed", { error });
      }
      if (!this.#stopping) await pause(LOOK_PAUSE_MS);
    }
  }

  /** Ends what was cancelled or is another's by now, and gives back what it does not know that it holds. */
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
      // The answer to its claim was lost with the connection.
      await this.#say((ctx) => releaseTask(ctx, { task: id, token, note: "its claim was not heard of" }));
    }
  }

  async #takeWork(): Promise<void> {
    const { engine } = this.#parts;
    for (const { work, limit } of this.#benches) limit.concurrency = work.concurrency;
    if (this.#free().length === 0) return;
    const places = await this.#possible(await engine.read(() => findProjectWork(this.#offer(this.#benches))));
    const later = places.findIndex(({ project }) => project > this.#served);
    const turns = later < 0 ? places : [...places.slice(later), ...places.slice(0, later)];
    // In turn, so that a project with much to do leaves room for the others.
    for (let again = 0; turns.length > 0 && again < AGAIN_MAX;) {
      const place = turns.shift();
      const free = this.#free().filter(({ work }) => place?.kinds.has(work.kind));
      if (place === undefined || free.length === 0) continue;
      this.#claimed = true;
      const claim = await engine.transact((ctx) => claimWork(ctx, this.#offer(free), place.project));
      if (claim.outcome === "none") continue;
      turns.push(place);
      if (claim.outcome === "again") {
        again += 1;
      } else {
        this.#served = place.project;
        this.#begin(claim.brief, place);
      }
    }
  }

  /** Returns the handlers that have capacity for one more. */
  #free(): Bench[] {
    if (this.#stopping) return [];
    return this.#benches.filter(({ limit }) => limit.activeCount + limit.pendingCount < limit.concurrency);
  }

  #offer(benches: readonly Bench[]): ExecutorOffer {
    return {
      agent: this.#parts.agent,
      concurrency: this.#benches.reduce((sum, { limit }) => sum + limit.concurrency, 0),
      carriesOut: (kind, what) => benches.some(({ work }) => work.kind === kind && work.carriesOut(what)),
    };
  }

  /** Without what cannot be done here, as commands whose root is not on this machine: such tasks stay ready, for one that has it. */
  async #possible(places: readonly ProjectWork[]): Promise<ProjectWork[]> {
    const possible: ProjectWork[] = [];
    const absent: string[] = [];
    for (const place of places) {
      const here = await Promise.all(
        this.#benches.map(async ({ work }) => place.kinds.has(work.kind) && (await work.isPossibleAt(place))),
      );
      const kinds = new Set(this.#benches.filter((_, at) => here[at]).map(({ work }) => work.kind));
      if (kinds.size < place.kinds.size) absent.push(place.project);
      if (kinds.size > 0) possible.push({ ...place, kinds });
    }
    if (absent.length !== this.#absent.size || absent.some((project) => !this.#absent.has(project))) {
      await this.#parts.engine.transact((ctx) => noteAbsentRoots(ctx, absent));
      this.#absent = new Set(absent);
    }
    return possible;
  }

  #begin(brief: Brief, place: ProjectWork): void {
    const bench = this.#benches.find(({ work }) => work.kind === brief.task.kind);
    if (bench === undefined) throw new Error(`a task of the kind ${brief.task.kind} was claimed, which nobody offered`);
    const attempt = bench.work.attempt(brief, place);
    const serving = bench
      .limit(() => this.#serve(attempt))
      .finally(() => {
        this.#running.delete(attempt);
        this.look();
      });
    this.#running.set(attempt, serving);
  }

  /** Never rejects: a task must not stay with an executor that has lost its thread. */
  async #serve(attempt: RunningAttempt): Promise<void> {
    const { logger } = this.#parts;
    const facts = { task: attempt.task, token: attempt.token };
    try {
      const report = await attempt.run();
      if (report !== undefined) await this.#report(attempt, report);
      else logger.warn("an attempt was ended and its outcome dropped: its task is no longer held", facts);
    } catch (error) {
      logger.error("a step could not be carried out", { ...facts, error });
      const message = error instanceof Error ? error.message : String(error);
      await this.#report(attempt, { kind: "fail", error: { type: "executor_error", message } }).catch(
        (again: unknown) => logger.error("and its task could not be given back", { ...facts, error: again }),
      );
    }
  }

  async #report(attempt: RunningAttempt, report: Report): Promise<void> {
    const { task, token } = attempt;
    switch (report.kind) {
      case "release":
        return this.#say((ctx) => releaseTask(ctx, { task, token, note: report.note }));
      case "fail": {
        const { error, partial, retryable } = report;
        return this.#say((ctx) => failTask(ctx, { task, token, error, partial_result: partial, retryable }));
      }
      case "complete":
        try {
          return await this.#say((ctx) => completeTask(ctx, { task, token, result: report.result, note: report.note }));
        } catch (error) {
          if (!(error instanceof BatonError) || !UNFIT.has(error.code)) throw error;
          return this.#report(attempt, report.unfit(unfitReason(error)));
        }
    }
  }

  /** Writes what has happened, as often as it takes. What comes too late changes nothing and is dropped. */
  async #say(command: Command<unknown>): Promise<void> {
    const { engine, logger } = this.#parts;
    for (let waitMs = RETRY_MS_MIN; ; waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)) {
      try {
        await engine.transact(command);
        return;
      } catch (error) {
        if (!(error instanceof BatonError)) throw error;
        if (error.code === "stale_token") return logger.warn("the outcome of a step came too late", { error });
        if (error.code !== "unavailable" || this.#stopping) throw error;
        logger.warn("the outcome of a step could not be written; it is tried again", { error });
      }
      await pause(waitMs);
    }
  }
}

/** With these the engine refuses a result and leaves the attempt as it is. */
const UNFIT: ReadonlySet<string> = new Set(["invalid_input", "limit_exceeded"]);

function nameOf({ task, token }: { readonly task: string; readonly token: number }): string {
  return `${task}/${token}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
