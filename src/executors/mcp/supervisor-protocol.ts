/**
 * Messages between the server and a supervisor over the supervisor's IPC channel; see supervisor.ts. This file holds
 * types only, because the supervisor must start fast.
 */
export interface SupervisorJob {
  /** Marks every process of the server; see `MARK_VARIABLE`. */
  mark: string;
  command: string;
  args: readonly string[];
  /** All of the server's environment. */
  env: Record<string, string>;
  /** Absolute. */
  cwd: string;
}

/** `graceMs`: from now to the last of its processes. */
export type ToSupervisor = { kind: "run"; job: SupervisorJob } | { kind: "end"; graceMs: number };

export type FromSupervisor =
  | { kind: "started"; pid: number }
  | { kind: "not_started"; error: string }
  /** `how`: `exit code 1`, `SIGKILL`. */
  | { kind: "ended"; how: string };
