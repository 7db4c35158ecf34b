import type { Brief } from "../../engine/claims/brief.js";
import type { FailRequest } from "../../engine/tasks/tasks.js";
import type { Usage } from "../../engine/usage/usage.js";
import { listed } from "../../engine/steps/output.js";
import type { BatonError } from "../../base/errors.js";
import { pathText, type Problem } from "../../base/problems.js";
import { flawsOf, storableText } from "../../base/texts/stored-values.js";

/** Why an attempt is ended before it has ended by itself. */
export type StopReason = "cancel_requested" | "lost" | "stopping";

const STOPPED: Readonly<Record<StopReason, string>> = {
  cancel_requested: "it was asked to stop",
  lost: "another holds the task now",
  stopping: "the server that ran it stopped",
};

/** The report of an ended attempt to the engine. */
export type Report =
  | {
      readonly kind: "complete";
      readonly result: unknown;
      readonly note?: string;
      readonly usage?: Usage | undefined;
      /** Returns the report for a result that the engine refuses, for its form or its size. */
      unfit(message: string): Report;
    }
  | {
      readonly kind: "fail";
      readonly error: FailRequest["error"];
      readonly partial?: unknown;
      readonly retryable?: false;
      readonly usage?: Usage | undefined;
    }
  /** `begun`: the step may have been carried out. */
  | { readonly kind: "release"; readonly note: string; readonly begun: boolean };

/** Returns the reason to record for a refused result, from the details of the error: its message speaks to the task's holder. */
export function unfitReason({ message, details = {} }: BatonError): string {
  const { problems, bytes, max, output } = details;
  // The engine's own list, as it checked the result.
  if (Array.isArray(problems)) {
    const said = listed(problems as Problem[]);
    return output === undefined
      ? `the result cannot be stored: ${said}`
      : `the result is not what the step's output schema asks: ${said}`;
  }
  return bytes === undefined ? message : `the result has ${Number(bytes)} bytes; at most ${Number(max)} fit`;
}

/** How long an attempt may take, and the report of one that takes longer. */
export interface TimeLimit {
  readonly ms: number;
  readonly report: Failure;
}

type Failure = Extract<Report, { kind: "fail" }>;

/** A failure as the store can keep it: what a command or another server said in it may hold anything. */
export function storableFailure(failure: Failure, bytesMax: number): Failure {
  const { error, partial } = failure;
  const [flaw] = flawsOf(partial, bytesMax);
  const said = { type: storableText(error.type), message: storableText(error.message) };
  if (flaw === undefined) return { ...failure, error: { ...error, ...said } };
  const place = pathText(flaw.path);
  const kept = { not_kept: `the partial result ${storableText(place)}${place === "" ? "" : " "}${flaw.message}` };
  return { ...failure, error: { ...error, ...said }, partial: kept };
}

/** A failure that no further try would mend. */
export function refused(type: string, message: string): Report {
  return { kind: "fail", error: { type, message }, retryable: false };
}

/** One attempt of the server's own executor at a task, from the claim to what there is to report. */
export abstract class RunningAttempt {
  readonly brief: Brief;
  readonly #claimedAt = performance.now();
  #stopped: StopReason | undefined;
  #begun = false;

  constructor(brief: Brief) {
    this.brief = brief;
  }

  get task(): string {
    return this.brief.task.id;
  }

  get token(): number {
    return this.brief.task.token;
  }

  /** Ends it, or keeps it from starting. The first reason counts. */
  stop(reason: StopReason, graceMs?: number): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    this.interrupt(STOPPED[reason], graceMs);
  }

  /**
   * Runs the attempt and reports how it ended; undefined when the task belongs to another holder by then. When this
   * settles, nothing of the attempt is running.
   */
  async run(): Promise<Report | undefined> {
    const report = await this.execute();
    if (this.#stopped === "lost") return undefined;
    // An attempt that ended by itself in the same moment has ended so.
    const cutShort = report.kind === "fail" && report.error.type === "cancelled";
    return this.#stopped === "stopping" && cutShort
      ? { kind: "release", note: STOPPED.stopping, begun: this.#begun }
      : report;
  }

  /** From now on the step may have been carried out, however the attempt ends. */
  protected markBegun(): void {
    this.#begun = true;
  }

  /** Why it was told to end, if it was. */
  protected get stoppedBecause(): string | undefined {
    return this.#stopped && STOPPED[this.#stopped];
  }

  protected abstract execute(): Promise<Report>;

  /** Ends what `execute` has under way: its report is then a failure of type `cancelled`. */
  protected abstract interrupt(why: string, graceMs?: number): void;

  /** The timeout that comes first. After that of all attempts together there is no other. */
  protected timeLimit(): TimeLimit {
    const { task, spec } = this.brief;
    const toStart = spec.timeouts.start_to_close;
    const toClose = task.closeBy === null || task.startedAt === null ? Infinity : task.closeBy - task.startedAt;
    const kind = toClose < toStart ? "schedule_to_close" : "start_to_close";
    const limitMs = Math.min(toStart, toClose);
    const leftMs = Math.max(0, limitMs - (performance.now() - this.#claimedAt));
    return {
      ms: Math.round(leftMs),
      report: {
        kind: "fail",
        error: {
          type: `timeout:${kind}`,
          message: `the ${kind} timeout of ${spec.timeouts[kind] ?? limitMs} ms has passed`,
        },
        ...(kind === "schedule_to_close" ? { retryable: false } : {}),
      },
    };
  }
}
