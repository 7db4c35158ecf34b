import type { ChildProcess } from "node:child_process";
import { minimalEnvironment } from "./environment.js";
import { TIMER_MS_MAX } from "./limit.js";
import { withoutOutput } from "./output.js";
import { heldTo } from "./processors.js";
import { shellOf } from "./shell.js";
import { KILL_WAIT_MS, ProcessTree } from "./process-tree.js";
import { compiledModule, spawnModule } from "./spawn.js";
import {
  type CommandResult,
  type FromRunner,
  RUNNER_PROTOCOL,
  type RunnerJob,
  type Shell,
  type ToRunner,
} from "./runner-protocol.js";

export type { CommandResult } from "./runner-protocol.js";

export interface CommandStart {
  /**
   * Names this execution among all that ever run on this host: the attempt's id. Every process of the command carries
   * it in its environment, so that `endCommand` finds them even when server and runner were killed together.
   */
  mark: string;
  /** The line for the shell. Text from agents and inputs belongs in `env`, never in here. */
  run: string;
  /** `sh` (default) is `/bin/sh -e -c`, with `-o pipefail` where that shell has it; `bash` is `bash -eo pipefail -c`. */
  shell?: Shell;
  /** Absolute, from `confinedDirectory`. */
  cwd: string;
  /** Added to the minimal environment; from `commandEnvironment`. */
  env: Readonly<Record<string, string>>;
  /** From the start of the command; then it is ended. */
  timeoutMs: number;
  /** Between SIGTERM and SIGKILL. Keep it below the grace after which another server takes the task over. Default 2 s. */
  graceMs?: number;
  /** Absolute; made with mode 0600 (its directory with 0700), and an error if it exists. Holds stdout and stderr. */
  outputFile: string;
  /** Default 32 MB. */
  outputBytesMax?: number;
  /** Default 2 KB. */
  tailBytes?: number;
  /** Memory of all its processes together from which it is ended, on Linux. Default: none. */
  memoryBytesMax?: number;
  /** The processors that it is held to, on Linux; none: to no other than this process. */
  processors?: readonly number[];
  /** Keeps so much of stdout apart from stderr. Default: nothing. */
  stdoutBytesMax?: number;
}

export interface RunningCommand {
  /** Never rejects: every way to end is an outcome. It settles when no process of the command is left. */
  readonly done: Promise<CommandResult>;
  /** The pid of the command's first process, which is also its process group; null when it could not be started. */
  readonly started: Promise<number | null>;
  /** Undefined when not even the runner could be started. */
  readonly runnerPid: number | undefined;
  /** Ends the command, within `graceMs` instead of its own grace where that is given. The first call counts; once it is `done` nothing happens. */
  cancel(reason: string, graceMs?: number): void;
}

export interface RunnerOptions {
  /** The compiled runner. Default: `compiledModule("runner")`. */
  file?: string;
  /** Time a runner may take beyond the times it was given before it counts as hung and is killed. Default 10 s. */
  marginMs?: number;
}

export const GRACE_MS = 2_000;
export const OUTPUT_BYTES_MAX = 32 * 1024 * 1024;
export const TAIL_BYTES = 2 * 1024;

const RUNNER_MARGIN_MS = 10_000;
const RUNNER_STDERR_CHARS = 2_000;

/**
 * Starts a command under a runner of its own. If this process ends in any way, `kill -9` included, the runner ends the
 * command; if the runner is killed, this process ends what it left; only both at once leave it to `endCommand`.
 */
export function startCommand(spec: CommandStart, options: RunnerOptions = {}): RunningCommand {
  const presets = { graceMs: GRACE_MS, outputBytesMax: OUTPUT_BYTES_MAX, tailBytes: TAIL_BYTES } as const;
  const { processors = [], ...rest } = spec;
  const job: RunnerJob = {
    ...presets,
    ...rest,
    shell: heldTo(processors, shellOf(spec.shell ?? "sh")),
    env: { ...minimalEnvironment(process.env), ...spec.env },
  };
  const child = spawnModule(options.file ?? compiledModule("runner"), ["ignore", "ignore", "pipe", "ipc"]);
  return supervise(child, job, options.marginMs ?? RUNNER_MARGIN_MS);
}

