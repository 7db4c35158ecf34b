import { readFile, realpath, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Brief } from "../../engine/claims/brief.js";
import { BatonError, unlessCode } from "../../base/errors.js";
import { RunningAttempt, refused, type Report } from "../loop/attempt.js";
import { liesWithin } from "../../base/directories.js";
import { WAYS_TO_A_ROOT } from "../../engine/policy/command-place.js";
import { ofMachine } from "../../engine/resources/machine.js";
import { commandLine, lineAllowed, shellText } from "../../engine/policy/command-policy.js";
import type { CommandPolicy } from "../../base/executor-policy.js";
import { type TestReport, testReportIn } from "./test-report.js";
import { reportOf } from "./report.js";
import type { Processors } from "../processes/processors.js";
import { confinedDirectory } from "../processes/directory.js";
import { commandEnvironment } from "../processes/environment.js";
import {
  type CommandResult,
  type CommandStart,
  endCommand,
  type RunningCommand,
  startCommand,
} from "../processes/process.js";

export interface AttemptParts {
  /** Root of the task's project; null for a project without files. */
  readonly root: string | null;
  readonly policy: CommandPolicy;
  /** Holds one directory per run, with a file per attempt. */
  readonly outputDirectory: string;
  /** The largest result that a task may have, in bytes. */
  readonly resultBytesMax: number;
  readonly processors: Processors;
  /** Tokens of earlier attempts of which something may be left on this machine. */
  unheardAttempts(): Promise<readonly number[]>;
}

/** One attempt at a command step. When it has ended, no process of the command is left. */
export class CommandAttempt extends RunningAttempt {
  readonly #parts: AttemptParts;
  #command: RunningCommand | undefined;

  constructor(brief: Brief, parts: AttemptParts) {
    super(brief);
    this.#parts = parts;
  }

  protected interrupt(why: string, graceMs?: number): void {
    this.#command?.cancel(why, graceMs);
  }

  protected async execute(): Promise<Report> {
    const { root } = this.#parts;
    if (root === null) {
      return refused(
        "no_root",
        `its project has no root directory, which commands need, and a run cannot move: ${WAYS_TO_A_ROOT}, and start a new run`,
      );
    }
    if (!(await isDirectory(root)))
      return {
        kind: "release",
        note: `the project root ${root} is not a directory (where it has moved, say so: update_project with root)`,
        begun: false,
      };
    await this.#endLeftovers();
    let spec: CommandStart;
    const limit = this.timeLimit();
    try {
      spec = await this.#spec(root, limit.ms);
    } catch (error) {
      if (error instanceof BatonError) return refused("not_started", error.message);
      throw error;
    }
    if (this.stoppedBecause !== undefined) return refused("cancelled", this.stoppedBecause);
    this.markBegun();
    const { output, resources } = this.brief.spec;
    const cores = Math.ceil(reserved(resources, { name: "cpu", unit: "cores" }) ?? Infinity);
    const { processors, giveBack } = this.#parts.processors.take(cores);
    let result: CommandResult;
    try {
      this.#command = startCommand({ ...spec, processors });
      result = await this.#command.done;
    } finally {
      giveBack();
    }
    const tests = await testReportOf(spec.outputFile);
    return reportOf(result, { outputFile: spec.outputFile, timeout: limit.report, output, tests });
  }

  /** Processes that an earlier attempt left on this machine, its server and its runner killed together, must not run beside this one. */
  async #endLeftovers(): Promise<void> {
    if (this.brief.task.attempt <= 1) return;
    const tokens = await this.#parts.unheardAttempts();
    await Promise.all(tokens.map((token) => endCommand(markOf(this.task, token))));
  }

  async #spec(root: string, timeoutMs: number): Promise<CommandStart> {
    const { task, spec, run } = this.brief;
    const { command } = spec;
    if (command === undefined) throw new BatonError("invalid_input", "the step has no command line");
    await requireAllowed(this.#parts.policy, { line: commandLine(command.run, command.env), root });
    const memory = reserved(spec.resources, { name: "memory", unit: "gb" });
    const ownEnvironment = {
      BATON_RUN: run.id,
      BATON_TASK: task.id,
      BATON_ATTEMPT: String(task.attempt),
      BATON_PROJECT_ROOT: root,
    };
    return {
      mark: markOf(task.id, task.token),
      run: shellText(command.run),
      shell: command.shell === "bash" ? "bash" : "sh",
      cwd: await confinedDirectory(root, command.cwd),
      env: {
        ...commandEnvironment(command.env ?? {}, { ...run.inputs, ...spec.inputs }),
        ...command.values,
        ...ownEnvironment,
      },
      timeoutMs,
      ...(memory !== undefined && { memoryBytesMax: memory * GIB }),
      outputFile: path.join(this.#parts.outputDirectory, run.id, `${task.id}-${task.attempt}.log`),
      ...(spec.output !== undefined && { stdoutBytesMax: this.#parts.resultBytesMax }),
    };
  }
}

const GIB = 2 ** 30;

/** The amount that a step reserves of this machine, under either name; undefined where it names none. */
function reserved(
  resources: NonNullable<Brief["spec"]["resources"]> = {},
  { name, unit }: { readonly name: string; readonly unit: string },
): number | undefined {
  const own = ofMachine(name, os.hostname());
  const amounts = Object.entries(resources).flatMap(([id, { [unit]: amount }]) =>
    amount !== undefined && (id === name || id === own) ? [amount] : [],
  );
  return amounts.length === 0 ? undefined : amounts.reduce((sum, amount) => sum + amount, 0);
}

/**
 * Judges what is about to be started itself, not the demand by which it was claimed, and where the root really is. Errors:
 * `not_permitted`.
 */
async function requireAllowed(policy: CommandPolicy, command: { line: string; root: string }): Promise<void> {
  if (!lineAllowed(policy, command))
    throw new BatonError("not_permitted", `this server is not allowed to run ${JSON.stringify(command.line)}`);
  const real = await realpath(command.root);
  if (policy.roots?.some((directory) => liesWithin(directory, real)) === false)
    throw new BatonError(
      "not_permitted",
      `the project root is ${real}, outside the directories this server may run commands in`,
    );
}

const REPORT_BYTES_MAX = 8 * 1024 * 1024;

/** The report of tests in a command's output; undefined where there is none, or more output than a report has. */
async function testReportOf(outputFile: string): Promise<TestReport | undefined> {
  const size = (await unlessCode(stat(outputFile), "ENOENT"))?.size ?? 0;
  return size === 0 || size > REPORT_BYTES_MAX ? undefined : testReportIn(await readFile(outputFile, "utf8"));
}

function markOf(task: string, token: number): string {
  return `${task}-${token}`;
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
