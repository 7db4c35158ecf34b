import { stat } from "node:fs/promises";
import path from "node:path";
import type { Brief } from "../engine/claims.js";
import { BatonError } from "../engine/errors.js";
import type { Failure } from "../engine/tasks.js";
import { type Report, reportOf } from "./command-report.js";
import { confinedDirectory } from "./directory.js";
import { commandEnvironment } from "./environment.js";
import { type CommandSpec, endCommand, GRACE_MS, type RunningCommand, startCommand, TAIL_BYTES } from "./process.js";

/** Why an attempt is ended before its command has ended by itself. */
export type StopReason = "cancel_requested" | "lost" | "stopping";

export interface AttemptParts {
  /** Of the task's project; null when that has no files. */
  readonly root: string | null;
  /** Holds one directory per run, with a file per attempt. */
  readonly outputDirectory: string;
  /** The largest result that a task may have, in bytes. */
  readonly resultBytesMax: number;
  /** Tokens of earlier attempts of which something may be left on this machine. */
  unheardAttempts(): Promise<readonly number[]>;
}

const STOPPED: Readonly<Record<StopReason, string>> = {
  cancel_requested: "it was asked to stop",
  lost: "another holds the task now",
  stopping: "the server that ran it stopped",
};

/** One attempt at a command step, from the claim to what there is to report. */
export class CommandAttempt {
  readonly brief: Brief;
  readonly #parts: AttemptParts;
  readonly #claimedAt = performance.now();
  #command: RunningCommand | undefined;
  #stopped: StopReason | undefined;

  constructor(brief: Brief, parts: AttemptParts) {
    this.brief = brief;
    this.#parts = parts;
  }

  get task(): string {
    return this.brief.task.id;
  }

  get token(): number {
    return this.brief.task.token;
  }

  get stopped(): StopReason | undefined {
    return this.#stopped;
  }

  /** Ends the command, or keeps it from starting. The first reason counts. */
  stop(reason: StopReason, graceMs?: number): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    this.#command?.cancel(STOPPED[reason], graceMs);
  }

  /**
   * Runs the command and says how it ended; undefined when nobody wants to know, because the task is another's. When this
   * settles, no process of the command is left.
   */
  async run(): Promise<Report | undefined> {
    const report = await this.#execute();
    if (this.#stopped === "lost") return undefined;
    // What ended by itself in the same moment has ended so.
    const cutShort = report.kind === "fail" && report.error.type === "cancelled";
    return this.#stopped === "stopping" && cutShort ? { kind: "release", note: STOPPED.stopping } : report;
  }

  async #execute(): Promise<Report> {
    const { root } = this.#parts;
    if (root === null) {
      return refused("no_root", "the project has no root directory: commands run only in projects that have one");
    }
    if (!(await isDirectory(root))) return { kind: "release", note: `the project root ${root} is no directory` };
    await this.#endLeftovers();
    let spec: CommandSpec;
    const bound = this.#timeout();
    try {
      spec = await this.#spec(root, bound.ms);
    } catch (error) {
      if (error instanceof BatonError) return refused("not_started", error.message);
      throw error;
    }
    if (this.#stopped !== undefined) return refused("cancelled", STOPPED[this.#stopped]);
    this.#command = startCommand(spec);
    const ownResult = this.brief.spec.output !== undefined;
    return reportOf(await this.#command.done, { outputFile: spec.outputFile, timeout: bound.error, ownResult });
  }

  /** What an earlier attempt left on this machine, its server and its runner killed together, must not run beside this one. */
  async #endLeftovers(): Promise<void> {
    if (this.brief.task.attempt <= 1) return;
    const tokens = await this.#parts.unheardAttempts();
    await Promise.all(tokens.map((token) => endCommand(markOf(this.task, token))));
  }

  async #spec(root: string, timeoutMs: number): Promise<CommandSpec> {
    const { task, spec, run } = this.brief;
    const { command } = spec;
    if (command === undefined) throw new BatonError("invalid_input", "the step has no command line");
    const ownEnvironment = {
      BATON_RUN: run.id,
      BATON_TASK: task.id,
      BATON_ATTEMPT: String(task.attempt),
      BATON_PROJECT_ROOT: root,
    };
    return {
      mark: markOf(task.id, task.token),
      run: command.run,
      shell: command.shell === "bash" ? "bash" : "sh",
      cwd: await confinedDirectory(root, command.cwd),
      env: {
        ...commandEnvironment(command.env ?? {}, { ...run.inputs, ...spec.inputs }),
        ...command.values,
        ...ownEnvironment,
      },
      timeoutMs,
      outputFile: path.join(this.#parts.outputDirectory, run.id, `${task.id}-${task.attempt}.log`),
      // A result of its own is read from the tail, whole.
      tailBytes: spec.output === undefined ? TAIL_BYTES : this.#parts.resultBytesMax,
    };
  }

  /** The timeout that comes first, ended early enough for its report to arrive before the tick takes the task away. */
  #timeout(): { ms: number; error: Failure["error"] } {
    const { task, spec } = this.brief;
    const toStart = spec.timeouts.start_to_close;
    const toClose = task.closeBy === null || task.startedAt === null ? Infinity : task.closeBy - task.startedAt;
    const kind = toClose < toStart ? "schedule_to_close" : "start_to_close";
    const limitMs = Math.min(toStart, toClose);
    const leftMs = Math.max(0, limitMs - (performance.now() - this.#claimedAt));
    return {
      ms: Math.round(leftMs - Math.min(GRACE_MS + REPORT_MS, leftMs / 10)),
      error: {
        type: `timeout:${kind}`,
        message: `the ${kind} timeout of ${spec.timeouts[kind] ?? limitMs} ms has passed`,
      },
    };
  }
}

/** For the report to be written, after the command has been ended. */
const REPORT_MS = 500;

function markOf(task: string, token: number): string {
  return `${task}-${token}`;
}

function refused(type: string, message: string): Report {
  return { kind: "fail", error: { type, message }, retryable: false };
}

/** False for a directory that is not there or cannot be reached. */
export async function isDirectory(directory: string): Promise<boolean> {
  try {
    return (await stat(directory)).isDirectory();
  } catch (error) {
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}