/**
 * Ends what a command has left on this host after its server and its runner were killed together; call it before its
 * task runs again. Answers the pids that could not be ended. Only Linux can find them; elsewhere nothing is done.
 */
export function endCommand(mark: string, graceMs: number = GRACE_MS): Promise<number[]> {
  return new ProcessTree(mark).end(graceMs);
}

function supervise(child: ChildProcess, job: RunnerJob, marginMs: number): RunningCommand {
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-RUNNER_STDERR_CHARS);
  });
  const startedAt = performance.now();
  // Time between the order to end and the runner's report, at most.
  const overtimeMs = job.graceMs + KILL_WAIT_MS + marginMs;
  const watchdog = new Watchdog(child, job.timeoutMs + overtimeMs);
  const started = new Latch<number | null>();
  const done = new Latch<CommandResult>();
  const finish = (result: CommandResult) => {
    watchdog.clear();
    started.set(null);
    done.set(result);
  };
  let tree = new ProcessTree(job.mark);
  child.on("message", (message: FromRunner) => {
    // Messages of the same protocol have the same shape: both ends are one package.
    if (message.protocol !== RUNNER_PROTOCOL) child.kill("SIGKILL");
    else if (message.kind === "ended") finish(message.result);
    else {
      tree = new ProcessTree(job.mark, message.pid);
      started.set(message.pid);
    }
  });
  child.once("error", (error) => finish(withoutOutput({ outcome: "not_started", error: error.message })));
  const endLost = async () => {
    // `exit` alone can overtake the last message, which has always come when the channel is closed too.
    await Promise.all([event(child, "exit"), event(child, "disconnect")]);
    if (done.isSet) return;
    const leftRunning = await tree.end(job.graceMs);
    const how = child.signalCode ?? `exit code ${child.exitCode}`;
    const error = `the runner ended without a report (${how})${stderr === "" ? "" : `: ${stderr.trim()}`}`;
    const durationMs = Math.round(performance.now() - startedAt);
    finish({ ...withoutOutput({ outcome: "lost", error }), truncated: true, durationMs, leftRunning });
  };
  void endLost();
  tell(child, { kind: "run", job });
  return {
    done: done.promise,
    started: started.promise,
    runnerPid: child.pid,
    cancel(reason, graceMs) {
      if (done.isSet) return;
      tell(child, { kind: "cancel", reason, ...(graceMs !== undefined && { graceMs }) });
      watchdog.shorten(overtimeMs);
    },
  };
}

function tell(child: ChildProcess, message: ToRunner): void {
  // A runner that cannot be told has ended or never begun, and `exit` or `error` says so.
  if (child.connected) child.send(message, () => {});
}

function event(child: ChildProcess, name: "exit" | "disconnect"): Promise<void> {
  return new Promise((resolve) => child.once(name, () => resolve()));
}

/** Kills a runner that is itself stuck, with the same result as a kill by another process. */
class Watchdog {
  readonly #child: ChildProcess;
  #timer: NodeJS.Timeout;
  #shortened = false;

  constructor(child: ChildProcess, ms: number) {
    this.#child = child;
    this.#timer = this.#arm(ms);
  }

  #arm(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#child.kill("SIGKILL"), Math.min(ms, TIMER_MS_MAX)).unref();
  }

  shorten(ms: number): void {
    if (this.#shortened) return;
    this.#shortened = true;
    this.clear();
    this.#timer = this.#arm(ms);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

/** A promise that is settled from outside, by the first call. */
class Latch<T> {
  isSet = false;
  #resolve: (value: T) => void = () => {};
  readonly promise = new Promise<T>((resolve) => (this.#resolve = resolve));

  set(value: T): void {
    this.isSet = true;
    this.#resolve(value);
  }
}
