import type { Brief } from "../../engine/claims/brief.js";
import type { Engine } from "../../engine/engine.js";
import { lineAllowed } from "../../engine/policy/command-policy.js";
import type { CommandPolicy } from "../../base/executor-policy.js";
import { runsGone, unheardAttempts, type RunWork } from "../../engine/presence/executor.js";
import type { RunningAttempt } from "../loop/attempt.js";
import { CommandAttempt, isDirectory } from "./attempt.js";
import type { StepHandler } from "../loop/executor.js";
import { Processors } from "../processes/processors.js";
import { removeOldOutput } from "./output-retention.js";

export interface CommandParts {
  readonly engine: Engine;
  readonly policy: CommandPolicy;
  /** Absolute. Holds a directory per run, with a file per attempt; made with the first command. */
  readonly outputDirectory: string;
}

/** Interval between two removals of output that is no longer needed. */
const TIDY_EVERY_MS = 3_600_000;

/** Command steps: run in the root of their project, where that is on this machine and the line is allowed. */
export class CommandHandler implements StepHandler {
  readonly kind = "command";
  readonly #parts: CommandParts;
  readonly #processors = new Processors();
  #tidyAt = 0;

  constructor(parts: CommandParts) {
    this.#parts = parts;
  }

  get concurrency(): number {
    return this.#parts.engine.settings().max_concurrent_commands;
  }

  carriesOut(line: string, root: string | null): boolean {
    return lineAllowed(this.#parts.policy, { line, root });
  }

  /** A project that has no root at all is told so by the attempt. */
  async isPossibleAt({ root }: RunWork): Promise<boolean> {
    return root === null || (await isDirectory(root));
  }

  attempt(brief: Brief, { root }: RunWork): RunningAttempt {
    const { engine, outputDirectory, policy } = this.#parts;
    return new CommandAttempt(brief, {
      root,
      policy,
      outputDirectory,
      processors: this.#processors,
      resultBytesMax: engine.settings().payload_bytes_max,
      unheardAttempts: () => engine.read(() => unheardAttempts(brief.task.id)),
    });
  }

  /** Removes the output of runs that are gone, every hour. */
  async tidy(): Promise<void> {
    const { engine, outputDirectory: directory } = this.#parts;
    const now = performance.now();
    if (now < this.#tidyAt) return;
    this.#tidyAt = now + TIDY_EVERY_MS;
    const before = engine.now() - engine.settings().retention_ms;
    await removeOldOutput({ directory, before, gone: (runs) => engine.read(() => runsGone(runs)) });
  }

  /** Nothing of a command outlives its attempt. */
  async close(): Promise<void> {}
}
