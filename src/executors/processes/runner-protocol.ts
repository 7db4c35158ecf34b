/**
 * Messages between the server and a runner over the runner's IPC channel. This file holds types and numbers only,
 * because the runner must start fast.
 */

/** Raised with every change of these messages: a package may be updated on disk under a server that keeps running. */
export const RUNNER_PROTOCOL = 6;

/** The variable that marks every process of a command, so that those which left its process group are still found. */
export const MARK_VARIABLE = "BATON_COMMAND_MARK";

/** Exit code of a runner or supervisor after an error of its own: EX_SOFTWARE of sysexits(3). */
export const EXIT_SOFTWARE = 70;

export type Shell = "sh" | "bash";

/** A command as the runner is given it: complete, with nothing left to look up. */
export interface RunnerJob {
  mark: string;
  run: string;
  /** Program and options in front of the line. */
  shell: readonly [program: string, ...args: string[]];
  /** Absolute. */
  cwd: string;
  /** All of the command's environment. */
  env: Record<string, string>;
  timeoutMs: number;
  /** Between SIGTERM and SIGKILL. */
  graceMs: number;
  /** Absolute; must not exist yet. */
  outputFile: string;
  outputBytesMax: number;
  tailBytes: number;
  /** Memory of all its processes together from which it is ended. */
  memoryBytesMax?: number;
  /** Keeps so much of stdout apart. Its order beside stderr in the file is then only roughly that of writing. */
  stdoutBytesMax?: number;
}

/** How a command ended. `timed_out`, `over_memory` and `cancelled` say why it was ended, whatever it then answered to the signal. */
export type CommandOutcome =
  | { outcome: "exited"; code: number }
  | { outcome: "signalled"; signal: string }
  | { outcome: "timed_out" }
  | { outcome: "over_memory"; bytes: number }
  | { outcome: "cancelled"; reason: string }
  | { outcome: "not_started"; error: string }
  /** The runner ended without a report; what was left of the command was ended by the server. */
  | { outcome: "lost"; error: string };

export interface StdoutFacts {
  text: string;
  bytes: number;
  /** The line, of the bytes kept, in which the first byte stands that is no part of a character in UTF-8. */
  badLine?: number;
}

export interface CommandFacts {
  /** The end of stdout and stderr in the order written: at most `tailBytes` of UTF-8, without control sequences. */
  tail: string;
  /** Stdout by itself where it was asked for: its last bytes as they are, and how many there were. */
  stdout?: StdoutFacts;
  /** All bytes the command wrote, kept or not. */
  outputBytes: number;
  /** The output file lacks some of them. */
  truncated: boolean;
  /** Why the output file could not be written to its end, as when the disk is full. */
  outputError?: string;
  /** From start to exit, by a monotonic clock. */
  durationMs: number;
  /** On Linux: the most memory that all its processes had together, as far as it was seen. */
  memoryBytes?: number;
  /** On Linux: processor time of its processes, but of those that none of them waited for. */
  cpuMs?: number;
  /** Processes that even SIGKILL did not end: in an uninterruptible wait, or another user's. Normally empty. */
  leftRunning: number[];
}

export type CommandResult = CommandOutcome & CommandFacts;

/** `graceMs` of a cancellation stands for that of the job, where there is less time. */
export type ToRunner = { kind: "run"; job: RunnerJob } | { kind: "cancel"; reason: string; graceMs?: number };

export type FromRunner = { protocol: typeof RUNNER_PROTOCOL } & (
  | { kind: "started"; pid: number }
  | { kind: "ended"; result: CommandResult }
);
