import pLimit, { type LimitFunction } from "p-limit";
import type { Brief } from "../engine/claims.js";
import type { CommandPolicy } from "../engine/command-policy.js";
import type { Command } from "../engine/context.js";
import { BatonError } from "../engine/errors.js";
import {
  claimCommand,
  type CommandOffer,
  type CommandPlace,
  commandPlaces,
  heldCommands,
  noteAbsentRoots,
  retireExecutor,
  runsGone,
  unheardAttempts,
} from "../engine/executor.js";
import type { Settings } from "../engine/settings.js";
import { completeTask, failTask, releaseTask } from "../engine/tasks.js";
import type { Logger } from "../runtime/logger.js";
import { CommandAttempt, isDirectory } from "./command-attempt.js";
import { invalidOutput, type Report } from "./command-report.js";
import { removeOldOutput } from "./output-retention.js";

/** The database as the executor sees it: its transactions are its own agent's. */
export interface ExecutorHost {
  /** Each command given may safely run again after it committed. */
  transact<T>(command: Command<T>): Promise<T>;
  read<T>(query: Command<T>): Promise<T>;
  onWake(listener: () => void): () => void;
  /** In force now. */
  settings(): Settings;
  /** Milliseconds since the epoch, as files are dated. */
  now(): number;
}

export interface ExecutorParts {
  readonly host: ExecutorHost;
  /** Its handle; see `executorHandle`. */
  readonly agent: string;
  readonly policy: CommandPolicy;
  /** Absolute. Holds a directory per run, with a file per attempt; made with the first command. */
  readonly outputDirectory: string;
  readonly logger: Logger;
}

/** After a look, so that many commits in a row are one wake-up. */
const LOOK_PAUSE_MS = 20;
/** Claims that found only what had to be set aside, in one look. */
const AGAIN_MAX = 100;
/** Of a command, when the server stops: it has a second in all. */
const STOP_GRACE_MS = 250;
/** Between two looks for output that nobody needs any more. */
const TIDY_EVERY_MS = 3_600_000;
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5_000;

/**
 * The server's own hands: takes command steps of every project whose root is on this machine, runs as many at once as is
 * configured, and reports how they ended. One look, after every commit that anybody makes, finds both what to start and
 * what to end: a read each, and nothing is asked while nothing changes.
 */
export class CommandExecutor {
  readonly #parts: ExecutorParts;
  readonly #limit: LimitFunction;
  readonly #running = new Map<CommandAttempt, Promise<void>>();
  /** Projects with work whose root is not on this machine, as the others have been told. */
  #absent: ReadonlySet<string> = new Set();
  /** The project that was served last: the next look begins behind it. */
  #served = "";
  #stopListening: (() => void) | undefined;
  #stirred = false;
  #looking: Promise<void> | undefined;
  #stopping = false;
  #claimed = false;
  #tidyAt = 0;

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
    this.#limit = pLimit(parts.host.settings().max_concurrent_commands);
  }

  start(): void {
    this.#stopListening = this.#parts.host.onWake(() => this.look());
    this.look();
  }

  /** Looks for what to start and what to end, now or once the look under way is over. */
  look(): void {
    if (this.#stopping) return;
    this.#stirred = true;
    this.#looking ??= this.#lookWhileStirred().finally(() => (this.#looking = undefined));
  }

  /** Removes the output of runs that are gone, every hour; to be called more often. */
  async tidy(): Promise<void> {
    const { host, outputDirectory: directory } = this.#parts;
    const now = performance.now();
    if (now < this.#tidyAt) return;
    this.#tidyAt = now + TIDY_EVERY_MS;
    const before = host.now() - host.settings().retention_ms;
    await removeOldOutput({ directory, before, gone: (runs) => host.read(() => runsGone(runs)) });
  }

  /** Ends all commands and gives their tasks back, unharmed. Settles when no process of a command is left. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stopListening?.();
    this.#stopAll();
    await this.#looking;
    // What was being claimed in that moment.
    this.#stopAll();
    await Promise.all(this.#running.values());
    if (!this.#claimed) return;
    const { host, agent } = this.#parts;
    while ((await host.transact((ctx) => retireExecutor(ctx, agent))).returned !== undefined) {
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
        this.#parts.logger.warn("looking for commands failed", { error });
      }
      if (!this.#stopping) await pause(LOOK_PAUSE_MS);
    }
  }

  /** Ends what was cancelled or is another's by now, and gives back what it does not know that it holds. */
  async #watchHeld(): Promise<void> {
    const { host } = this.#parts;
    const known = new Map([...this.#running.keys()].map((attempt) => [nameOf(attempt), attempt]));
    if (known.size === 0 && !this.#claimed) return;
    const held = new Map(
      (await host.read(() => heldCommands(this.#offer()))).map((task) => [
        nameOf({ task: task.id, token: task.token }),
        task,
      ]),
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
    const { host } = this.#parts;
    this.#limit.concurrency = host.settings().max_concurrent_commands;
    if (!this.#hasRoom()) return;
    const places = await this.#presentPlaces(await host.read(() => commandPlaces(this.#offer())));
    const later = places.findIndex(({ project }) => project > this.#served);
    const turns = later < 0 ? places : [...places.slice(later), ...places.slice(0, later)];
    // In turn, so that a project with much to do leaves room for the others.
    for (let again = 0; turns.length > 0 && again < AGAIN_MAX && this.#hasRoom();) {
      const place = turns.shift();
      if (place === undefined) return;
      this.#claimed = true;
      const claim = await host.transact((ctx) => claimCommand(ctx, this.#offer(), place.project));
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

  #hasRoom(): boolean {
    const { activeCount, pendingCount, concurrency } = this.#limit;
    return !this.#stopping && activeCount + pendingCount < concurrency;
  }

  #offer(): CommandOffer {
    const { agent, policy } = this.#parts;
    return { agent, policy, concurrency: this.#limit.concurrency };
  }

  /** Without the projects whose root is not here: their tasks stay ready, for a machine that has it. */
  async #presentPlaces(places: readonly CommandPlace[]): Promise<CommandPlace[]> {
    const here = await Promise.all(places.map(async ({ root }) => root === null || (await isDirectory(root))));
    const absent = places.filter((_, at) => here[at] !== true).map(({ project }) => project);
    if (absent.length !== this.#absent.size || absent.some((project) => !this.#absent.has(project))) {
      await this.#parts.host.transact((ctx) => noteAbsentRoots(ctx, absent));
      this.#absent = new Set(absent);
    }
    return places.filter((_, at) => here[at] === true);
  }

  #begin(brief: Brief, { root }: CommandPlace): void {
    const { host, outputDirectory } = this.#parts;
    const attempt = new CommandAttempt(brief, {
      root,
      outputDirectory,
      resultBytesMax: host.settings().payload_bytes_max,
      unheardAttempts: () => host.read(() => unheardAttempts(brief.task.id)),
    });
    const serving = this.#limit(() => this.#serve(attempt)).finally(() => {
      this.#running.delete(attempt);
      this.look();
    });
    this.#running.set(attempt, serving);
  }

  /** Never rejects: a task must not stay with an executor that has lost its thread. */
  async #serve(attempt: CommandAttempt): Promise<void> {
    const { logger } = this.#parts;
    const facts = { task: attempt.task, token: attempt.token };
    try {
      const report = await attempt.run();
      if (report !== undefined) await this.#report(attempt, report);
      else logger.warn("a command was ended and its outcome dropped: its task is no longer held", facts);
    } catch (error) {
      logger.error("a command could not be carried out", { ...facts, error });
      const message = error instanceof Error ? error.message : String(error);
      await this.#report(attempt, { kind: "fail", error: { type: "executor_error", message } }).catch(
        (again: unknown) => logger.error("and its task could not be given back", { ...facts, error: again }),
      );
    }
  }

  async #report(attempt: CommandAttempt, report: Report): Promise<void> {
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
          return this.#report(attempt, invalidOutput(error.message, report.facts));
        }
    }
  }

  /** Writes what has happened, as often as it takes. What comes too late changes nothing and is dropped. */
  async #say(command: Command<unknown>): Promise<void> {
    const { host, logger } = this.#parts;
    for (let waitMs = RETRY_MS_MIN; ; waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)) {
      try {
        await host.transact(command);
        return;
      } catch (error) {
        if (!(error instanceof BatonError)) throw error;
        if (error.code === "stale_token") return logger.warn("the outcome of a command came too late", { error });
        if (error.code !== "unavailable" || this.#stopping) throw error;
        logger.warn("the outcome of a command could not be written; it is tried again", { error });
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
